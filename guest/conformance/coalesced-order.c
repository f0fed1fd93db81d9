/*
 * coalesced-order.c - writes that are gathered before they reach the device come in the order in
 * which the guest made them, all of them, before anything else that it sees of the device.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define ZONE TESTDEV_WHO_ZONE
#define PORTS TESTDEV_WHO_PORT_ZONE
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t zone = dev.memory + TESTDEV_ZONE;
    uint16_t port = (uint16_t)(dev.ports + TESTDEV_PORT_ZONE);
    bool ordered = true;

    report(testdev_read(&dev, TESTDEV_COALESCE) == 3, "both zones gather writes");
    testdev_log_clear(&dev);
    mmio_write8(zone, 1);
    mmio_write32(zone + 0x100, 2);
    outb(port, 3);
    mmio_write16(zone + 0xffe, 4);
    outw(port + 2, 5);
    report(testdev_called(&dev, 5), "5 writes are 5 calls");
    report(testdev_call_is(&dev, 0, ZONE, 1 | W, 0, 1) &&
               testdev_call_is(&dev, 1, ZONE, 4 | W, 0x100, 2) &&
               testdev_call_is(&dev, 2, PORTS, 1 | W, 0, 3) &&
               testdev_call_is(&dev, 3, ZONE, 2 | W, 0xffe, 4) &&
               testdev_call_is(&dev, 4, PORTS, 2 | W, 2, 5),
           "in order, memory and ports among each other");
    testdev_log_clear(&dev);
    for (unsigned i = 0; i < 400; i++) {
        mmio_write32(zone + 4 * (i % 64), i);
    }
    report(testdev_called(&dev, 400), "more than any ring holds: none is lost");
    for (unsigned i = 336; i < 400; i++) {
        ordered = ordered && testdev_call_is(&dev, i, ZONE, 4 | W, 4 * (i % 64), i);
    }
    report(ordered, "and in order");
    return report_finish();
}
