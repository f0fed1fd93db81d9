/* overlap-priority.c - of regions that overlap the one of higher priority shows, -1 below 0. */
#include "guest/lib/guest.h"

TEST_NOTE("board = overlap.dtb\n");

#define BASE 0xe0000000

static const struct {
    uint32_t first, last;
    uint8_t byte;
    const char *why;
} parts[] = {
    {0x0000, 0x1fff, 0xa1, "priority 1 over 0, which comes later in the tree"},
    {0x2000, 0x2fff, 0xa2, "priority 2 over 1"},
    {0x3000, 0x4fff, 0xa0, "priority 0 where nothing higher is"},
    {0x5000, 0x7fff, 0xaf, "priority -1 where nothing else is"},
};

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        report(mmio_read8(BASE + parts[i].first) == parts[i].byte &&
                   mmio_read8(BASE + parts[i].last) == parts[i].byte,
               "0x%x-0x%x: %s", parts[i].first, parts[i].last, parts[i].why);
    }
    report(mmio_read8(BASE + 0x8000) == 0xff, "nothing behind them");
    return report_finish();
}
