/* straddle-page-end.c - a device across the end of a page; a CPU cuts accesses there. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define DEVICE 0xe0020ffc /* 4 bytes in each of two pages */
#define BORDER 0xe0021000

int main(const struct boot_info *boot)
{
    uint8_t mcr;

    (void)boot;
    mmio_write8(BORDER - 1, SERIAL_LCR_8N1);
    mmio_write8(BORDER, SERIAL_MCR_LOOP);
    mcr = mmio_read8(BORDER);
    report(mcr == SERIAL_MCR_LOOP, "a register in the second page");
    report(mmio_read16(BORDER - 1) == (SERIAL_MCR_LOOP << 8 | SERIAL_LCR_8N1), "a word over both");
    mmio_write16(BORDER - 1, 0x0b00 | SERIAL_LCR_DLAB);
    report(mmio_read8(BORDER) == 0x0b && mmio_read8(BORDER - 1) == SERIAL_LCR_DLAB, "a word write");
    mmio_write32(DEVICE, 0x80001234);
    report(mmio_read16(DEVICE) == 0x1234, "a double word that ends with the page");
    report(mmio_read32(BORDER - 2) >> 8 == (0x000b80 | (uint32_t)mmio_read8(BORDER + 1) << 16),
           "a double word over both");
    report(mmio_read64(BORDER - 2) >> 56 == 0xff, "8 bytes, to behind its end");
    return report_finish();
}
