/*
 * ram.h - RAMBlock and RAMList: host memory that a guest may see.
 *
 * A block has a place in the VM's ram_addr_t space (it indexes dirty bitmaps and survives every
 * move in the guest's map), a host mapping and a counted life; it is unmapped once, after the last
 * region, view and reader let go.
 *
 * Context: any thread unless said; the core lock is taken inside.
 */
#ifndef ACRE_MEMORY_RAM_H
#define ACRE_MEMORY_RAM_H

#include "memory/itree.h"
#include "memory/memtx.h"
#include "memory/region.h"

enum ram_backing {
    RAM_ANONYMOUS, /* private, zero, never on disk */
    RAM_MEMFD,     /* shareable: memfd_create */
    RAM_FD,        /* a caller's descriptor (file, hugetlbfs, memfd); dup'ed */
    RAM_PTR,       /* a caller's memory; never unmapped by us */
};

struct ram_block_config {
    enum ram_backing backing;
    uint64_t size;      /* bytes, 1..2^63; rounded up to the page size of the backing */
    uint64_t max_size;  /* bytes a resize may reach; 0: same as size, not resizable */
    bool readonly;      /* RAM_FD: map without write permission */
    bool shared;        /* RAM_FD: MAP_SHARED, writes reach the file */
    int fd;             /* RAM_FD */
    uint64_t fd_offset; /* RAM_FD: bytes, a multiple of its page size */
    uint64_t page_size; /* RAM_MEMFD: 0 the default, else a hugetlb size (2 MiB, 1 GiB) */
    uint64_t align;     /* of the host address: a power of two; 0: the page size */
    void *ptr;          /* RAM_PTR: page-aligned */
    void (*resized)(void *opaque, uint64_t size);
    void *resized_opaque;
};

/* Free room in ram_addr_t space. */
struct ram_gap {
    ram_addr_t first;
    uint64_t size; /* bytes; 0: none, and not in RAMList.gaps */
    struct itree_node by_size;
};

struct RAMBlock {
    /* private to memory/, but for reading by listings */
    struct memory_core *core;
    char *name;
    uint8_t *host;
    ram_addr_t offset;    /* in ram_addr_t space, aligned to 64 pages */
    uint64_t used_length; /* bytes */
    uint64_t max_length;  /* bytes */
    uint64_t page_size;   /* bytes */
    enum ram_backing backing;
    bool readonly, shared, resizable;
    int fd; /* -1: none */
    uint64_t fd_offset;
    void (*resized)(void *opaque, uint64_t size);
    void *resized_opaque;
    struct itree_node by_host;         /* RAMList.by_host */
    struct itree_node by_offset;       /* RAMList.by_offset */
    struct ram_gap gap;                /* behind it */
    uint64_t *dirty[DIRTY_MEMORY_NUM]; /* RCU-like: set once; see dirty.h */
    _Atomic uint64_t refs;
};

/* All blocks of one VM. Guarded by the core lock. */
typedef struct RAMList {
    struct itree by_host;
    struct itree by_offset;
    struct itree gaps;   /* by size */
    struct ram_gap head; /* before the first block */
    uint64_t version;    /* goes up with every block added or removed */
    unsigned discard_disabled, discard_uncoordinated_disabled; /* counts */
    unsigned discard_required, discard_coordinated_required;
} RAMList;

/*
 * Makes a block and adds it to the core's list, with one reference for the caller (a region's init
 * takes it over). `name` is copied; it is what listings show.
 * Returns: 0; -EINVAL a size, alignment or offset that does not fit; -ENOSPC no ram_addr_t left;
 * -ENOMEM; what mmap, memfd_create or fstat said.
 * Cost: one mmap; O(log n) in the blocks.
 */
int ram_block_new(struct memory_core *core, const char *name, const struct ram_block_config *config,
                  RAMBlock **block) __attribute__((warn_unused_result));
RAMBlock *ram_block_ref(RAMBlock *block);
/* Accepts NULL. */
void ram_block_unref(RAMBlock *block);

/*
 * Changes how much of a resizable block its region shows. What grows back reads zero and is dirty
 * (but for a write in flight since before the shrink, which is waited for only where the caller is
 * in no access, inside no owner and holds no core lock); `resized` is called after the commit.
 * @size  bytes, 1..max_size of the config; rounded up to the page size.
 * Returns: 0; -EINVAL not RAM, out of range, or a block of fixed size; -EBUSY inside a transaction;
 * what the commit said, then nothing changed.
 */
int memory_region_ram_resize(MemoryRegion *mr, uint64_t size) __attribute__((warn_unused_result));

/*
 * Gives the pages back to the host; they read zero afterwards. What of them is dirty stays so.
 * @start, @length  bytes, multiples of the block's page size, within max_length.
 * Returns: 0; -EINVAL misaligned or out of range; -EROFS a read-only descriptor or mapping;
 * -EBUSY somebody disabled discarding; what madvise or fallocate said.
 */
int ram_block_discard_range(RAMBlock *block, uint64_t start, uint64_t length)
    __attribute__((warn_unused_result));

/*
 * Arbitration of discarding, counted. Who pins memory disables it (a device that could follow
 * coordinated discards: uncoordinated only); who depends on it requires it (coordinated: it tells
 * the others).
 * @state  true takes, false gives back.
 * Returns: 0; -EBUSY when the opposite is in force; -EINVAL given back more often than taken.
 */
int ram_block_discard_disable(struct memory_core *core, bool state)
    __attribute__((warn_unused_result));
int ram_block_uncoordinated_discard_disable(struct memory_core *core, bool state)
    __attribute__((warn_unused_result));
int ram_block_discard_require(struct memory_core *core, bool state)
    __attribute__((warn_unused_result));
int ram_block_coordinated_discard_require(struct memory_core *core, bool state)
    __attribute__((warn_unused_result));

/*
 * The block that holds a host address, and the offset in it.
 * Returns: the block with a reference, or NULL. Cost: O(log n).
 */
RAMBlock *ram_block_from_host(struct memory_core *core, const void *ptr, uint64_t *offset);

#endif
