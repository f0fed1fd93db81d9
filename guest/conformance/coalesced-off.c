/* coalesced-off.c - a zone that is taken away loses no write, and its writes still arrive. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 1);
    uint64_t zone = dev.memory + TESTDEV_ZONE;
    uint16_t ports = (uint16_t)(dev.ports + TESTDEV_PORT_ZONE);

    testdev_log_clear(&dev);
    for (unsigned on = 4; on-- > 0;) { /* 3, 2, 1, 0: bit 0 the memory, bit 1 the ports */
        mmio_write32(zone, on);
        outl(ports, on);
        testdev_write(&dev, TESTDEV_COALESCE, on);
        report(testdev_read(&dev, TESTDEV_COALESCE_RESULT) == 0 &&
                   testdev_read(&dev, TESTDEV_COALESCE) == on,
               "zones %u", on);
        mmio_write32(zone, on + 100);
        outl(ports, on + 100);
    }
    report(testdev_called(&dev, 16), "every write has arrived");
    for (unsigned i = 0; i < 16; i++) {
        uint64_t value = 3 - i / 4 + (i % 4 >= 2 ? 100 : 0);
        unsigned who = i % 2 ? TESTDEV_WHO_PORT_ZONE : TESTDEV_WHO_ZONE;

        report(testdev_call_is(&dev, i, who, 4 | W, 0, value), "number %u, in its place", i);
    }
    testdev_write(&dev, TESTDEV_COALESCE, 4);
    report(testdev_read(&dev, TESTDEV_COALESCE_RESULT) == 22, "there is no third zone");
    return report_finish();
}
