/* fwcfg-dma.c - transfers select, read and skip, and share their place with the data port. */
#include "guest/lib/fw_cfg.h"
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\noptions = --fw-cfg opt/x,string=0123456789\n");

static char buf[16];

static uint32_t read(uint32_t control, uint32_t len)
{
    memset(buf, '-', sizeof(buf));
    return fw_cfg_transfer(control | FW_CFG_DMA_READ, len, (uintptr_t)buf);
}

int main(const struct boot_info *boot)
{
    uint32_t key;

    (void)boot;
    report(inl(FW_CFG_DMA) == 0x554d4551 && inl(FW_CFG_DMA_LOW) == 0x47464320,
           "the register reads as QEMU CFG");
    report(inb(FW_CFG_DMA + 7) == 'G' && inw(FW_CFG_DMA + 4) == 0x4320, "in every width");
    report(read(FW_CFG_DMA_SELECT, 6) == 0 && !memcmp(buf, "QEMU\0\0-", 7),
           "an item, and zeros behind it");
    report(fw_cfg_open("opt/x") == 10, "a file");
    report(read(0, 3) == 0 && !memcmp(buf, "012-", 4), "its first bytes");
    report(fw_cfg_next() == '3', "the data port goes on");
    report(fw_cfg_transfer(FW_CFG_DMA_SKIP, 2, 0) == 0, "a skip");
    report(read(0, 2) == 0 && !memcmp(buf, "67-", 3), "and a transfer again");
    report(read(0, 0) == 0 && buf[0] == '-' && fw_cfg_next() == '8', "of nothing: no change");
    report(fw_cfg_transfer(FW_CFG_DMA_SKIP, 0xffffffff, 0) == 0 && fw_cfg_next() == 0,
           "a skip stops at the end");
    for (key = FW_CFG_FILE_FIRST;; key++) {
        if (read(FW_CFG_DMA_SELECT | key << 16, 10) != 0 || !memcmp(buf, "0123456789-", 11) ||
            key == 0x3f) {
            break;
        }
    }
    report(key < 0x3f, "found by its key, 0x%x", key);
    return report_finish();
}
