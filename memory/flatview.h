/*
 * flatview.h - FlatView: what each address of an address space shows, as an immutable ordered map
 * of disjoint FlatRanges.
 *
 * A persistent B+ tree: a commit copies the nodes on the way to what changed (O(log n)) and shares
 * all others with the view before. Neighbours that could be one range are one. Readers need no
 * lock: they take the view inside an RCU read section, or hold a reference.
 */
#ifndef ACRE_MEMORY_FLATVIEW_H
#define ACRE_MEMORY_FLATVIEW_H

#include "memory/memtx.h"
#include "memory/region.h"

typedef struct AddressSpace AddressSpace;
typedef struct FlatView FlatView;

typedef struct FlatRange {
    hwaddr first, last;
    MemoryRegion *mr;
    hwaddr offset_in_region; /* of `first` */
    hwaddr region_last;      /* last offset of the region, as of this view */
    uint8_t dirty_log_mask;  /* bits of DIRTY_MEMORY_* */
    bool romd_mode;          /* a ROM device that reads directly */
    bool readonly;           /* by itself or by anything on the way down to it */
    bool nonvolatile;
    bool unmergeable;
} FlatRange;

/*
 * A slice handed to listeners and lookups. Valid in the callback or RCU read section it was given
 * in, unless the giver says it holds a reference.
 */
typedef struct MemoryRegionSection {
    MemoryRegion *mr;
    AddressSpace *as;
    const FlatView *fv;
    hwaddr offset_within_region;
    hwaddr offset_within_address_space; /* the first byte */
    hwaddr last;                        /* the last byte, in the address space */
    uint8_t dirty_log_mask;
    bool romd_mode;
    bool readonly;
    bool nonvolatile;
    bool unmergeable;
} MemoryRegionSection;

/* A whole range as a section. `as` and `view` are what the section names, and may be NULL. */
static inline MemoryRegionSection flat_range_section(AddressSpace *as, const FlatView *view,
                                                     const FlatRange *range)
{
    return (MemoryRegionSection){
        .mr = range->mr,
        .as = as,
        .fv = view,
        .offset_within_region = range->offset_in_region,
        .offset_within_address_space = range->first,
        .last = range->last,
        .dirty_log_mask = range->dirty_log_mask,
        .romd_mode = range->romd_mode,
        .readonly = range->readonly,
        .nonvolatile = range->nonvolatile,
        .unmergeable = range->unmergeable,
    };
}

static inline uint64_t memory_section_size(const MemoryRegionSection *section)
{
    return range_size(section->offset_within_address_space, section->last);
}

/*
 * True when the guest may reach the section as memory: RAM, ROM, RAM device, and a ROM device in
 * romd mode. Those are what KVM slots are made of; *readonly says whether writes must trap.
 */
bool memory_section_is_slot(const MemoryRegionSection *section, bool *readonly);
/* Host address of the section's first byte; NULL when it has no memory. */
void *memory_section_host(const MemoryRegionSection *section);

/* The space's current view with a reference. Context: registered thread. */
FlatView *address_space_get_flatview(AddressSpace *as);
/* Accepts NULL. */
void flatview_unref(FlatView *view);

/* The range at `addr`, or NULL. Cost: O(log n). The pointer lives as long as the view. */
const FlatRange *flatview_lookup(const FlatView *view, hwaddr addr);
/* The first range that ends at or after `addr`, or NULL. Walks: next addr = range->last + 1. */
const FlatRange *flatview_at_or_after(const FlatView *view, hwaddr addr);
/* In ascending order; a callback that returns true stops the walk. */
bool flatview_for_each_range(const FlatView *view, bool (*cb)(const FlatRange *range, void *opaque),
                             void *opaque);
size_t flatview_range_num(const FlatView *view);

#endif
