/*
 * address_space.h - a root region seen by somebody, and accesses through it.
 *
 * An AddressSpace shows one tree (system_memory, system_io, an IOMMU's view). Its flat view is
 * published by RCU: accesses take no lock to find who answers. An access that began before a
 * commit is served wholly by the old view or wholly by the new; one that begins after the commit
 * returned sees only the new.
 *
 * Context of accesses: a thread registered with memory_thread_register().
 */
#ifndef ACRE_MEMORY_ADDRESS_SPACE_H
#define ACRE_MEMORY_ADDRESS_SPACE_H

#include "memory/flatview.h"
#include "memory/memtx.h"
#include "memory/region.h"

/* What an access gets where nothing answers (unassigned, reserved, refused by an IOMMU). */
struct memory_unassigned {
    uint8_t fill;       /* every byte of a read */
    MemTxResult result; /* OR-ed into the access's result */
};
#define MEMORY_UNASSIGNED_MEMORY ((struct memory_unassigned){0xff, MEMTX_DECODE_ERROR})
#define MEMORY_UNASSIGNED_IO ((struct memory_unassigned){0xff, MEMTX_OK})

/* Inclusive ranges that the open transaction may have changed. */
struct as_windows {
    struct as_window {
        hwaddr first, last;
    } * windows, few[4];
    size_t num, max;
};

struct AddressSpace {
    /* private to memory/ */
    struct memory_core *core;
    char *name;
    MemoryRegion *root;
    FlatView *current_map;       /* RCU */
    _Atomic uint64_t generation; /* of current_map; 0: of a first one that is empty */
    struct memory_unassigned unassigned;
    struct AddressSpace *next;        /* the core's list, in order of creation */
    struct MemoryListener *listeners; /* ascending priority */
    struct as_windows windows;        /* dirty windows of the open transaction */
    struct itree eventfds;            /* current, absolute */
    struct itree coalesced;           /* current, absolute */
    pthread_mutex_t map_lock;         /* of what follows; a leaf */
    struct itree mappings;            /* live ones of address_space_map, by host address */
    uint64_t bounce_budget, bounced;  /* bytes */
    struct address_space_map_waiter *map_waiters;
};

/*
 * @root  referenced until finish.
 * Returns: 0, -ENOMEM; -EBUSY inside a transaction or a listener's callback; -ELOOP, -E2BIG as
 * a setter (region.h).
 * Cost: renders the whole tree once.
 */
int address_space_init(AddressSpace *as, struct memory_core *core, MemoryRegion *root,
                       const char *name, struct memory_unassigned unassigned)
    __attribute__((warn_unused_result));
/* Listeners must be gone. Accepts a zeroed space. */
void address_space_finish(AddressSpace *as);

/*
 * One thread's memory of who answered last; a hit spares the lookup. Zero it to start; one for
 * each (thread, address space) that wants one. Never dangles: it is trusted only while the space's
 * generation stands, which no other space of its core has or will have.
 */
typedef struct MemoryAccessCache {
    const AddressSpace *as;
    uint64_t generation;
    FlatRange range;
    const uint8_t *ram; /* the host's first byte of the range, where reads come from memory */
} MemoryAccessCache;

/*
 * A read section, for callers of what returns pointers into a view. Nests; never blocks. Commits do
 * not wait for it, but what they replace is not reclaimed before it ends: keep it short.
 */
void memory_read_lock(void);
void memory_read_unlock(void);
/*
 * The range at `addr` in the space's current view, from the cache when it still stands. NULL: none.
 * Context: in a read section; the pointer is good until it ends or the cache is used again.
 */
const FlatRange *address_space_cache_lookup(AddressSpace *as, MemoryAccessCache *cache,
                                            hwaddr addr);

/*
 * Reads or writes `len` bytes from `addr`, over as many regions as they cover, in ascending order;
 * a failing piece does not stop the rest. A read fills all of buf whatever the result. Accesses to
 * devices are cut to the sizes they declare; a piece of 1, 2, 4 or 8 bytes that the device takes
 * is one callback. Wraps nowhere: bytes past 2^64-1 are unassigned.
 * Returns: the OR of the pieces' results.
 * Cost: O(log n) in the ranges for each region covered; nothing is allocated.
 */
MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, void *buf,
                             uint64_t len, bool is_write);
MemTxResult address_space_read(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, void *buf,
                               uint64_t len);
MemTxResult address_space_write(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, const void *buf,
                                uint64_t len);
/* The same with a cache, for a vCPU's exits. */
MemTxResult address_space_rw_cached(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr,
                                    MemTxAttrs attrs, void *buf, uint64_t len, bool is_write);
/*
 * String I/O: `count` items of `size` (1, 2, 4) bytes, all at `addr`, in order, from or to
 * consecutive places of buf. One lookup.
 */
MemTxResult address_space_rw_items(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr,
                                   MemTxAttrs attrs, void *buf, unsigned size, uint64_t count,
                                   bool is_write);

/*
 * Writes RAM, ROM and ROM devices alike; devices, and blocks that are mapped without write
 * permission, are skipped. Returns: MEMTX_OK.
 */
MemTxResult address_space_write_rom(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                                    const void *buf, uint64_t len);
MemTxResult address_space_set(AddressSpace *as, hwaddr addr, uint8_t value, uint64_t len,
                              MemTxAttrs attrs);
/* Would an access be taken all along [addr, addr+len)? Has no side effect. */
bool address_space_access_valid(AddressSpace *as, hwaddr addr, uint64_t len, bool is_write,
                                MemTxAttrs attrs);

/*
 * One item in a stated byte order; straddling accesses are stitched as address_space_rw does.
 * @result  may be NULL.
 */
uint8_t address_space_ldub(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *result);
uint16_t address_space_lduw_le(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *res);
uint32_t address_space_ldl_le(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *res);
uint64_t address_space_ldq_le(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *res);
uint16_t address_space_lduw_be(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *res);
uint32_t address_space_ldl_be(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *res);
uint64_t address_space_ldq_be(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, MemTxResult *res);
void address_space_stb(AddressSpace *as, hwaddr addr, uint8_t val, MemTxAttrs attrs,
                       MemTxResult *result);
void address_space_stw_le(AddressSpace *as, hwaddr addr, uint16_t val, MemTxAttrs attrs,
                          MemTxResult *result);
void address_space_stl_le(AddressSpace *as, hwaddr addr, uint32_t val, MemTxAttrs attrs,
                          MemTxResult *result);
void address_space_stq_le(AddressSpace *as, hwaddr addr, uint64_t val, MemTxAttrs attrs,
                          MemTxResult *result);
void address_space_stw_be(AddressSpace *as, hwaddr addr, uint16_t val, MemTxAttrs attrs,
                          MemTxResult *result);
void address_space_stl_be(AddressSpace *as, hwaddr addr, uint32_t val, MemTxAttrs attrs,
                          MemTxResult *result);
void address_space_stq_be(AddressSpace *as, hwaddr addr, uint64_t val, MemTxAttrs attrs,
                          MemTxResult *result);

/*
 * The section at an address, cut to [addr, addr+size). `section->mr` comes with a reference
 * (memory_region_unref it).
 * Returns: true; false where nothing answers on any of those bytes.
 */
bool address_space_find(AddressSpace *as, hwaddr addr, uint64_t size, MemoryRegionSection *section);

#endif
