/* fwcfg-e820.c - fw_cfg's memory map is the one that the boot protocol gives. */
#include "guest/lib/fw_cfg.h"
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

struct __attribute__((packed)) e820_entry {
    uint64_t first, size;
    uint32_t type;
};

int main(const struct boot_info *boot)
{
    int64_t size = fw_cfg_open("etc/e820");
    struct e820_entry entry;
    uint64_t ram = 0;

    report(size == (int64_t)(boot->map_num * sizeof(entry)), "as many entries: %u",
           (unsigned)boot->map_num);
    for (size_t i = 0; i < boot->map_num; i++) {
        fw_cfg_read(&entry, sizeof(entry));
        report(entry.first == boot->map[i].first &&
                   entry.size == boot->map[i].last - boot->map[i].first + 1 &&
                   (entry.type == BOOT_MAP_RAM) == (boot->map[i].type == BOOT_MAP_RAM),
               "entry %u at 0x%llx", (unsigned)i, (unsigned long long)entry.first);
        ram += entry.type == BOOT_MAP_RAM ? entry.size : 0;
    }
    report(ram > 100 << 20 && ram <= fw_cfg_number(FW_CFG_RAM_SIZE, 8), "which holds the memory");
    return report_finish();
}
