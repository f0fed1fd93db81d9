/*
 * region.h - MemoryRegion: a node of the memory tree.
 *
 * A region is a container, RAM, ROM, ROM device, RAM device, MMIO, reservation, alias or IOMMU.
 * Children lie at an offset in their container, in order of priority, the newest first among
 * equals; what they leave open shows the container itself if it answers, else the container's
 * lower siblings.
 *
 * The structure is embedded in the device that owns it; its fields are private to memory/ (use the
 * functions). It is counted: init gives one reference, which memory_region_unref() ends; a mount, a
 * view, a map and an access in flight hold one each. When the last goes, `destructor` runs, once,
 * on the RCU worker, and only then may the memory that holds the region be freed.
 *
 * Context: setters may be called by any thread; each is a transaction of its own unless one is open
 * (core.h). They return 0, or -errno with the tree unchanged:
 *   -EINVAL  an argument out of range, or a call that does not fit the kind of region
 *   -EBUSY   already mounted, or called from a listener's callback
 *   -ELOOP   an alias or a mount that would make a cycle, or a map with more than 256 containers
 * and aliases in each other -E2BIG   aliases of what holds aliases multiply to more than 2^22 parts
 *   -ENOMEM  out of memory
 *   others   what a listener said when it refused or failed to carry out the change
 * Cost: O(log n) in the siblings for the edit, plus the commit (core.h).
 *
 * Source: names and semantics are QEMU's, docs/devel/memory.rst; where its code departs from that
 * text, this keeps to the text.
 */
#ifndef ACRE_MEMORY_REGION_H
#define ACRE_MEMORY_REGION_H

#include "memory/itree.h"
#include "memory/memtx.h"
#include "memory/owner.h"

struct memory_core;
typedef struct MemoryRegion MemoryRegion;
typedef struct RAMBlock RAMBlock;
typedef struct AddressSpace AddressSpace;

enum device_endian {
    DEVICE_LITTLE_ENDIAN, /* also the native order of acre's only target */
    DEVICE_BIG_ENDIAN,
    DEVICE_NATIVE_ENDIAN = DEVICE_LITTLE_ENDIAN,
};

/* What becomes of a write narrower than impl.min_access_size. */
enum memory_narrow_write {
    MEMORY_NARROW_WRITE_REJECT = 0,  /* MEMTX_DECODE_ERROR, nothing written */
    MEMORY_NARROW_WRITE_RMW,         /* read the unit, replace the bytes, write it back */
    MEMORY_NARROW_WRITE_ZERO_EXTEND, /* write the unit with the other bytes zero */
};

/*
 * How a device answers. All callbacks run under the owner's lock (unless the region is lockless)
 * and in an RCU read section. `addr` is the offset in the region, `size` 1, 2, 4 or 8 bytes, the
 * value in host order with unused high bits zero (they are ignored in what read returns).
 * read or read_with_attrs is required, and write or write_with_attrs; with both, the plain one is
 * used.
 */
typedef struct MemoryRegionOps {
    uint64_t (*read)(void *opaque, hwaddr addr, unsigned size);
    void (*write)(void *opaque, hwaddr addr, uint64_t data, unsigned size);
    MemTxResult (*read_with_attrs)(void *opaque, hwaddr addr, uint64_t *data, unsigned size,
                                   MemTxAttrs attrs);
    MemTxResult (*write_with_attrs)(void *opaque, hwaddr addr, uint64_t data, unsigned size,
                                    MemTxAttrs attrs);
    enum device_endian endianness;
    /* What a guest may do; refused accesses read 0 with MEMTX_DECODE_ERROR and write nothing. */
    struct {
        unsigned min_access_size; /* bytes; 0 means 1 */
        unsigned max_access_size; /* bytes; 0 means any size (bulk accesses are cut to 4) */
        bool unaligned;           /* accesses that are not a multiple of their size are taken */
        bool (*accepts)(void *opaque, hwaddr addr, unsigned size, bool is_write, MemTxAttrs attrs);
    } valid;
    /* What the callbacks can do; dispatch splits, widens and composes what lies between. */
    struct {
        unsigned min_access_size; /* bytes; 0 means 1 */
        unsigned max_access_size; /* bytes; 0 means 4 */
        bool unaligned;           /* the callbacks take unaligned offsets */
        enum memory_narrow_write narrow_write;
    } impl;
} MemoryRegionOps;

