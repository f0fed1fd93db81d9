/*
 * access.c - accesses of any length through an address space, cut into pieces.
 *
 * The view is taken once, so an access is served by one view from end to end. A thread's cache is
 * trusted while the space's generation stands: the generation goes up after the view is published
 * and the old view is reclaimed only after readers left, so a range that passes the check inside
 * the read section is still there.
 */
#include "memory/internal.h"

#include <string.h>

struct access {
    AddressSpace *as;
    MemoryAccessCache *cache; /* may be NULL */
    const FlatView *view;     /* NULL until the cache misses */
    MemTxAttrs attrs;
    bool is_write;
    unsigned hops; /* IOMMUs passed */
};

static MemTxResult run(struct access *access, hwaddr addr, uint8_t *buf, uint64_t len);

static inline uint64_t generation_of(const AddressSpace *as)
{
    return atomic_load_explicit(&as->generation, memory_order_acquire);
}

/* Is the cache of what the space shows in this generation? */
static inline bool is_fresh(const MemoryAccessCache *cache, const AddressSpace *as,
                            uint64_t generation)
{
    return cache->as == as && cache->generation == generation;
}

static const FlatRange *lookup(struct access *access, hwaddr addr)
{
    MemoryAccessCache *cache = access->cache;
    AddressSpace *as = access->as;
    const FlatRange *range;
    uint64_t generation = 0;

    if (cache && !access->view) {
        generation = generation_of(as);
        range = &cache->range;
        if (is_fresh(cache, as, generation) && addr >= range->first && addr <= range->last) {
            return range;
        }
    }
    if (!access->view) {
        access->view = rcu_load(as->current_map);
    }
    range = fv_lookup(access->view->root, addr);
    if (cache && range && generation) {
        *cache = (MemoryAccessCache){
            .as = as,
            .generation = generation,
            .range = *range,
            .ram = range_is_direct(range, false, false) ? range->mr->host + range->offset_in_region
                                                        : NULL,
        };
    }
    return range;
}

void memory_read_lock(void)
{
    rcu_lock();
}

void memory_read_unlock(void)
{
    rcu_unlock();
}

const FlatRange *address_space_cache_lookup(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr)
{
    struct access access = {.as = as, .cache = cache};

    return lookup(&access, addr);
}

static MemTxResult unassigned(const struct access *access, uint8_t *buf, uint64_t len)
{
    if (!access->is_write) {
        memset(buf, access->as->unassigned.fill, len);
    }
    return access->as->unassigned.result;
}

/* Bytes from addr on, at most len, that no range of the view answers. */
static uint64_t hole(struct access *access, hwaddr addr, uint64_t len)
{
    const FlatRange *next;

    if (len <= 1) {
        return len;
    }
    if (!access->view) {
        access->view = rcu_load(access->as->current_map);
    }
    next = fv_at_or_after(access->view->root, addr);
    return next && next->first - addr < len ? next->first - addr : len;
}

/*
 * One hop through an IOMMU: cuts *len to the page, and says where the access goes on.
 * Returns: MEMTX_OK; else next->as is NULL, and this is what the access gets here.
 */
static MemTxResult hop(const struct access *access, const FlatRange *range, hwaddr offset,
                       uint64_t *len, struct access *next, hwaddr *addr)
{
    const IOMMUMemoryRegionOps *ops = range->mr->iommu->ops;
    void *opaque = range->mr->opaque;
    IOMMUAccessFlags flag = access->is_write ? IOMMU_WO : IOMMU_RO;
    int index = ops->attrs_to_index ? ops->attrs_to_index(opaque, access->attrs) : 0;
    IOMMUTLBEntry entry = ops->translate(opaque, offset, flag, index);
    uint64_t rest = entry.addr_mask - (offset & entry.addr_mask);

    *len = *len - 1 <= rest ? *len : rest + 1;
    *next = (struct access){
        .as = entry.target_as,
        .attrs = access->attrs,
        .is_write = access->is_write,
        .hops = access->hops + 1,
    };
    *addr = (entry.translated_addr & ~entry.addr_mask) | (offset & entry.addr_mask);
    if (next->hops > IOMMU_HOPS_MAX) {
        next->as = NULL;
        return MEMTX_DECODE_ERROR;
    }
    if (!(entry.perm & flag)) {
        next->as = NULL;
    }
    return next->as ? MEMTX_OK : access->as->unassigned.result;
}

