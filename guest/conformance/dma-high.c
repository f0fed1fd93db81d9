/* dma-high.c - a device reaches RAM above 4 GiB, and nothing below it instead. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define HIGH UINT64_C(0x100800000)
#define LOW 0x800000
#define LAST UINT64_C(0x100fffff8)

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);

    report(paging_map_gib(HIGH), "the pages are mapped");
    mmio_write64(LOW, 0x1111111111111111);
    mmio_write64(LOW + 8, 0x2222222222222222);
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, LOW + 8, HIGH, 8, 0) == 0, "a copy up");
    report(mmio_read64(HIGH) == 0x2222222222222222, "arrives");
    report(mmio_read64(LOW) == 0x1111111111111111, "and not at the same place below");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, HIGH, LAST, 8, 0) == 0 &&
               mmio_read64(LAST) == 0x2222222222222222,
           "to the last bytes");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, HIGH, LAST + 8, 8, 0) == 2,
           "behind them is nothing");
    return report_finish();
}
