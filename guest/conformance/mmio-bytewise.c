/*
 * mmio-bytewise.c - a device that can do bytes only gets a call for each, ascending; the bytes are
 * put together by its byte order.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define LITTLE 2
#define BIG 3
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t little = testdev_bank(&dev, LITTLE), big = testdev_bank(&dev, BIG);

    testdev_log_clear(&dev);
    mmio_write32(little, 0x44332211);
    report(testdev_called(&dev, 4), "4 bytes written are 4 calls");
    report(testdev_call_is(&dev, 0, LITTLE, 1 | W, 0, 0x11) &&
               testdev_call_is(&dev, 1, LITTLE, 1 | W, 1, 0x22) &&
               testdev_call_is(&dev, 2, LITTLE, 1 | W, 2, 0x33) &&
               testdev_call_is(&dev, 3, LITTLE, 1 | W, 3, 0x44),
           "little endian: the lowest byte first");
    testdev_log_clear(&dev);
    report(mmio_read32(little) == 0x44332211 && testdev_called(&dev, 4) &&
               testdev_call_is(&dev, 0, LITTLE, 1, 0, 0x11) &&
               testdev_call_is(&dev, 3, LITTLE, 1, 3, 0x44),
           "and so it reads");
    testdev_log_clear(&dev);
    mmio_write32(big, 0x44332211);
    report(testdev_called(&dev, 4) && testdev_call_is(&dev, 0, BIG, 1 | W, 0, 0x11) &&
               testdev_call_is(&dev, 3, BIG, 1 | W, 3, 0x44),
           "big endian: bytes lie as the CPU wrote them, too");
    report(mmio_read32(big) == 0x44332211, "and so it reads");
    testdev_log_clear(&dev);
    (void)mmio_read64(little);
    report(testdev_called(&dev, 8), "8 bytes are 8 calls");
    return report_finish();
}
