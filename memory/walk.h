/*
 * walk.h - every region, address space and RAM block of a core, one after the other, for listings.
 *
 * Context: any thread; the core lock is held meanwhile, so callbacks must not edit the map. What
 * they are given lives until they return.
 */
#ifndef ACRE_MEMORY_WALK_H
#define ACRE_MEMORY_WALK_H

#include "memory/core.h"

/* A tree begins: of an address space's root, or of a region that only aliases show. */
typedef struct MemoryTree {
    /* The space; others that have the same root follow by memory_next_space(). NULL: none. */
    AddressSpace *as;
    MemoryRegion *root;
} MemoryTree;

/* A region where it is mounted. */
typedef struct MemoryTreeNode {
    MemoryRegion *mr;
    unsigned depth; /* 0: the root of its tree */
    hwaddr first;   /* in its tree's root, or space, modulo 2^64 */
    bool live;      /* neither it nor what it is in is disabled */
} MemoryTreeNode;

typedef struct MemoryTreeVisitor {
    void (*begin)(void *opaque, const MemoryTree *tree);      /* may be NULL */
    void (*region)(void *opaque, const MemoryTreeNode *node); /* parents first */
    void (*end)(void *opaque);                                /* of a tree; may be NULL */
    bool disabled; /* visit disabled regions, and what is in them */
} MemoryTreeVisitor;

/*
 * The trees of the address spaces, one for all that share a root, in order of creation; then each
 * region that some alias visited shows, once. Children by address, then by priority, then the
 * newest first.
 */
void memory_walk_trees(struct memory_core *core, const MemoryTreeVisitor *visitor, void *opaque);

/* Every space, in order of creation. `first`: the first one of its root. */
void memory_walk_spaces(struct memory_core *core,
                        void (*space)(void *opaque, AddressSpace *as, bool first), void *opaque);
/* The next space with this one's root, or NULL. Context: a callback. */
AddressSpace *memory_next_space(const AddressSpace *as);

/* Every RAM block, by ram_addr_t. */
void memory_walk_blocks(struct memory_core *core,
                        void (*block)(void *opaque, const RAMBlock *block), void *opaque);

/* What a region is and what its setters said, as of now. */
typedef struct MemoryRegionInfo {
    enum memory_region_kind kind;
    const char *name, *owner; /* owner: NULL none */
    uint64_t size;            /* bytes; UINT64_MAX is 2^64 */
    int32_t priority;
    bool enabled, readonly, romd_mode, nonvolatile, unmergeable;
    bool lockless, reentrant, flush_coalesced;
    uint8_t dirty_log_mask;
    MemoryRegion *alias; /* NULL: none */
    hwaddr alias_offset;
    const RAMBlock *block;      /* NULL: none */
    const MemoryRegionOps *ops; /* NULL: none */
    size_t eventfd_num, coalesced_num;
    uint64_t refs;
} MemoryRegionInfo;
MemoryRegionInfo memory_region_info(const MemoryRegion *mr);
/* "container", "ram", "rom-device", "ram-device", "io", "reservation", "alias", "iommu". */
const char *memory_region_kind_name(enum memory_region_kind kind);

#endif
