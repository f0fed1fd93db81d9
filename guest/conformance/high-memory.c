/*
 * high-memory.c - RAM, ROM and a device above 4 GiB are themselves, not what lies at the same place
 * modulo 4 GiB.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = high.dtb\n");

#define RAM UINT64_C(0x100000000)
#define RAM_SIZE 0x400000
#define ROM UINT64_C(0x17ffff000)
#define DEVICE UINT64_C(0x17fff0000)
#define LOW 0x200000 /* RAM + LOW is RAM, too */

int main(const struct boot_info *boot)
{
    (void)boot;
    report(paging_map_gib(RAM) && paging_map_gib(ROM), "the pages are mapped");
    mmio_write64(LOW, 0x1111111111111111);
    mmio_write64(RAM + LOW, 0x2222222222222222);
    report(mmio_read64(LOW) == 0x1111111111111111, "RAM below");
    report(mmio_read64(RAM + LOW) == 0x2222222222222222, "RAM above, other bytes");
    mmio_write8(RAM + RAM_SIZE - 1, 0x5a);
    report(mmio_read8(RAM + RAM_SIZE - 1) == 0x5a, "its last byte");
    report(mmio_read16(RAM + RAM_SIZE - 1) == 0xff5a, "nothing behind it");
    report(mmio_read64(ROM + 0xff8) == UINT64_C(0x7776757473727170), "a ROM's last bytes");
    mmio_write8(ROM, 0);
    report(mmio_read8(ROM) == 0x70, "which cannot be written");
    mmio_write8(DEVICE + SERIAL_SCR, 0xc3);
    report(mmio_read8(DEVICE + SERIAL_SCR) == 0xc3, "a device");
    report(mmio_read8(DEVICE + 8) == 0xff, "nothing behind it");
    mmio_lock_inc32(RAM + LOW);
    report(mmio_read32(RAM + LOW) == 0x22222223, "a locked increment");
    return report_finish();
}
