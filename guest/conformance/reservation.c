/* reservation.c - a reserved range answers nobody and hides the RAM below it. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define FLOOR 0xd3200000
#define NOBODY 0xd3201000 /* one page */

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write32(NOBODY - 4, 0x11111111);
    mmio_write32(FLOOR, 0x22222222);
    report(mmio_read32(FLOOR) == 0x22222222, "RAM below it in address");
    report(mmio_read32(NOBODY) == 0xffffffff && mmio_read32(NOBODY + 0xffc) == 0xffffffff,
           "it reads as nothing");
    mmio_write32(NOBODY, 0);
    report(mmio_read32(NOBODY) == 0xffffffff, "writes are lost");
    report(mmio_read64(NOBODY - 4) == 0xffffffff11111111, "a read from RAM into it");
    mmio_write64(NOBODY + 0xffc, 0);
    report(mmio_read32(NOBODY + 0xffc) == 0xffffffff, "a write out of it");
    return report_finish();
}
