/* unassigned-memory.c - memory that nothing claims reads ones at each width and place. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\n");

#define NOTHING 0xd0000000
#define PAGE 0x1000

static bool reads_ones(uint64_t addr)
{
    return mmio_read8(addr) == 0xff && mmio_read16(addr) == 0xffff &&
           mmio_read32(addr) == 0xffffffff && mmio_read64(addr) == UINT64_MAX;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned offset = 0; offset < 8; offset++) {
        report(reads_ones(NOTHING + offset), "%u bytes into a page", offset);
    }
    for (unsigned before = 1; before < 8; before++) {
        report(reads_ones(NOTHING + PAGE - before), "%u bytes before the end of one", before);
    }
    report(reads_ones(0xfffffff8), "the last below 4 GiB");
    return report_finish();
}
