/*
 * dma-reentry.c - a device whose DMA leads back to its own registers: that access is refused and
 * counted; the machine goes on, and the device works.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM 0x800000
#define ACCESS_ERROR 4

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0), other = testdev_open(boot, 1);
    uint64_t scratch = dev.memory + TESTDEV_SCRATCH, before;

    testdev_write(&dev, TESTDEV_SCRATCH, 0x1234);
    before = testdev_read(&dev, TESTDEV_BLOCKED_REENTRY);
    mmio_write64(RAM, 0x5678);
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, RAM, scratch, 8, 0) & ACCESS_ERROR,
           "a write to itself is refused");
    report(testdev_read(&dev, TESTDEV_SCRATCH) == 0x1234, "and has no effect");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, scratch, RAM, 8, 0) & ACCESS_ERROR, "a read, too");
    report(testdev_read(&dev, TESTDEV_BLOCKED_REENTRY) > before, "both are counted");
    testdev_write(&other, TESTDEV_DMA_SOURCE, RAM);
    testdev_write(&other, TESTDEV_DMA_DEST, scratch);
    testdev_write(&other, TESTDEV_DMA_LENGTH, 8);
    testdev_write(&other, TESTDEV_DMA_FLAGS, 0);
    mmio_write64(RAM, TESTDEV_DMA_COPY);
    (void)testdev_dma(&dev, TESTDEV_DMA_COPY, RAM, other.memory + TESTDEV_DMA_COMMAND, 8, 0);
    report(testdev_read(&other, TESTDEV_DMA_RESULT) & ACCESS_ERROR,
           "by way of another device: the way back is refused");
    report(testdev_read(&dev, TESTDEV_SCRATCH) == 0x1234, "and has no effect");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, RAM, RAM + 8, 8, 0) == 0, "the device works on");
    return report_finish();
}
