/* alias-over-ram.c - a page of RAM covered by an alias of another page keeps what it had. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define COVERED 0x800000
#define SHOWN 0x900000
#define PAGE 0x1000

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write32(SHOWN, 0x11111111);
    mmio_write32(SHOWN + PAGE, 0x33333333);
    mmio_write32(COVERED - 4, 0x44444444);
    mmio_write32(COVERED + PAGE, 0x55555555);
    report(mmio_read32(COVERED) == 0x11111111, "the page shows another");
    mmio_write32(COVERED, 0x22222222);
    report(mmio_read32(SHOWN) == 0x22222222, "and writes go there");
    report(mmio_read64(COVERED - 4) == 0x2222222244444444, "a read from the page before into it");
    mmio_write64(COVERED + PAGE - 4, 0x7777777766666666);
    report(mmio_read32(SHOWN + PAGE - 4) == 0x66666666, "a write out of it: the first half");
    report(mmio_read32(COVERED + PAGE) == 0x77777777, "goes there, the rest to the page behind");
    report(mmio_read32(SHOWN + PAGE) == 0x33333333, "and not to the one behind what it shows");
    return report_finish();
}
