/* string-to-device.c - rep ins whose memory is no RAM: a device, a ROM, nothing; and outs from it.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define PORT 0x2e8
#define SCRATCH (PORT + SERIAL_SCR)
#define DEVICE 0xe0000000
#define SRAM 0xe0011000
#define NOTHING 0xe0050000

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(SCRATCH, 0x81);
    insb(SCRATCH, (void *)(DEVICE + SERIAL_SCR), 1);
    report(mmio_read8(DEVICE + SERIAL_SCR) == 0x81, "from a port to a device's register");
    mmio_write8(DEVICE + SERIAL_SCR, 0x42);
    outsb(SCRATCH, (const void *)(DEVICE + SERIAL_SCR), 1);
    report(inb(SCRATCH) == 0x42, "from a device's register to a port");
    insb(SCRATCH, (void *)SRAM, 3);
    report(mmio_read32(SRAM) == 0x00424242, "3 bytes to RAM far from the rest");
    insb(SCRATCH, (void *)(SRAM - 1), 2);
    report(mmio_read8(SRAM - 1) == 0x42, "2 bytes over the end of a device into that RAM");
    insb(SCRATCH, (void *)NOTHING, 4);
    report(mmio_read32(NOTHING) == 0xffffffff, "to nothing");
    outsb(SCRATCH, (const void *)NOTHING, 4);
    report(inb(SCRATCH) == 0xff, "from nothing: ones");
    return report_finish();
}
