/* iommu-dma.c - a device behind the IOMMU reaches what is mapped for it, page by page. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM 0x800000
#define RW (TESTDEV_IOMMU_READ | TESTDEV_IOMMU_WRITE)
#define FROM 0x900000

static struct testdev dev;

static uint64_t to_device_view(uint64_t iova, uint64_t length)
{
    return testdev_dma(&dev, TESTDEV_DMA_COPY, FROM, iova, length, TESTDEV_DMA_DEST_IOMMU);
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    memset((void *)FROM, 0x5a, 0x3000);
    memset((void *)RAM, 0, 0x4000);
    testdev_iommu_set(&dev, 0, 0x10000, RAM + 0x2000, RW, 0);
    testdev_iommu_set(&dev, 1, 0x11000, RAM, RW, 0);
    testdev_iommu_set(&dev, 2, 0x12000, RAM + 0x1000, TESTDEV_IOMMU_READ, 0);
    report(to_device_view(0x10000 + 0x800, 0x1000) == 0, "over two pages");
    report(memory_is((void *)(RAM + 0x2800), 0x5a, 0x800) && memory_is((void *)RAM, 0x5a, 0x800),
           "each half in its own");
    report(memory_is((void *)(RAM + 0x2000), 0, 0x800) && mmio_read8(RAM + 0x800) == 0 &&
               mmio_read8(RAM + 0x3000) == 0,
           "and nothing beside them");
    report(to_device_view(0x12000, 8) != 0 && mmio_read64(RAM + 0x1000) == 0,
           "a page that can be read only is not written");
    report(to_device_view(0x13000, 8) != 0, "nor one that is not mapped");
    report(testdev_dma(&dev, TESTDEV_DMA_COPY, 0x12000, FROM, 8, TESTDEV_DMA_SOURCE_IOMMU) == 0 &&
               mmio_read64(FROM) == 0,
           "but it is read");
    return report_finish();
}
