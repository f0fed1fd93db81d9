/* eventfd-ports.c - doorbells among the ports: matching values, and string output by items. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

int main(const struct boot_info *boot)
{
    static const uint8_t bytes[] = {1, 7, 2, 7, 7};
    const struct testdev_event event = {.slot = 3,
                                        .offset = 4,
                                        .size = 1,
                                        .data = 7,
                                        .flags = TESTDEV_EVENT_MATCH | TESTDEV_EVENT_PORTS};
    struct testdev dev = testdev_open(boot, 0);
    uint16_t bell = (uint16_t)(dev.ports + TESTDEV_PORT_DOORBELL + 4);

    report(testdev_event(&dev, event, TESTDEV_EVENT_ADD) == 0, "an eventfd is added");
    testdev_log_clear(&dev);
    outb(bell, 7);
    outb(bell, 8);
    outw(bell, 7);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 24) == 1, "its value and size alone");
    report(testdev_called(&dev, 2) &&
               testdev_call_is(&dev, 0, TESTDEV_WHO_PORT_DOORBELL, 1 | TESTDEV_LOG_WRITE, 4, 8),
           "the others reach the device");
    testdev_log_clear(&dev);
    outsb(bell, bytes, sizeof(bytes));
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 24) == 4 && testdev_called(&dev, 2),
           "rep outsb: item by item");
    report(testdev_event(&dev, event, TESTDEV_EVENT_REMOVE) == 0, "it is removed");
    outb(bell, 7);
    report(testdev_read(&dev, TESTDEV_EVENT_COUNT + 24) == 4, "and is not signalled any more");
    return report_finish();
}
