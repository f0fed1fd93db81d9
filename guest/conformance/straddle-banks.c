/*
 * straddle-banks.c - one access over two devices of different byte orders and sizes is a call to
 * each, with its own part; from the last of them it goes on into RAM.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t border = testdev_bank(&dev, 1), ram = testdev_bank(&dev, 7) + TESTDEV_BANK_SIZE;

    testdev_log_clear(&dev);
    mmio_write64(border - 4, 0x8877665544332211);
    report(testdev_called(&dev, 2) &&
               testdev_call_is(&dev, 0, 0, 4 | W, TESTDEV_BANK_SIZE - 4, 0x44332211) &&
               testdev_call_is(&dev, 1, 1, 4 | W, 0, 0x55667788),
           "a write: the lower half as it is, the upper swapped");
    testdev_log_clear(&dev);
    report(mmio_read64(border - 4) == 0x8877665544332211 && testdev_called(&dev, 2), "a read");
    mmio_write32(border - 1, 0xddccbbaa);
    report(mmio_read8(testdev_raw(&dev, 0) + TESTDEV_BANK_SIZE - 1) == 0xaa &&
               mmio_read16(testdev_raw(&dev, 1)) == 0xccbb,
           "one byte and three");
    report(mmio_read32(border - 1) == 0xddccbbaa, "and back");
    mmio_write64(ram, 0);
    testdev_log_clear(&dev);
    mmio_write64(ram - 4, 0x8877665544332211);
    report(testdev_called(&dev, 1) && mmio_read64(ram) == 0x88776655, "half of it in RAM");
    report(mmio_read64(ram - 4) == 0x8877665544332211, "and back");
    return report_finish();
}
