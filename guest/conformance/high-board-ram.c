/* high-board-ram.c - RAM beyond 3 GiB goes above 4 GiB, to its last byte, and the map says so. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nmemory = 3080M\n");

#define FIRST UINT64_C(0x100000000)
#define SIZE UINT64_C(0x800000) /* 3080 MiB - 3 GiB */
#define LOW_END UINT64_C(0xc0000000)

int main(const struct boot_info *boot)
{
    bool found = false;

    for (size_t i = 0; i < boot->map_num; i++) {
        found = found || (boot->map[i].first == FIRST && boot->map[i].last == FIRST + SIZE - 1 &&
                          boot->map[i].type == BOOT_MAP_RAM);
    }
    report(found, "the memory map has 8 MiB above 4 GiB");
    report(paging_map_gib(FIRST), "the pages are mapped");
    mmio_write32(LOW_END - 4, 0x11111111);
    mmio_write32(FIRST, 0x22222222);
    mmio_write32(FIRST + SIZE - 4, 0x33333333);
    report(mmio_read32(LOW_END - 4) == 0x11111111, "the last below");
    report(mmio_read32(FIRST) == 0x22222222, "the first above");
    report(mmio_read32(FIRST + SIZE - 4) == 0x33333333, "the last above");
    report(mmio_read32(LOW_END) == 0xffffffff, "3 GiB is not RAM");
    report(mmio_read64(FIRST + SIZE - 4) == UINT64_C(0xffffffff33333333), "nor what is behind all");
    return report_finish();
}
