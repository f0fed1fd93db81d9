/*
 * iommu.c - IOMMU regions and those who follow their mappings. The translation of an access itself
 * is in access.c.
 */
#include "memory/internal.h"

#include <stdlib.h>

int memory_region_init_iommu(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                             const IOMMUMemoryRegionOps *ops, void *opaque, const char *name,
                             uint64_t size)
{
    struct memory_iommu *iommu;
    int ret;

    *mr = (MemoryRegion){0};
    pthread_mutex_lock(&core->lock);
    iommu = memory_alloc(core, sizeof(*iommu));
    pthread_mutex_unlock(&core->lock);
    ret = iommu ? region_init(mr, core, owner, name, size, MEMORY_REGION_IOMMU) : -ENOMEM;
    if (ret) {
        free(iommu); /* first made, for a region that has been cannot be taken back at once */
        return ret;
    }
    iommu->ops = ops;
    mr->iommu = iommu;
    mr->opaque = opaque;
    return 0;
}

static unsigned all_flags(const struct memory_iommu *iommu)
{
    unsigned flags = 0;

    for (const IOMMUNotifier *each = iommu->notifiers; each; each = each->next) {
        flags |= each->flags;
    }
    return flags;
}

int memory_region_register_iommu_notifier(MemoryRegion *mr, IOMMUNotifier *notifier)
{
    struct memory_iommu *iommu = mr->iommu;
    unsigned old;
    int ret = 0;

    if (!iommu || !notifier->flags || notifier->first > notifier->last) {
        return -EINVAL;
    }
    pthread_mutex_lock(&mr->core->lock);
    old = all_flags(iommu);
    if ((old | notifier->flags) != old && iommu->ops->notify_flag_changed) {
        ret = iommu->ops->notify_flag_changed(mr->opaque, old, old | notifier->flags);
    }
    if (!ret) {
        notifier->next = iommu->notifiers;
        iommu->notifiers = notifier;
    }
    pthread_mutex_unlock(&mr->core->lock);
    return ret;
}

void memory_region_unregister_iommu_notifier(MemoryRegion *mr, IOMMUNotifier *notifier)
{
    struct memory_iommu *iommu = mr->iommu;
    IOMMUNotifier **link = &iommu->notifiers;
    unsigned old;

    pthread_mutex_lock(&mr->core->lock);
    old = all_flags(iommu);
    while (*link && *link != notifier) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = notifier->next;
        if (all_flags(iommu) != old && iommu->ops->notify_flag_changed) {
            (void)iommu->ops->notify_flag_changed(mr->opaque, old, all_flags(iommu));
        }
    }
    pthread_mutex_unlock(&mr->core->lock);
}

static void notify_one(IOMMUNotifier *notifier, unsigned event, const IOMMUTLBEntry *entry)
{
    hwaddr first = entry->iova & ~entry->addr_mask, last = first + entry->addr_mask;
    IOMMUTLBEntry told = *entry;

    if (!(notifier->flags & event) || first > notifier->last || last < notifier->first) {
        return;
    }
    if (first < notifier->first || last > notifier->last) {
        if (event != IOMMU_NOTIFIER_DEVIOTLB_UNMAP) {
            return;
        }
        told.iova = first > notifier->first ? first : notifier->first;
        told.addr_mask = (last < notifier->last ? last : notifier->last) - told.iova;
    }
    notifier->notify(notifier, &told);
}

void memory_region_notify_iommu(MemoryRegion *mr, unsigned event, const IOMMUTLBEntry *entry)
{
    pthread_mutex_lock(&mr->core->lock);
    for (IOMMUNotifier *each = mr->iommu->notifiers; each; each = each->next) {
        notify_one(each, event, entry);
    }
    pthread_mutex_unlock(&mr->core->lock);
}

void memory_region_iommu_replay(MemoryRegion *mr, IOMMUNotifier *notifier)
{
    const IOMMUMemoryRegionOps *ops = mr->iommu->ops;
    uint64_t page = ops->get_min_page_size ? ops->get_min_page_size(mr->opaque) : 4096;
    hwaddr end = range_last(0, mr->state.size), addr = 0;

    for (;;) {
        IOMMUTLBEntry entry = ops->translate(mr->opaque, addr, IOMMU_NONE, 0);

        if (entry.perm != IOMMU_NONE) {
            notify_one(notifier, IOMMU_NOTIFIER_MAP, &entry);
        }
        if (end - addr < page) {
            return;
        }
        addr += page;
    }
}
