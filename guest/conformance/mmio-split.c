/* mmio-split.c - 8 bytes to a device that can do 4 are two calls, the lower half first. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define LITTLE 6
#define BIG 7
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t little = testdev_bank(&dev, LITTLE), big = testdev_bank(&dev, BIG);

    testdev_log_clear(&dev);
    mmio_write64(little, 0x8877665544332211);
    report(testdev_called(&dev, 2) && testdev_call_is(&dev, 0, LITTLE, 4 | W, 0, 0x44332211) &&
               testdev_call_is(&dev, 1, LITTLE, 4 | W, 4, 0x88776655),
           "written");
    testdev_log_clear(&dev);
    report(mmio_read64(little) == 0x8877665544332211 && testdev_called(&dev, 2) &&
               testdev_call_is(&dev, 0, LITTLE, 4, 0, 0x44332211),
           "read");
    testdev_log_clear(&dev);
    mmio_write64(big, 0x8877665544332211);
    report(testdev_called(&dev, 2) && testdev_call_is(&dev, 0, BIG, 4 | W, 0, 0x11223344) &&
               testdev_call_is(&dev, 1, BIG, 4 | W, 4, 0x55667788),
           "big endian: each half swapped");
    report(mmio_read64(big) == 0x8877665544332211, "and read so");
    testdev_log_clear(&dev);
    mmio_write8(little + 1, 0x5a);
    mmio_write16(little + 2, 0x1234);
    report(testdev_called(&dev, 2) && testdev_call_is(&dev, 0, LITTLE, 1 | W, 1, 0x5a) &&
               testdev_call_is(&dev, 1, LITTLE, 2 | W, 2, 0x1234),
           "narrower ones are as they are");
    return report_finish();
}
