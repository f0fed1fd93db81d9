/* iommu-window.c - what the CPU accesses in the window goes where the IOMMU says, with its rights.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM 0x800000
#define RW (TESTDEV_IOMMU_READ | TESTDEV_IOMMU_WRITE)

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t window = dev.translated;

    mmio_write64(RAM + 0x10, 0x8877665544332211);
    report(mmio_read32(window + 0x10) == 0xffffffff, "nothing is mapped at first");
    testdev_iommu_set(&dev, 0, 0x0000, RAM, RW, 0);
    testdev_iommu_set(&dev, 1, 0x1000, RAM + 0x5000, TESTDEV_IOMMU_READ, 0);
    testdev_iommu_set(&dev, 2, 0x4000, RAM + 0x8000, RW, 2);
    report(mmio_read64(window + 0x10) == 0x8877665544332211, "a page that is");
    mmio_write32(window + 0xffc, 0x12345678);
    report(mmio_read32(RAM + 0xffc) == 0x12345678, "a write to its end");
    mmio_write32(RAM + 0x5000, 0xcafe);
    mmio_write32(window + 0x1000, 1);
    report(mmio_read32(window + 0x1000) == 0xcafe, "a page that can be read only");
    mmio_write32(RAM + 0x5000, 0xbeef);
    report(mmio_read64(window + 0xffc) == UINT64_C(0xbeef12345678), "a read over both");
    mmio_write32(window + 0x7ffc, 0x55);
    report(mmio_read32(RAM + 0xbffc) == 0x55, "one entry for four pages");
    report(mmio_read32(window + 0x2000) == 0xffffffff, "a page between them is not mapped");
    mmio_write64(dev.memory + TESTDEV_IOMMU_ENTRY, 0);
    report(mmio_read32(window + 0x10) == 0xffffffff, "nor is the first, taken away");
    testdev_iommu_set(&dev, 0, 0x0000, RAM + 0x8000, RW, 0);
    mmio_write32(RAM + 0x8010, 0x66);
    report(mmio_read32(window + 0x10) == 0x66, "and mapped anew it shows another place");
    return report_finish();
}