/* Which part of `valid` refuses an access: the first of these. */
typedef enum MemoryRefusal {
    MEMORY_REFUSAL_NONE,
    MEMORY_REFUSAL_ACCEPTS, /* valid.accepts() says no */
    MEMORY_REFUSAL_UNALIGNED,
    MEMORY_REFUSAL_SIZE,
} MemoryRefusal;

enum memory_region_kind {
    MEMORY_REGION_CONTAINER,
    MEMORY_REGION_RAM,         /* directly accessed host memory; readonly makes it a ROM */
    MEMORY_REGION_ROM_DEVICE,  /* reads from host memory while romd is on, writes to ops */
    MEMORY_REGION_RAM_DEVICE,  /* host memory reached by exactly sized loads and stores */
    MEMORY_REGION_IO,          /* ops */
    MEMORY_REGION_RESERVATION, /* answers nothing and hides what is below */
    MEMORY_REGION_ALIAS,
    MEMORY_REGION_IOMMU, /* passes accesses on (iommu.h) */
};

/* A signal instead of a write callback. Matches a write of `size` bytes (0: any) at `addr`. */
typedef struct MemoryRegionIoeventfd {
    hwaddr addr; /* offset in the region; absolute where a listener is told */
    unsigned size;
    bool match_data;
    uint64_t data;
    int fd;
} MemoryRegionIoeventfd;

/* Clients of dirty tracking: bit numbers of a mask. The monitor's is no device's to take. */
enum {
    DIRTY_MEMORY_VGA,
    DIRTY_MEMORY_CODE,
    DIRTY_MEMORY_MIGRATION,
    DIRTY_MEMORY_MONITOR,
    DIRTY_MEMORY_NUM,
};

struct MemoryRegion {
    /* private to memory/; what dispatch reads comes first and does not change after init */
    enum memory_region_kind kind;
    bool lockless;
    bool reentrant;
    bool flush_coalesced;
    uint8_t
        unit_sizes; /* OR of the sizes (1, 2, 4, 8) that are one callback when aligned, no more */
    const MemoryRegionOps *ops;
    void *opaque;
    MemoryOwner *owner;
    uint8_t *host; /* the block's mapping; NULL where there is none */
    RAMBlock *ram_block;
    struct memory_core *core;
    struct memory_eventfd_list *live_eventfds; /* RCU: as of the last commit */

    /* what setters change, and an undone transaction gives back */
    struct memory_region_state {
        MemoryRegion *container;
        hwaddr addr;         /* offset in container */
        uint64_t size;       /* bytes, 0 allowed (renders nothing); UINT64_MAX is 2^64 */
        hwaddr alias_offset; /* in alias */
        uint64_t seq;        /* larger is newer among siblings */
        int32_t priority;
        bool enabled;
        bool readonly;
        bool romd_mode;
        bool nonvolatile;
        bool unmergeable;
        uint8_t dirty_log_mask;
        unsigned log_count[DIRTY_MEMORY_NUM];
        struct memory_eventfd_list *eventfds; /* NULL: none */
        struct memory_zone_list *coalesced;   /* NULL: none */
    } state;

    MemoryRegion *alias;
    AddressSpace *beneath; /* an overlay's: where it is not shown; NULL: none */
    hwaddr beneath_offset;
    struct memory_iommu *iommu;
    struct itree children;
    struct itree_node sibling;           /* in container->children, keyed by addr */
    struct itree aliases;                /* the regions whose alias is this one, by alias_offset */
    struct itree_node alias_link;        /* in alias->aliases */
    unsigned spaces;                     /* address spaces whose root this is */
    uint64_t visit;                      /* stamp of the walk that was here last */
    struct memory_transaction *saved_in; /* the open transaction, once it changed this */
    size_t saved_index;                  /* of the note it made */
    unsigned deferred_unrefs;            /* in the open transaction, to be done at its end */
    unsigned taken_refs;                 /* in the open transaction, and not given back in it */
    bool refs_noted;                     /* one of them was not 0: in the transaction's list */
    MemoryRegion *refs_next;
    char *name;
    void (*destructor)(MemoryRegion *mr);
    void *destructor_opaque;
    _Atomic uint64_t refs;
    struct {
        void *opaque[2];
    } rcu; /* a struct rcu_head: liburcu is included by rcu.h only */
};

