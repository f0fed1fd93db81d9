/*
 * testdev_iommu.c - a table of translations among the registers, who follows it, and the space that
 * DMA sees behind it.
 */
#include "devices/testdev_internal.h"

#include <errno.h>

enum { PAGE_SHIFT = 12 };

static IOMMUTLBEntry translate(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index)
{
    const struct testdev *dev = opaque;

    (void)flag;
    (void)index;
    return iommu_table_translate(&dev->iommu.table, addr);
}

static const IOMMUMemoryRegionOps iommu_ops = {.translate = translate};

static void count_event(struct testdev *dev, const IOMMUTLBEntry *entry, uint64_t *counter)
{
    (*counter)++;
    dev->iommu.last_iova = entry->iova;
    dev->iommu.last_mask = entry->addr_mask;
}

/* An event of a page that is unmapped carries no permission. */
static void notify(IOMMUNotifier *notifier, const IOMMUTLBEntry *entry)
{
    struct testdev *dev = (void *)((char *)notifier - offsetof(struct testdev, iommu.notifier));

    count_event(dev, entry, entry->perm == IOMMU_NONE ? &dev->iommu.unmaps : &dev->iommu.maps);
}

static void write_entry(struct testdev *dev, unsigned n, uint64_t value)
{
    iommu_table_write(&dev->iommu.table, &dev->mr_iommu, n, value);
}

static uint64_t read_entry(struct testdev *dev, unsigned n)
{
    return iommu_table_read(&dev->iommu.table, n);
}

static void stop_listening(struct testdev *dev)
{
    if (dev->iommu.listening) {
        memory_region_unregister_iommu_notifier(&dev->mr_iommu, &dev->iommu.notifier);
        dev->iommu.listening = false;
    }
}

static void write_notify(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    stop_listening(dev);
    dev->iommu.notify = value & (IOMMU_NOTIFIER_UNMAP | IOMMU_NOTIFIER_MAP);
    dev->iommu.unmaps = 0;
    dev->iommu.maps = 0;
    dev->iommu.last_iova = 0;
    dev->iommu.last_mask = 0;
    dev->iommu.notifier = (IOMMUNotifier){
        .notify = notify,
        .flags = (unsigned)dev->iommu.notify,
        .last = TESTDEV_IOMMU_SIZE - 1,
    };
    if (dev->iommu.notify) {
        dev->iommu.listening =
            memory_region_register_iommu_notifier(&dev->mr_iommu, &dev->iommu.notifier) == 0;
    }
}

static void write_replay(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    (void)value;
    if (dev->iommu.listening) {
        memory_region_iommu_replay(&dev->mr_iommu, &dev->iommu.notifier);
    }
}

int testdev_iommu_init(struct testdev *dev)
{
    int ret;

    dev->iommu.table.target = dev->config.memory;
    dev->iommu.table.page_shift = PAGE_SHIFT;
    dev->iommu.table.pages = TESTDEV_IOMMU_SIZE >> PAGE_SHIFT;
    ret = memory_region_init_iommu(&dev->mr_iommu, dev->core, &dev->owner, &iommu_ops, dev,
                                   "testdev-iommu", TESTDEV_IOMMU_SIZE);
    if (ret == 0) {
        ret = memory_region_init(&dev->iommu.root, dev->core, NULL, "testdev-dma", UINT64_MAX);
    }
    if (ret == 0) {
        ret = memory_region_init_alias(&dev->iommu.alias, NULL, "testdev-dma-window",
                                       &dev->mr_iommu, 0, TESTDEV_IOMMU_SIZE);
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(&dev->iommu.root, 0, &dev->iommu.alias);
    }
    return ret < 0 ? ret
                   : address_space_init(&dev->iommu.space, dev->core, &dev->iommu.root,
                                        "testdev-dma", MEMORY_UNASSIGNED_MEMORY);
}

void testdev_iommu_reset(struct testdev *dev)
{
    write_notify(dev, 0, 0);
    iommu_table_reset(&dev->iommu.table, &dev->mr_iommu);
}

void testdev_iommu_finish(struct testdev *dev)
{
    stop_listening(dev);
    address_space_finish(&dev->iommu.space);
    memory_region_unref(&dev->iommu.alias);
    memory_region_unref(&dev->iommu.root);
    memory_region_unref(&dev->mr_iommu);
}

const struct testdev_register testdev_iommu_registers[] = {
    {.first = TESTDEV_IOMMU_ENTRY,
     .num = TESTDEV_IOMMU_ENTRIES,
     .read = read_entry,
     .write = write_entry},
    {TESTDEV_FIELD(TESTDEV_IOMMU_NOTIFY, iommu.notify), .write = write_notify},
    {TESTDEV_FIELD(TESTDEV_IOMMU_UNMAPS, iommu.unmaps)},
    {TESTDEV_FIELD(TESTDEV_IOMMU_MAPS, iommu.maps)},
    {TESTDEV_FIELD(TESTDEV_IOMMU_LAST_IOVA, iommu.last_iova)},
    {TESTDEV_FIELD(TESTDEV_IOMMU_LAST_MASK, iommu.last_mask)},
    {.first = TESTDEV_IOMMU_REPLAY, .num = 1, .write = write_replay},
    {.num = 0},
};
