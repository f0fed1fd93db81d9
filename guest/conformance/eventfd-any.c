/* eventfd-any.c - a doorbell without a value takes any, of its size or of all; reads reach the
 * device. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

int main(const struct boot_info *boot)
{
    const struct testdev_event sized = {.slot = 0, .offset = 0, .size = 2};
    const struct testdev_event any = {.slot = 2, .offset = 0x10, .size = 0};
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bell = dev.memory + TESTDEV_DOORBELL;

    report(testdev_event(&dev, sized, TESTDEV_EVENT_ADD) == 0 &&
               testdev_event(&dev, any, TESTDEV_EVENT_ADD) == 0,
           "two eventfds are added");
    testdev_log_clear(&dev);
    mmio_write16(bell, 0);
    mmio_write16(bell, 0xffff);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT) == 2 && testdev_called(&dev, 0),
           "any word to the first");
    mmio_write32(bell, 0);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT) == 2 && testdev_called(&dev, 1),
           "a double word is none for it");
    testdev_log_clear(&dev);
    mmio_write8(bell + 0x10, 1);
    mmio_write16(bell + 0x10, 1);
    mmio_write32(bell + 0x10, 1);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 16) == 3 && testdev_called(&dev, 0),
           "any size to the second");
    (void)mmio_read16(bell);
    report(testdev_called(&dev, 1) && testdev_read(&dev, TESTDEV_EVENT_COUNT) == 2,
           "a read is the device's");
    return report_finish();
}