/*
 * The kinds. Each init takes zeroed or fresh storage and gives one reference; on failure nothing is
 * left to undo. `owner` may be NULL: then callbacks run without a lock. `name` is copied.
 * @size  bytes, 0..UINT64_MAX (2^64); RAM-backed kinds: 1..2^63, rounded up to the page size.
 */
int memory_region_init(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                       const char *name, uint64_t size) __attribute__((warn_unused_result));
int memory_region_init_io(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                          const MemoryRegionOps *ops, void *opaque, const char *name, uint64_t size)
    __attribute__((warn_unused_result));
/* Answers nothing, hides what is below: space that somebody else serves, or nobody may use. */
int memory_region_init_reservation(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                                   const char *name, uint64_t size)
    __attribute__((warn_unused_result));
/* Backed by `block`, whose reference the region takes over (ram.h makes blocks). */
int memory_region_init_ram(MemoryRegion *mr, MemoryOwner *owner, const char *name, RAMBlock *block)
    __attribute__((warn_unused_result));
/* RAM that is readonly from the start; filled by address_space_write_rom or through its host. */
int memory_region_init_rom(MemoryRegion *mr, MemoryOwner *owner, const char *name, RAMBlock *block)
    __attribute__((warn_unused_result));
int memory_region_init_rom_device(MemoryRegion *mr, MemoryOwner *owner, const MemoryRegionOps *ops,
                                  void *opaque, const char *name, RAMBlock *block)
    __attribute__((warn_unused_result));
int memory_region_init_ram_device(MemoryRegion *mr, MemoryOwner *owner, const char *name,
                                  RAMBlock *block) __attribute__((warn_unused_result));
/*
 * A window on `size` bytes of `target` from `offset`, wherever the target is mounted, and if it is
 * not. Holds a reference on the target. What exceeds the target is a hole.
 */
int memory_region_init_alias(MemoryRegion *mr, MemoryOwner *owner, const char *name,
                             MemoryRegion *target, hwaddr offset, uint64_t size)
    __attribute__((warn_unused_result));

MemoryRegion *memory_region_ref(MemoryRegion *mr);
/*
 * Drops a reference; accepts NULL and a zeroed region. The last one queues the destructor. Inside a
 * transaction one that was taken before it goes at its end, and is the caller's again when it is
 * undone.
 */
void memory_region_unref(MemoryRegion *mr);
/*
 * What runs after the last reader is gone, on the RCU worker (memory_core_finish waits for it).
 * The default does nothing: the storage is the caller's.
 */
void memory_region_set_destructor(MemoryRegion *mr, void (*destructor)(MemoryRegion *mr),
                                  void *opaque);

/*
 * Mount `child` at `offset` of `container`. Priority is compared among siblings only; equal ones:
 * the newest wins. The plain form has priority 0.
 * Returns: 0; -EBUSY the child is mounted already; -ELOOP; -EINVAL container is an alias.
 */
int memory_region_add_subregion(MemoryRegion *container, hwaddr offset, MemoryRegion *child)
    __attribute__((warn_unused_result));
int memory_region_add_subregion_overlap(MemoryRegion *container, hwaddr offset, MemoryRegion *child,
                                        int32_t priority) __attribute__((warn_unused_result));
/* Returns: 0; -EINVAL the child is not mounted there. */
int memory_region_del_subregion(MemoryRegion *container, MemoryRegion *child)
    __attribute__((warn_unused_result));

/* Setters. Writing the value that stands does nothing at all. */
int memory_region_set_enabled(MemoryRegion *mr, bool enabled) __attribute__((warn_unused_result));
/* Moves within its container; the moved region becomes the newest among equals. */
int memory_region_set_address(MemoryRegion *mr, hwaddr addr) __attribute__((warn_unused_result));
/* Containers, MMIO, reservations and aliases only; RAM changes by memory_region_ram_resize(). */
int memory_region_set_size(MemoryRegion *mr, uint64_t size) __attribute__((warn_unused_result));
int memory_region_set_priority(MemoryRegion *mr, int32_t priority)
    __attribute__((warn_unused_result));
