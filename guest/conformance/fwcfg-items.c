/* fwcfg-items.c - fw_cfg's numbers are the machine's, and a selection begins at the first byte. */
#include "guest/lib/fw_cfg.h"
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\ncpus = 2\nmemory = 96M\n");

int main(const struct boot_info *boot)
{
    char signature[6];

    (void)boot;
    fw_cfg_select(FW_CFG_SIGNATURE);
    fw_cfg_read(signature, sizeof(signature));
    report(memcmp(signature, "QEMU\0\0", 6) == 0, "the signature, and zeros behind it");
    fw_cfg_select(FW_CFG_SIGNATURE);
    report(fw_cfg_next() == 'Q' && inb(FW_CFG_SELECTOR) == 'E', "read at either port");
    report(fw_cfg_number(FW_CFG_ID, 4) == 3, "both interfaces");
    report(fw_cfg_number(FW_CFG_NB_CPUS, 2) == 2, "CPUs");
    report(fw_cfg_number(FW_CFG_MAX_CPUS, 2) == 2, "most CPUs");
    report(fw_cfg_number(FW_CFG_RAM_SIZE, 8) == 96 << 20, "the memory's size");
    fw_cfg_select(0x4000 | FW_CFG_NB_CPUS);
    outb(FW_CFG_DATA, 9);
    report(fw_cfg_next() == 2, "a number cannot be written");
    report(fw_cfg_number(0x7f, 8) == 0 && fw_cfg_number(0xffff, 8) == 0, "other items are empty");
    fw_cfg_select(FW_CFG_SIGNATURE);
    report(inw(FW_CFG_SELECTOR) == 0 && fw_cfg_next() == 'Q', "words are not read");
    return report_finish();
}