/* The part of an access that lies in one page of an IOMMU. Returns how many bytes it was. */
static uint64_t translated(struct access *access, const FlatRange *range, hwaddr offset,
                           uint8_t *buf, uint64_t len, MemTxResult *result)
{
    struct access next;
    hwaddr addr;
    MemTxResult here = hop(access, range, offset, &len, &next, &addr);

    if (!next.as) {
        (void)unassigned(access, buf, len);
        *result |= here;
    } else {
        *result |= run(&next, addr, buf, len);
    }
    return len;
}

/* What is left of `len` within the range. */
static uint64_t within(const FlatRange *range, hwaddr addr, uint64_t len)
{
    return len - 1 <= range->last - addr ? len : range->last - addr + 1;
}

/* Copies what a CPU accesses at once. Returns: false for other lengths, nothing done. */
static inline bool load_at_once(uint8_t *to, const uint8_t *from, uint64_t len)
{
    switch (len) {
    case 1:
        *to = *from;
        return true;
    case 2:
        __builtin_memcpy(to, from, 2);
        return true;
    case 4:
        __builtin_memcpy(to, from, 4);
        return true;
    case 8:
        __builtin_memcpy(to, from, 8);
        return true;
    default:
        return false;
    }
}

/* memcpy, without the call where there is none to be made. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, uint64_t len)
{
    if (!load_at_once(to, from, len)) {
        memcpy(to, from, len);
    }
}

static inline void copy(const FlatRange *range, hwaddr offset, uint8_t *buf, uint64_t len,
                        bool is_write)
{
    uint8_t *host = range->mr->host + offset;

    if (is_write) {
        copy_bytes(host, buf, len);
        ram_block_set_dirty(range->mr->ram_block, offset, len);
    } else {
        copy_bytes(buf, host, len);
    }
}

static uint64_t dispatch(const struct access *access, const FlatRange *range, hwaddr offset,
                         uint8_t *buf, uint64_t len, MemTxResult *result)
{
    FlatRange kept = *range; /* the cache it may lie in changes when the device accesses memory */
    unsigned num = region_piece(range, offset, len);

    if (access->attrs.memory && kept.mr->beneath) {
        struct access next = {.as = kept.mr->beneath, .attrs = access->attrs};

        next.is_write = access->is_write;
        *result |= run(&next, offset + kept.mr->beneath_offset, buf, num);
    } else if (access->attrs.memory) {
        if (!access->is_write) {
            memset(buf, 0, num);
        }
        *result |= MEMTX_ACCESS_ERROR;
    } else {
        *result |= region_dispatch(&kept, offset, buf, num, access->is_write, access->attrs);
    }
    return num;
}

/* Is [addr, addr+len) of the range one piece? */
static bool is_one_piece(const FlatRange *range, hwaddr addr, uint64_t len)
{
    enum memory_region_kind kind = range->mr->kind;

    return len - 1 <= range->last - addr &&
           (kind == MEMORY_REGION_RAM || kind == MEMORY_REGION_RESERVATION ||
            (kind != MEMORY_REGION_IOMMU &&
             region_piece(range, range->offset_in_region + (addr - range->first), len) == len));
}