/* What is mapped without write permission stays readonly: -EINVAL. */
int memory_region_set_readonly(MemoryRegion *mr, bool readonly) __attribute__((warn_unused_result));
int memory_region_set_nonvolatile(MemoryRegion *mr, bool nonvolatile)
    __attribute__((warn_unused_result));
int memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable)
    __attribute__((warn_unused_result));
int memory_region_rom_device_set_romd(MemoryRegion *mr, bool romd_mode)
    __attribute__((warn_unused_result));
int memory_region_set_alias_offset(MemoryRegion *mr, hwaddr offset)
    __attribute__((warn_unused_result));
/* Counted per client: the mask changes on the first `true` and on the last `false`. */
int memory_region_set_log(MemoryRegion *mr, bool log, unsigned client)
    __attribute__((warn_unused_result));

/* Served without the owner's lock. The guard against re-entry stays on. Before mounting only. */
void memory_region_set_lockless(MemoryRegion *mr, bool lockless);
/* The callbacks may be entered again by the access chain they started. Before mounting only. */
void memory_region_set_reentrant(MemoryRegion *mr, bool reentrant);

/*
 * Makes an overlay: the region is shown in every space but `beneath`, by which its callbacks can
 * reach what it hides. Accesses that must find memory (attrs.memory) and address_space_write_rom()
 * go there by themselves. Before mounting only.
 * @beneath  outlives the region.
 * @offset   what to add to an offset in the region, modulo 2^64, for the address there.
 */
void memory_region_set_beneath(MemoryRegion *mr, AddressSpace *beneath, hwaddr offset);

/*
 * Writes that a queue may hold back and deliver in order, later (KVM's coalesced ring). The whole
 * region, a part of it, or none. A region that must see them first sets flush_coalesced.
 * @size  1.., within the region.
 */
int memory_region_set_coalescing(MemoryRegion *mr) __attribute__((warn_unused_result));
int memory_region_add_coalescing(MemoryRegion *mr, hwaddr offset, uint64_t size)
    __attribute__((warn_unused_result));
int memory_region_clear_coalescing(MemoryRegion *mr) __attribute__((warn_unused_result));
void memory_region_set_flush_coalesced(MemoryRegion *mr, bool flush);

/*
 * Writes that signal `fd` (an eventfd, the caller's) instead of calling ops. Exact duplicates give
 * -EEXIST; a del that matches none -ENOENT; a size that is not 0, 1, 2, 4 or 8, or size 0 with
 * match_data, -EINVAL.
 */
int memory_region_add_eventfd(MemoryRegion *mr, hwaddr addr, unsigned size, bool match_data,
                              uint64_t data, int fd) __attribute__((warn_unused_result));
int memory_region_del_eventfd(MemoryRegion *mr, hwaddr addr, unsigned size, bool match_data,
                              uint64_t data, int fd) __attribute__((warn_unused_result));

/* What a region is. Context: any thread that holds a reference. */
static inline const char *memory_region_name(const MemoryRegion *mr)
{
    return mr->name;
}
static inline uint64_t memory_region_size(const MemoryRegion *mr)
{
    return mr->state.size;
}
/* Never changes: safe without a lock, unlike memory_region_info(). */
static inline enum memory_region_kind memory_region_get_kind(const MemoryRegion *mr)
{
    return mr->kind;
}
bool memory_region_is_ram(const MemoryRegion *mr);
bool memory_region_is_rom(const MemoryRegion *mr);
bool memory_region_is_romd(const MemoryRegion *mr);
bool memory_region_is_mapped(const MemoryRegion *mr);
/* True for kinds that answer accesses themselves. */
bool memory_region_terminates(const MemoryRegion *mr);
/* Host address of the first byte of a RAM-backed region, else NULL. Valid while referenced. */
void *memory_region_get_ram_ptr(const MemoryRegion *mr);

#endif
