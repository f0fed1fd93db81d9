/*
 * eventfd-match.c - a doorbell with a value takes writes of that value and size alone; the others
 * reach the device.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define VALUE 0xcafe
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    const struct testdev_event event = {
        .slot = 1, .offset = 8, .size = 4, .data = VALUE, .flags = TESTDEV_EVENT_MATCH};
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bell = dev.memory + TESTDEV_DOORBELL + 8;

    report(testdev_event(&dev, event, TESTDEV_EVENT_ADD) == 0, "an eventfd is added");
    testdev_log_clear(&dev);
    mmio_write32(bell, VALUE);
    mmio_write32(bell, VALUE);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 8) == 2, "it is signalled each time");
    report(testdev_called(&dev, 0), "and the device hears nothing");
    mmio_write32(bell, VALUE + 1);
    mmio_write16(bell, VALUE);
    mmio_write32(bell + 4, VALUE);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 8) == 2, "not by others");
    report(testdev_called(&dev, 3) &&
               testdev_call_is(&dev, 0, TESTDEV_WHO_DOORBELL, 4 | W, 8, VALUE + 1) &&
               testdev_call_is(&dev, 1, TESTDEV_WHO_DOORBELL, 2 | W, 8, VALUE) &&
               testdev_call_is(&dev, 2, TESTDEV_WHO_DOORBELL, 4 | W, 12, VALUE),
           "which the device gets: another value, size, place");
    report(testdev_event(&dev, event, TESTDEV_EVENT_REMOVE) == 0, "it is removed");
    testdev_log_clear(&dev);
    mmio_write32(bell, VALUE);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 8) == 2 && testdev_called(&dev, 1),
           "and the device gets that one, too");
    return report_finish();
}
