/*
 * iommu.h - regions that pass an access on to another address space, translated.
 *
 * A device behind an IOMMU accesses an AddressSpace whose tree holds an IOMMU region; each access
 * asks translate() page by page and goes on in the target space, where it may meet another IOMMU,
 * at most IOMMU_HOPS_MAX of them (then MEMTX_DECODE_ERROR). What the entry does not permit gets the
 * space's unassigned value and result.
 *
 * Context: translate() runs without any device's lock, in an RCU read section, on any thread.
 * Source: names and events are QEMU's (include/exec/memory.h).
 */
#ifndef ACRE_MEMORY_IOMMU_H
#define ACRE_MEMORY_IOMMU_H

#include "memory/address_space.h"

#define IOMMU_HOPS_MAX 16

typedef enum IOMMUAccessFlags {
    IOMMU_NONE = 0,
    IOMMU_RO = 1,
    IOMMU_WO = 2,
    IOMMU_RW = 3,
} IOMMUAccessFlags;

typedef struct IOMMUTLBEntry {
    AddressSpace *target_as;
    hwaddr iova;            /* of the page, in the region */
    hwaddr translated_addr; /* of the page, in target_as */
    hwaddr addr_mask;       /* page size - 1; 0xfff: 4 KiB */
    IOMMUAccessFlags perm;
} IOMMUTLBEntry;

typedef struct IOMMUMemoryRegionOps {
    /* @addr  offset in the region. @index  what attrs_to_index said. */
    IOMMUTLBEntry (*translate)(void *opaque, hwaddr addr, IOMMUAccessFlags flag, int index);
    int (*attrs_to_index)(void *opaque, MemTxAttrs attrs); /* NULL: always 0 */
    uint64_t (*get_min_page_size)(void *opaque);           /* NULL: 4096 */
    /* The union of all notifiers' flags changed; may refuse with -errno. NULL: fine. */
    int (*notify_flag_changed)(void *opaque, unsigned old_flags, unsigned new_flags);
} IOMMUMemoryRegionOps;

int memory_region_init_iommu(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                             const IOMMUMemoryRegionOps *ops, void *opaque, const char *name,
                             uint64_t size) __attribute__((warn_unused_result));

enum { /* events, and what a notifier wants of them */
       IOMMU_NOTIFIER_UNMAP = 1 << 0,
       IOMMU_NOTIFIER_MAP = 1 << 1,
       IOMMU_NOTIFIER_DEVIOTLB_UNMAP = 1 << 2,
};

/* The caller's storage until unregistered. */
typedef struct IOMMUNotifier IOMMUNotifier;
struct IOMMUNotifier {
    void (*notify)(IOMMUNotifier *notifier, const IOMMUTLBEntry *entry);
    unsigned flags;
    hwaddr first, last; /* of interest, offsets in the region */
    /* private */
    IOMMUNotifier *next;
};

/* Returns: 0; -EINVAL no IOMMU region, no flags, or first > last; what notify_flag_changed said. */
int memory_region_register_iommu_notifier(MemoryRegion *mr, IOMMUNotifier *notifier)
    __attribute__((warn_unused_result));
void memory_region_unregister_iommu_notifier(MemoryRegion *mr, IOMMUNotifier *notifier);
/*
 * Tells all notifiers that want this kind of event and whose range meets the entry's page; a
 * DEVIOTLB_UNMAP is cropped to the range, the others must lie inside it or are not told. A change
 * in place is an UNMAP, then a MAP.
 * Context: under the owner's lock; notify is called with the core lock held.
 */
void memory_region_notify_iommu(MemoryRegion *mr, unsigned event, const IOMMUTLBEntry *entry);
/* Tells one notifier of every page that is mapped now, as MAP events. Cost: one translate a page.
 */
void memory_region_iommu_replay(MemoryRegion *mr, IOMMUNotifier *notifier);

#endif
