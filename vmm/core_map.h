/*
 * core_map.h - where debuggers shall see a guest's memory: by its physical addresses, or as its
 * page tables map it.
 */
#ifndef ACRE_VMM_CORE_MAP_H
#define ACRE_VMM_CORE_MAP_H

#include "vmm/core_file.h"

struct core_map {
    struct core_mapping *mappings;
    size_t num;
    /* private */
    size_t room;
};

/*
 * With paging the physical addresses are there as well, behind all others, from this address on: it
 * is canonical in no paging mode.
 */
#define CORE_PHYSICAL_WINDOW (UINT64_C(1) << 63)

/* Every range at `offset` and its own address. 0; -ENOMEM; -E2BIG too many mappings. */
int core_map_physical(struct core_map *map, const struct guest_ram *ram, uint64_t offset)
    __attribute__((warn_unused_result));
/*
 * Every page that the tables map to RAM; neighbours are one mapping.
 * Returns: 0; -ENOMEM; -E2BIG more mappings than CORE_MAPPINGS_MAX, or more than 2^22 entries to
 * look at (tables that show one another can map what no walk would ever end).
 * Context: registered thread; the guest stands still. Cost: a page walk each entry.
 */
int core_map_paging(struct core_map *map, const struct guest_ram *ram,
                    const struct vcpu_paging *paging, AddressSpace *memory)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void core_map_finish(struct core_map *map);

#endif
