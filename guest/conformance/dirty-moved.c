/*
 * dirty-moved.c - a page that was written through an alias or an IOMMU is dirty at its place in
 * RAM, also when the alias shows something else before anybody looks.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define POOL 0xd2000000
#define WINDOW 0xd1100000 /* shows 64 KiB of the pool */
#define PAGE 0x1000

static struct testdev dev;

static bool dirty(uint64_t want)
{
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_TAKE);
    return testdev_read(&dev, TESTDEV_DIRTY_BITMAP) == want;
}

int main(const struct boot_info *boot)
{
    uint64_t bank = bank_switch_open(boot);

    dev = testdev_open(boot, 0);
    testdev_write(&dev, TESTDEV_DIRTY_ADDR, POOL);
    testdev_write(&dev, TESTDEV_DIRTY_PAGES, 64);
    testdev_write(&dev, TESTDEV_DIRTY_CLIENT, 2);
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_START);
    report(dirty(UINT64_MAX) && dirty(0), "all dirty at first, and then nothing");
    bank_switch_select(bank, "window");
    for (uint64_t i = 1; i < 5; i++) {
        mmio_write8(WINDOW + 6 * PAGE, 1);
        report(bank_switch_set(bank, BANK_SWITCH_OFFSET, 8 * i * PAGE) == 0 &&
                   dirty(1UL << (6 + 8 * (i - 1))),
               "%lu: written, the alias moved, found", i);
    }
    mmio_write8(WINDOW + 6 * PAGE, 2);
    bank_switch_set(bank, BANK_SWITCH_ENABLED, 0);
    report(dirty(1UL << 38), "written, the alias switched off, found");
    testdev_iommu_set(&dev, 0, 0, POOL + 9 * PAGE, TESTDEV_IOMMU_WRITE, 0);
    mmio_write8(dev.translated, 1);
    report(dirty(1 << 9), "written through an IOMMU");
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_SYNC);
    report(testdev_read(&dev, TESTDEV_DIRTY_COUNT) == 0, "nothing else is dirty");
    return report_finish();
}
