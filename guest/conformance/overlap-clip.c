/* overlap-clip.c - what exceeds its container is cut off; a disabled region hides nothing. */
#include "guest/lib/guest.h"

TEST_NOTE("board = overlap.dtb\n");

#define BASE 0xe0050000 /* a container of 0x1800 bytes, in it a ROM from 0x1000 on */

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read8(BASE) == 0xff, "the disabled ROM does not show");
    report(mmio_read8(BASE + 0x1000) == 0x31, "the ROM under it does");
    report(mmio_read64(BASE + 0x17f8) == UINT64_C(0x3837363534333231), "to the container's end");
    report(mmio_read64(BASE + 0x17fc) == UINT64_C(0xffffffff38373635), "which cuts a read in two");
    report(mmio_read8(BASE + 0x1800) == 0xff && mmio_read8(BASE + 0x2fff) == 0xff,
           "behind it the ROM is cut off");
    return report_finish();
}
