/*
 * mmio-island.c - a device of 8 bytes in the middle of a page of RAM: the RAM around it is RAM, to
 * the byte, and keeps what it holds.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define DEVICE 0x800100
#define PAGE 0x800000

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write64(DEVICE - 8, 0x0807060504030201);
    mmio_write64(DEVICE + 8, 0x1817161514131211);
    mmio_write8(DEVICE + SERIAL_LCR, SERIAL_LCR_DLAB);
    mmio_write16(DEVICE, 0xc33c);
    mmio_write8(DEVICE + SERIAL_SCR, 0x5a);
    report(mmio_read64(DEVICE - 8) == 0x0807060504030201, "RAM before it");
    report(mmio_read64(DEVICE + 8) == 0x1817161514131211, "RAM behind it");
    report(mmio_read16(DEVICE) == 0xc33c && mmio_read8(DEVICE + SERIAL_SCR) == 0x5a, "the device");
    report(mmio_read32(DEVICE - 2) == 0xc33c0807, "a read into it");
    report(mmio_read32(DEVICE + 7) == 0x1312115a, "a read out of it");
    mmio_write32(DEVICE - 2, 0x99aabbcc);
    report(mmio_read16(DEVICE - 2) == 0xbbcc && mmio_read16(DEVICE) == 0x99aa, "a write into it");
    mmio_lock_inc32(DEVICE - 4);
    report(mmio_read32(DEVICE - 4) == 0xbbcc0606, "a locked increment just before it");
    report(mmio_read8(PAGE) == 0 && mmio_read8(PAGE + 0xfff) == 0, "the ends of the page");
    mmio_write8(PAGE + 0xfff, 0x66);
    report(mmio_read16(PAGE + 0xfff) == 0x66, "the last byte, with the next page's first");
    return report_finish();
}
