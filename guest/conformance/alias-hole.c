/* alias-hole.c - where an alias exceeds its target it is a hole: what lies below shows. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define ALIAS 0xe0030000 /* 0x2000 bytes, of which the target has 0x1000 */

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read32(ALIAS) == 0x03020100, "the target shows");
    report(mmio_read32(ALIAS + 0xffc) == 0x0f0e0d0c, "to its end");
    report(mmio_read32(ALIAS + 0x1000) == 0x5a5a5a5a, "behind it the region below does");
    report(mmio_read8(ALIAS + 0x1fff) == 0x5a, "to the end of the alias and its own");
    report(mmio_read8(ALIAS + 0x2000) == 0xff, "where both end");
    return report_finish();
}
