/* straddle-ram-device.c - accesses from the end of RAM into a device, and from a device into RAM.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define END 0x1000000     /* of RAM; a device begins */
#define DEVICE 0xe0010ff8 /* 8 bytes, then RAM */
#define SRAM (DEVICE + 8)

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write8(END + SERIAL_LCR, SERIAL_LCR_DLAB);
    mmio_write32(END - 4, 0);
    mmio_write32(END - 2, 0x44332211);
    report(mmio_read16(END - 2) == 0x2211, "a write over the end of RAM: RAM has its half");
    report(mmio_read16(END) == 0x4433, "the device the other");
    report(mmio_read32(END - 2) == 0x44332211, "and they read as one");
    mmio_write16(END - 1, 0x6655);
    report(mmio_read32(END - 2) == 0x44665511, "one byte of each");
    report(mmio_read64(END - 6) >> 32 == 0x44665511, "within 8 bytes");
    mmio_write32(SRAM, 0);
    mmio_write32(SRAM - 1, 0x44332211);
    report(mmio_read8(DEVICE + SERIAL_SCR) == 0x11, "from a device into RAM: the device's byte");
    report(mmio_read32(SRAM) == 0x00443322, "the rest is in RAM");
    report(mmio_read32(SRAM - 1) == 0x44332211, "read as one");
    return report_finish();
}
