/* fwcfg-files.c - fw_cfg's directory lists files in order of their names, with keys that hold them.
 */
#include "guest/lib/fw_cfg.h"
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n"
          "options = --fw-cfg opt/b,string=second --fw-cfg name=opt/a,string=one,,two\n");

static struct fw_cfg_entry entries[8];

int main(const struct boot_info *boot)
{
    uint32_t num;
    bool sorted = true, keys = true;
    char text[8];

    (void)boot;
    num = __builtin_bswap32((uint32_t)fw_cfg_number(FW_CFG_FILE_DIR, 4));
    report(num >= 3 && num <= 8, "%u files", num);
    for (unsigned i = 0; i < num && i < 8; i++) {
        fw_cfg_read(&entries[i], sizeof(entries[i]));
        sorted = sorted && (i == 0 || strcmp(entries[i - 1].name, entries[i].name) < 0);
        keys = keys && __builtin_bswap16(entries[i].key) == FW_CFG_FILE_FIRST + i;
    }
    report(sorted, "in order");
    report(keys, "keys from 0x20 on");
    report(fw_cfg_next() == 0, "nothing behind the last");
    report(fw_cfg_open("opt/a") == 7, "a file by its name, its size");
    fw_cfg_read(text, 8);
    report(memcmp(text, "one,two\0", 8) == 0, "its bytes, and zeros behind them");
    report(fw_cfg_open("opt/b") == 6, "another");
    insb(FW_CFG_DATA, text, 7);
    report(memcmp(text, "second\0", 7) == 0, "by string input");
    report(fw_cfg_open("opt/c") == -1, "and not what is not there");
    return report_finish();
}
