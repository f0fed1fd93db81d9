/* overlap-scope.c - a priority counts among the children of one container, and not beyond. */
#include "guest/lib/guest.h"

TEST_NOTE("board = overlap.dtb\n");

#define BASE 0xe0040000

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read8(BASE) == 0x11,
           "priority 100 in a container of priority 0, where it is alone");
    report(mmio_read8(BASE + 0xfff) == 0x11, "to the end of that page");
    report(mmio_read8(BASE + 0x1000) == 0x22, "priority 1 beside the container hides it");
    report(mmio_read8(BASE + 0x1fff) == 0x22, "to the end");
    return report_finish();
}
