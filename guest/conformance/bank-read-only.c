/* bank-read-only.c - RAM that is made read-only while it is in use, and writable again. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define WINDOW 0xd1100000
#define POOL 0xd2000000

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot);
    struct testdev dev = testdev_open(boot, 0);

    bank_switch_select(bank_switch, "window");
    mmio_write32(WINDOW, 0x11111111);
    report(bank_switch_set(bank_switch, BANK_SWITCH_READONLY, 1) == 0, "read-only");
    mmio_write32(WINDOW, 0x22222222);
    mmio_lock_inc32(WINDOW);
    report(mmio_read32(WINDOW) == 0x11111111, "writes are dropped");
    report(testdev_dma(&dev, TESTDEV_DMA_FILL, 0, WINDOW, 4, 0) != 0 &&
               mmio_read32(WINDOW) == 0x11111111,
           "those of devices as well");
    mmio_write32(POOL, 0x33333333);
    report(mmio_read32(WINDOW) == 0x33333333, "the RAM itself is not");
    report(bank_switch_set(bank_switch, BANK_SWITCH_READONLY, 0) == 0, "writable");
    mmio_write32(WINDOW, 0x44444444);
    report(mmio_read32(POOL) == 0x44444444, "writes arrive");
    return report_finish();
}
