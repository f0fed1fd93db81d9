/* iommu-notify.c - who listens hears of each page that is mapped and unmapped, once. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define RAM 0x800000
#define RW (TESTDEV_IOMMU_READ | TESTDEV_IOMMU_WRITE)

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);

    testdev_iommu_set(&dev, 0, 0x3000, RAM, RW, 0);
    testdev_write(&dev, TESTDEV_IOMMU_NOTIFY, 3);
    report(testdev_read(&dev, TESTDEV_IOMMU_MAPS) == 0, "nothing of what was before");
    testdev_iommu_set(&dev, 1, 0x8000, RAM, RW, 1);
    report(testdev_read(&dev, TESTDEV_IOMMU_MAPS) > 0, "a new entry is told of");
    report(testdev_read(&dev, TESTDEV_IOMMU_LAST_IOVA) >> 13 == 0x8000 >> 13, "where it is");
    testdev_write(&dev, TESTDEV_IOMMU_ENTRY, 0);
    report(testdev_read(&dev, TESTDEV_IOMMU_UNMAPS) == 1 &&
               testdev_read(&dev, TESTDEV_IOMMU_LAST_IOVA) == 0x3000 &&
               testdev_read(&dev, TESTDEV_IOMMU_LAST_MASK) == 0xfff,
           "one that is taken away, and its size");
    testdev_write(&dev, TESTDEV_IOMMU_NOTIFY, 2);
    testdev_write(&dev, TESTDEV_IOMMU_REPLAY, 1);
    report(testdev_read(&dev, TESTDEV_IOMMU_MAPS) > 0 &&
               testdev_read(&dev, TESTDEV_IOMMU_UNMAPS) == 0,
           "a replay tells of what there is");
    testdev_write(&dev, TESTDEV_IOMMU_NOTIFY, 0);
    testdev_iommu_set(&dev, 2, 0x4000, RAM, RW, 0);
    report(testdev_read(&dev, TESTDEV_IOMMU_MAPS) == 0, "nobody listens, nothing is counted");
    return report_finish();
}
