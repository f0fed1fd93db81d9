/* ram-device.c - memory of a device is memory to the guest: any access, code, to the last byte. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM 0xd3100000
#define SIZE 0x10000

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);

    mmio_write64(RAM, 0x8877665544332211);
    report(mmio_read64(RAM) == 0x8877665544332211 && mmio_read16(RAM + 3) == 0x5544, "it keeps");
    mmio_lock_inc32(RAM);
    report(mmio_read32(RAM) == 0x44332212, "a locked increment");
    mmio_write8(RAM + SIZE - 1, 0x5a);
    report(mmio_read16(RAM + SIZE - 1) == 0xff5a, "its last byte");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, RAM, RAM + 0x800, 8, 0) == 0 &&
               mmio_read64(RAM + 0x800) == 0x8877665544332212,
           "a device copies it");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, RAM + 1, RAM + 0x903, 5, 0) == 0 &&
               mmio_read8(RAM + 0x903) == 0x22 && mmio_read32(RAM + 0x904) == 0x66554433 &&
               mmio_read8(RAM + 0x908) == 0,
           "by odd addresses, too");
    code_put_return(RAM + 0x1000, 55);
    report(code_call(RAM + 0x1000) == 55, "code runs in it");
    return report_finish();
}
