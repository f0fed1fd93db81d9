/*
 * watch-dma.c - what a device reads and writes by DMA is told like what a CPU does; pages are dirty
 * by writes that were watched, and only the written ones.
 */
#include "guest/lib/guest.h"

#define POOL 0xd2000000
#define PAGE 0x1000

TEST_NOTE(
    "board = puzzle\n"
    "options = --watch 0xd2003ffc:8:w --watch 0x800010:4:r\n"
    "err = ^acre: watch 1: a device wrote 8 bytes at 0xd2003ffc: 0x0 -> 0x807060504030201$\n"
    "err = ^acre: watch 1: cpu 0 wrote 4 bytes at 0xd2004000: 0x8070605 -> 0x1, next instruction \n"
    "err = ^acre: watch 2: a device read [1-8] bytes? at 0x800010: 0x[0-9a-f]+$\n");

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
    testdev_write(&dev, TESTDEV_DMA_PATTERN, 0x0807060504030201);
    (void)testdev_dma(&dev, TESTDEV_DMA_FILL, 0, POOL + 4 * PAGE - 4, 12, 0);
    report(dirty(1 << 3 | 1 << 4), "by DMA to watched bytes of two pages");
    mmio_write32(POOL + 4 * PAGE, 1);
    report(dirty(1 << 4), "by a CPU's write to watched bytes");
    mmio_write32(POOL + 4 * PAGE + 0x800, 1);
    report(dirty(1 << 4), "by a CPU's write beside them");
    (void)mmio_read32(POOL + 3 * PAGE);
    report(dirty(0), "not by a read");
    (void)testdev_dma(&dev, TESTDEV_DMA_COPY, 0x800000, POOL + 8 * PAGE, 0x20, 0);
    report(dirty(1 << 8), "by DMA from watched bytes to others");
    return report_finish();
}
