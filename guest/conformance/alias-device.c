/*
 * alias-device.c - a device behind an alias is the same device, its registers at the same offsets;
 * the alias lies below its target, and is larger.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define DEVICE 0xe0010000
#define ALIAS 0x1800000

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write8(ALIAS + SERIAL_SCR, 0x3c);
    report(mmio_read8(DEVICE + SERIAL_SCR) == 0x3c, "a register written through the alias");
    mmio_write8(DEVICE + SERIAL_SCR, 0xc3);
    report(mmio_read8(ALIAS + SERIAL_SCR) == 0xc3, "and read through it");
    mmio_write8(ALIAS + SERIAL_LCR, SERIAL_LCR_8N1);
    report(mmio_read32(ALIAS + SERIAL_MCR) >> 24 == 0xc3 &&
               mmio_read8(DEVICE + SERIAL_LCR) == SERIAL_LCR_8N1,
           "others at their offsets, and wide reads");
    report(mmio_read8(ALIAS + 8) == 0xff, "the device has no more than its 8 bytes");
    return report_finish();
}
