/*
 * load_alloc.h - who has which guest-physical range while a kernel is placed.
 *
 * A sorted list of used ranges over the guest's memory map. Made for tens of ranges: every call
 * walks the list.
 *
 * Context: one thread at a time; no locks.
 */
#ifndef ACRE_VMM_LOAD_ALLOC_H
#define ACRE_VMM_LOAD_ALLOC_H

#include "vmm/load.h"

struct load_alloc {
    const struct boot_map_entry *map; /* the caller's */
    size_t map_num;
    struct load_used {
        uint64_t first, last;
    } * used; /* ascending, disjoint */
    size_t used_num, used_max;
};

/* What an allocation must satisfy. */
struct load_want {
    uint64_t size;        /* bytes, 1.. */
    uint64_t align;       /* bytes, 1.. */
    uint64_t first, last; /* it lies within these */
    bool highest;         /* else the lowest place */
};

/*
 * @used_max  how many ranges will be reserved and got at most.
 * Returns: 0, -ENOMEM.
 */
int load_alloc_init(struct load_alloc *alloc, const struct boot_map_entry *map, size_t map_num,
                    size_t used_max) __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void load_alloc_finish(struct load_alloc *alloc);

/* Takes [first, last] out, RAM or not; what is used already stays so. */
void load_alloc_reserve(struct load_alloc *alloc, uint64_t first, uint64_t last);
/* Is every byte of [first, last] RAM in the map? */
bool load_alloc_is_ram(const struct load_alloc *alloc, uint64_t first, uint64_t last);
/* The last byte of the highest RAM entry, 0 where there is none. */
uint64_t load_alloc_ram_last(const struct load_alloc *alloc);
/* Finds room in RAM and reserves it. Returns: true, and its start in *gpa; false when none fits. */
bool load_alloc_get(struct load_alloc *alloc, const struct load_want *want, uint64_t *gpa)
    __attribute__((warn_unused_result));

#endif
