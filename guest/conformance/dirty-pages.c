/* dirty-pages.c - the dirty log has exactly the pages that the guest wrote since it was last taken.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define POOL 0xd2000000 /* 256 pages of RAM */
#define PAGE 0x1000
#define PAGES 64

static struct testdev dev;

static uint64_t take(unsigned command)
{
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, command);
    return testdev_read(&dev, TESTDEV_DIRTY_BITMAP);
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    testdev_write(&dev, TESTDEV_DIRTY_ADDR, POOL);
    testdev_write(&dev, TESTDEV_DIRTY_PAGES, PAGES);
    testdev_write(&dev, TESTDEV_DIRTY_CLIENT, 2);
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_START);
    report(testdev_read(&dev, TESTDEV_DIRTY_RESULT) == 0, "logging begins");
    (void)take(TESTDEV_DIRTY_TAKE);
    mmio_write8(POOL + 3 * PAGE + 7, 1);
    mmio_write64(POOL + 10 * PAGE - 4, 1);
    mmio_lock_inc32(POOL + 20 * PAGE);
    (void)mmio_read32(POOL + 30 * PAGE);
    mmio_write8(POOL + 64 * PAGE, 1);
    report(take(TESTDEV_DIRTY_SYNC) == (1 << 3 | 1 << 9 | 1 << 10 | 1 << 20), "what was written");
    report(testdev_read(&dev, TESTDEV_DIRTY_COUNT) == 4, "4 pages");
    report(take(TESTDEV_DIRTY_TAKE) == (1 << 3 | 1 << 9 | 1 << 10 | 1 << 20), "is still so");
    report(take(TESTDEV_DIRTY_TAKE) == 0, "and is taken once");
    mmio_write8(POOL + 3 * PAGE, 1);
    mmio_write8(POOL + 63 * PAGE, 1);
    report(take(TESTDEV_DIRTY_TAKE) == (1 << 3 | UINT64_C(1) << 63),
           "pages written again, and the last");
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_STOP);
    report(testdev_read(&dev, TESTDEV_DIRTY_RESULT) == 0, "logging ends");
    return report_finish();
}