/* One piece. Returns how many bytes it was. */
static uint64_t piece(struct access *access, hwaddr addr, uint8_t *buf, uint64_t len,
                      MemTxResult *result)
{
    const FlatRange *range = lookup(access, addr);
    hwaddr offset;
    uint64_t num;

    if (range && !access->view && !is_one_piece(range, addr, len)) {
        /* From the cache, whose view may be gone by the next piece: all are to come from one. */
        access->view = rcu_load(access->as->current_map);
        range = fv_lookup(access->view->root, addr);
    }
    if (!range) {
        num = hole(access, addr, len);
        *result |= unassigned(access, buf, num);
        return num;
    }
    offset = range->offset_in_region + (addr - range->first);
    num = within(range, addr, len);
    if (range_is_direct(range, access->is_write, access->attrs.debug)) {
        copy(range, offset, buf, num, access->is_write);
    } else if (range->mr->kind == MEMORY_REGION_RESERVATION) {
        *result |= unassigned(access, buf, num);
    } else if (range->mr->kind == MEMORY_REGION_IOMMU) {
        num = translated(access, range, offset, buf, num, result);
    } else if (range->mr->kind == MEMORY_REGION_RAM) {
        *result |= MEMTX_DECODE_ERROR; /* a write to what is read-only here */
    } else {
        num = dispatch(access, range, offset, buf, len, result);
    }
    return num;
}

/* Called in a read section. */
static MemTxResult run(struct access *access, hwaddr addr, uint8_t *buf, uint64_t len)
{
    MemTxResult result = MEMTX_OK;
    uint64_t num;

    while (len) {
        num = piece(access, addr, buf, len, &result);
        buf += num;
        len -= num;
        if (__builtin_add_overflow(addr, num, &addr) && len) {
            return result | unassigned(access, buf, len); /* past the last byte */
        }
    }
    return result;
}

/*
 * address_space_rw_cached in steps, each entered by a jump with its arguments as they are, so that
 * the first has next to nothing to save and to move. The read section begins in the first and ends
 * in whichever serves the access.
 */
__attribute__((noinline)) MemTxResult access_last(AddressSpace *as, MemoryAccessCache *cache,
                                                  hwaddr addr, MemTxAttrs attrs, void *buf,
                                                  uint64_t len, bool is_write)
{
    struct access access = {.as = as, .cache = cache, .attrs = attrs, .is_write = is_write};
    MemTxResult result = run(&access, addr, buf, len);

    rcu_unlock();
    return result;
}

static __attribute__((noinline)) MemTxResult done_last(void)
{
    rcu_unlock();
    return MEMTX_OK;
}

MemTxResult address_space_rw_cached(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr,
                                    MemTxAttrs attrs, void *buf, uint64_t len, bool is_write)
{
    rcu_lock();
    if (!cache || !is_fresh(cache, as, generation_of(as)) || addr < cache->range.first ||
        addr > cache->range.last || len - 1 > cache->range.last - addr) {
        return access_last(as, cache, addr, attrs, buf, len, is_write);
    }
    if (!cache->ram) {
        return access_unit_last(as, cache, addr, attrs, buf, len, is_write);
    }
    if (is_write || !load_at_once(buf, cache->ram + (addr - cache->range.first), len)) {
        return access_last(as, cache, addr, attrs, buf, len, is_write);
    }
    return done_last();
}

MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, void *buf,
                             uint64_t len, bool is_write)
{
    return address_space_rw_cached(as, NULL, addr, attrs, buf, len, is_write);
}

MemTxResult address_space_read(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, void *buf,
                               uint64_t len)
{
    return address_space_rw(as, addr, attrs, buf, len, false);
}

MemTxResult address_space_write(AddressSpace *as, hwaddr addr, MemTxAttrs attrs, const void *buf,
                                uint64_t len)
{
    void *bytes;

    memcpy(&bytes, &buf, sizeof(bytes)); /* a write only reads them */
    return address_space_rw(as, addr, attrs, bytes, len, true);
}

MemTxResult address_space_rw_items(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr,
                                   MemTxAttrs attrs, void *buf, unsigned size, uint64_t count,
                                   bool is_write)
{
    struct access access = {.as = as, .cache = cache, .attrs = attrs, .is_write = is_write};
    MemTxResult result = MEMTX_OK;
    uint8_t *item = buf;

    rcu_lock();
    access.view = count > 1 ? rcu_load(as->current_map) : NULL; /* one view for all items */
    for (; count; count--, item += size) {
        result |= run(&access, addr, item, size);
    }
    rcu_unlock();
    return result;
}

