/* overlap-newest.c - among regions of equal priority the one added later shows. */
#include "guest/lib/guest.h"

TEST_NOTE("board = overlap.dtb\n");

#define BASE 0xe0010000

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read8(BASE + 0xfff) == 0xb0, "the first where it is alone");
    report(mmio_read8(BASE + 0x1000) == 0xb1, "the second from where it begins");
    report(mmio_read8(BASE + 0x1fff) == 0xb1, "to the end of the first");
    report(mmio_read8(BASE + 0x2fff) == 0xb1, "and beyond");
    return report_finish();
}
