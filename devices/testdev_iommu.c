/*
 * testdev_iommu.c - sixteen translations. translate() is called without this device's lock, so an
 * entry is one atomic word and is read once.
 */
#include "devices/testdev_internal.h"

#include <errno.h>

enum { PAGE_SHIFT = 12, ORDER_MAX = 8, PERMISSIONS = TESTDEV_IOMMU_READ | TESTDEV_IOMMU_WRITE };

static hwaddr mask_of(uint64_t entry)
{
    return (UINT64_C(1) << (PAGE_SHIFT + (entry >> TESTDEV_IOMMU_ORDER_SHIFT & 0xf))) - 1;
}

static hwaddr iova_of(uint64_t entry)
{
    return (entry >> TESTDEV_IOMMU_IOVA_SHIFT & 0xff) << PAGE_SHIFT & ~mask_of(entry);
}

static IOMMUTLBEntry translation_of(const struct testdev *dev, uint64_t entry)
{
    return (IOMMUTLBEntry){
        .target_as = dev->config.memory,
        .iova = iova_of(entry),
        .translated_addr = entry & TESTDEV_IOMMU_TARGET & ~mask_of(entry),
        .addr_mask = mask_of(entry),
        .perm = (IOMMUAccessFlags)(entry & PERMISSIONS),
    };
}

static IOMMUTLBEntry translate(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index)
{
    const struct testdev *dev = opaque;
    unsigned i;

    (void)flag;
    (void)index;
    for (i = 0; i < TESTDEV_IOMMU_ENTRIES; i++) {
        uint64_t entry = atomic_load_explicit(&dev->iommu.entries[i], memory_order_acquire);

        if (entry & PERMISSIONS && (addr & ~mask_of(entry)) == iova_of(entry)) {
            return translation_of(dev, entry);
        }
    }
    return (IOMMUTLBEntry){
        .target_as = dev->config.memory,
        .iova = addr & ~(hwaddr)0xfff,
        .addr_mask = 0xfff,
    };
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

/* What is reserved is dropped, so that reading back shows what counts. */
static uint64_t clean_entry(uint64_t value)
{
    uint64_t order = value >> TESTDEV_IOMMU_ORDER_SHIFT & 0xf;

    order = order > ORDER_MAX ? ORDER_MAX : order;
    return (value & (PERMISSIONS | TESTDEV_IOMMU_TARGET)) | order << TESTDEV_IOMMU_ORDER_SHIFT |
           (value >> TESTDEV_IOMMU_IOVA_SHIFT & 0xff) << TESTDEV_IOMMU_IOVA_SHIFT;
}

/* A change in place is told as an unmap, then a map. */
static void write_entry(struct testdev *dev, unsigned n, uint64_t value)
{
    IOMMUTLBEntry told;
    uint64_t old;

    value = clean_entry(value);
    old = atomic_exchange_explicit(&dev->iommu.entries[n], 0, memory_order_acq_rel);
    if (old & PERMISSIONS) {
        told = translation_of(dev, old);
        told.perm = IOMMU_NONE;
        memory_region_notify_iommu(&dev->mr_iommu, IOMMU_NOTIFIER_UNMAP, &told);
    }
    atomic_store_explicit(&dev->iommu.entries[n], value, memory_order_release);
    if (value & PERMISSIONS) {
        told = translation_of(dev, value);
        memory_region_notify_iommu(&dev->mr_iommu, IOMMU_NOTIFIER_MAP, &told);
    }
}

static uint64_t read_entry(struct testdev *dev, unsigned n)
{
    return atomic_load_explicit(&dev->iommu.entries[n], memory_order_relaxed);
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
    int ret = memory_region_init_iommu(&dev->mr_iommu, dev->core, &dev->owner, &iommu_ops, dev,
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
    unsigned i;

    write_notify(dev, 0, 0);
    for (i = 0; i < TESTDEV_IOMMU_ENTRIES; i++) {
        write_entry(dev, i, 0);
    }
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
