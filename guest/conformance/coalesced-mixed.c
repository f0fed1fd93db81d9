/*
 * coalesced-mixed.c - gathered writes come before the next access that is not gathered, to the same
 * device and to another that looks at it; and switched off they come at once.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t zone = dev.memory + TESTDEV_ZONE, bank = testdev_bank(&dev, 0);

    testdev_log_clear(&dev);
    mmio_write32(zone, 1);
    mmio_write32(bank, 2);
    mmio_write32(zone + 4, 3);
    (void)mmio_read32(bank);
    report(testdev_called(&dev, 4) && testdev_call_is(&dev, 0, TESTDEV_WHO_ZONE, 4 | W, 0, 1) &&
               testdev_call_is(&dev, 1, 0, 4 | W, 0, 2) &&
               testdev_call_is(&dev, 2, TESTDEV_WHO_ZONE, 4 | W, 4, 3) &&
               testdev_call_is(&dev, 3, 0, 4, 0, 2),
           "between others of the same device");
    mmio_write32(zone, 5);
    testdev_log_clear(&dev);
    report(testdev_called(&dev, 0), "what was gathered is cleared with the rest");
    testdev_write(&dev, TESTDEV_COALESCE, 0);
    report(testdev_read(&dev, TESTDEV_COALESCE_RESULT) == 0, "switched off");
    testdev_log_clear(&dev);
    mmio_write32(zone + 8, 6);
    report(testdev_called(&dev, 1) && testdev_call_is(&dev, 0, TESTDEV_WHO_ZONE, 4 | W, 8, 6),
           "a write comes all the same");
    testdev_write(&dev, TESTDEV_COALESCE, 3);
    testdev_log_clear(&dev);
    mmio_write32(zone + 12, 7);
    report(testdev_called(&dev, 1), "and on again");
    report(mmio_read32(zone + 12) == 0, "a read of the zone is the device's");
    return report_finish();
}
