/* straddle-devices.c - memory accesses across the border of two devices, at each place of it. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define FIRST 0xe0000000
#define SECOND 0xe0000008

int main(const struct boot_info *boot)
{
    uint64_t both;

    (void)boot;
    mmio_write8(FIRST + SERIAL_LCR, SERIAL_LCR_DLAB);
    mmio_write8(SECOND + SERIAL_LCR, SERIAL_LCR_DLAB);
    mmio_write16(SECOND - 1, 0x2211);
    report(mmio_read8(FIRST + SERIAL_SCR) == 0x11 && mmio_read8(SECOND) == 0x22, "a word write");
    report(mmio_read16(SECOND - 1) == 0x2211, "a word read");
    mmio_write32(SECOND - 1, 0x00445566);
    report(mmio_read8(FIRST + SERIAL_SCR) == 0x66 && mmio_read16(SECOND) == 0x4455,
           "a double word write, one byte to the first and three to the second");
    mmio_write16(SECOND, 0x9988);
    both = mmio_read64(SECOND - 5);
    report(mmio_read8(FIRST + SERIAL_LCR) == (uint8_t)both, "8 bytes: the first of them");
    report((both >> 32 & 0xffffff) == 0x998866, "those around the border");
    report(both >> 56 == mmio_read8(SECOND + 2), "and the last");
    report(mmio_read32(SECOND + 5) >> 24 == 0xff, "behind the second there is nothing");
    return report_finish();
}
