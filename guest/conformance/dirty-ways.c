/*
 * dirty-ways.c - a page is dirty by whatever way it was written: through an alias, by DMA, by
 * string input from a port.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define POOL 0xd2000000
#define ALIAS 0xd1100000 /* shows the pool's first 64 KiB */
#define PAGE 0x1000

static struct testdev dev;

static bool dirty(uint64_t want)
{
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_TAKE);
    return testdev_read(&dev, TESTDEV_DIRTY_BITMAP) == want;
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    testdev_write(&dev, TESTDEV_DIRTY_ADDR, POOL);
    testdev_write(&dev, TESTDEV_DIRTY_PAGES, 64);
    testdev_write(&dev, TESTDEV_DIRTY_CLIENT, 0);
    testdev_write(&dev, TESTDEV_DIRTY_COMMAND, TESTDEV_DIRTY_START);
    (void)dirty(0);
    mmio_write32(ALIAS + 5 * PAGE, 1);
    report(dirty(1 << 5), "through an alias");
    (void)testdev_dma(&dev, TESTDEV_DMA_FILL, 0, POOL + 7 * PAGE - 4, 8, 0);
    report(dirty(1 << 6 | 1 << 7), "by DMA over two pages");
    insb((uint16_t)testdev_bank(&dev, 8), (void *)(POOL + 9 * PAGE), 4);
    report(dirty(1 << 9), "by string input");
    (void)testdev_dma(&dev, TESTDEV_DMA_COPY, POOL, 0x800000, 0x2000, 0);
    report(dirty(0), "not by being read by DMA");
    (void)testdev_dma(&dev, TESTDEV_DMA_FILL, 0, ALIAS + 15 * PAGE, 8, 0);
    report(dirty(1 << 15), "by DMA through the alias");
    return report_finish();
}