MemTxResult address_space_write_rom(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                                    const void *buf, uint64_t len)
{
    const uint8_t *bytes = buf;
    const FlatView *view;
    const FlatRange *range;
    hwaddr last = range_last(addr, len ? len : 1), first, end;

    rcu_lock();
    view = rcu_load(as->current_map);
    range = len ? fv_at_or_after(view->root, addr) : NULL;
    while (range && range->first <= last) {
        first = range->first > addr ? range->first : addr;
        end = range->last < last ? range->last : last;
        if (range->mr->host && range->mr->kind != MEMORY_REGION_RAM_DEVICE &&
            !range->mr->ram_block->readonly) {
            hwaddr offset = range->offset_in_region + (first - range->first);

            memcpy(range->mr->host + offset, bytes + (first - addr), end - first + 1);
            ram_block_set_dirty(range->mr->ram_block, offset, end - first + 1);
        } else if (range->mr->beneath) {
            hwaddr offset = range->offset_in_region + (first - range->first);

            (void)address_space_write_rom(range->mr->beneath, offset + range->mr->beneath_offset,
                                          attrs, bytes + (first - addr), end - first + 1);
        }
        range = range->last >= last ? NULL : fv_at_or_after(view->root, range->last + 1);
    }
    rcu_unlock();
    return MEMTX_OK;
}

MemTxResult address_space_set(AddressSpace *as, hwaddr addr, uint8_t value, uint64_t len,
                              MemTxAttrs attrs)
{
    MemTxResult result = MEMTX_OK;
    uint8_t chunk[512];

    memset(chunk, value, sizeof(chunk));
    while (len) {
        uint64_t num = len < sizeof(chunk) ? len : sizeof(chunk);

        result |= address_space_write(as, addr, attrs, chunk, num);
        len -= num;
        if (__builtin_add_overflow(addr, num, &addr)) {
            return result | (len ? as->unassigned.result : MEMTX_OK);
        }
    }
    return result;
}

static bool all_valid(struct access *access, hwaddr addr, uint64_t len);

/* Would the first piece of the access be taken? Cuts *len to it. */
static bool piece_valid(struct access *access, hwaddr addr, uint64_t *len)
{
    const FlatRange *range = lookup(access, addr);
    struct access next;
    hwaddr offset;
    uint64_t num;

    if (!range) {
        return false;
    }
    offset = range->offset_in_region + (addr - range->first);
    num = within(range, addr, *len);
    if (range_is_direct(range, access->is_write, access->attrs.debug)) {
        *len = num;
        return true;
    }
    if (range->mr->kind == MEMORY_REGION_IOMMU) {
        (void)hop(access, range, offset, &num, &next, &addr);
        *len = num;
        return next.as && all_valid(&next, addr, num);
    }
    *len = region_piece(range, offset, *len);
    return !access->attrs.memory &&
           !(range->mr->kind == MEMORY_REGION_RAM_DEVICE && access->is_write && range->readonly) &&
           region_access_valid(range->mr, offset, (unsigned)*len, access->is_write, access->attrs);
}

static bool all_valid(struct access *access, hwaddr addr, uint64_t len)
{
    while (len) {
        uint64_t num = len;

        if (!piece_valid(access, addr, &num)) {
            return false;
        }
        len -= num;
        if (__builtin_add_overflow(addr, num, &addr) && len) {
            return false;
        }
    }
    return true;
}

bool address_space_access_valid(AddressSpace *as, hwaddr addr, uint64_t len, bool is_write,
                                MemTxAttrs attrs)
{
    struct access access = {.as = as, .attrs = attrs, .is_write = is_write};
    bool valid;

    rcu_lock();
    valid = all_valid(&access, addr, len);
    rcu_unlock();
    return valid;
}
