/*
 * map.c - live mappings of a space, each a node in a tree by host address, so that unmap knows its
 * own pointers from foreign ones.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

struct mapping {
    struct itree_node node; /* host addresses */
    uint64_t offset;        /* direct: in the block */
    MemoryRegion *mr;       /* direct: referenced; NULL: bounced */
    hwaddr addr;            /* bounced: where it belongs */
    MemTxAttrs attrs;
    bool is_write;
    uint8_t bytes[];
};

#define BOUNCE_BUDGET (1ULL << 20)

int map_list_init(AddressSpace *as)
{
    as->bounce_budget = BOUNCE_BUDGET;
    return pthread_mutex_init(&as->map_lock, NULL) ? -ENOMEM : 0;
}

void map_list_finish(AddressSpace *as)
{
    pthread_mutex_destroy(&as->map_lock);
}

static void file_mapping(AddressSpace *as, struct mapping *mapping, void *host, uint64_t len)
{
    mapping->node.first = (uintptr_t)host;
    mapping->node.last = (uintptr_t)host + (len - 1);
    pthread_mutex_lock(&as->map_lock);
    itree_insert(&as->mappings, &mapping->node);
    pthread_mutex_unlock(&as->map_lock);
}

static bool can_map(const FlatRange *range, bool is_write)
{
    if (range->mr->kind == MEMORY_REGION_RAM) {
        return !is_write || !range->readonly;
    }
    return range->mr->kind == MEMORY_REGION_ROM_DEVICE && range->romd_mode && !is_write;
}

/* Bytes from addr on, at most len, that are consecutive bytes of the range's region. */
static uint64_t run_length(const FlatView *view, const FlatRange *range, hwaddr addr, uint64_t len,
                           bool is_write)
{
    const FlatRange *next = range;
    hwaddr end = addr + (len - 1) < addr ? UINT64_MAX : addr + (len - 1);

    while (next->last < end) {
        const FlatRange *after = fv_lookup(view->root, next->last + 1);

        if (!after || after->mr != range->mr || !can_map(after, is_write) ||
            after->offset_in_region != next->offset_in_region + (after->first - next->first)) {
            return next->last - addr + 1;
        }
        next = after;
    }
    return end - addr + 1;
}

/* Called in a read section. NULL: not direct, or out of memory (*len is 0 then). */
static void *map_direct(AddressSpace *as, hwaddr addr, uint64_t *len, bool is_write)
{
    const FlatView *view = rcu_load(as->current_map);
    const FlatRange *range = fv_lookup(view->root, addr);
    struct mapping *mapping;
    uint8_t *host;

    if (!range || !can_map(range, is_write)) {
        return NULL;
    }
    *len = run_length(view, range, addr, *len, is_write);
    mapping = calloc(1, sizeof(*mapping));
    if (!mapping) {
        *len = 0;
        return NULL;
    }
    mapping->mr = region_get(range->mr);
    mapping->offset = range->offset_in_region + (addr - range->first);
    mapping->is_write = is_write;
    host = range->mr->host + mapping->offset;
    file_mapping(as, mapping, host, *len);
    return host;
}

/* Bytes from addr on that have to be bounced. Called in a read section. */
static uint64_t bounce_length(AddressSpace *as, hwaddr addr, uint64_t len, bool is_write)
{
    const FlatView *view = rcu_load(as->current_map);
    const FlatRange *range = fv_at_or_after(view->root, addr);
    hwaddr end = addr + (len - 1) < addr ? UINT64_MAX : addr + (len - 1);

    while (range && range->first <= end) {
        if (range->first > addr && can_map(range, is_write)) {
            return range->first - addr;
        }
        range = range->last >= end ? NULL : fv_at_or_after(view->root, range->last + 1);
    }
    return end - addr + 1;
}

static uint64_t take_budget(AddressSpace *as, uint64_t want)
{
    uint64_t left;

    pthread_mutex_lock(&as->map_lock);
    left = as->bounce_budget > as->bounced ? as->bounce_budget - as->bounced : 0;
    want = want < left ? want : left;
    as->bounced += want;
    pthread_mutex_unlock(&as->map_lock);
    return want;
}

/* Takes the waiters off the list under the lock, wakes them without it. */
static void give_budget(AddressSpace *as, uint64_t bytes)
{
    struct address_space_map_waiter *waiter, *next;

    pthread_mutex_lock(&as->map_lock);
    as->bounced -= bytes;
    waiter = as->map_waiters;
    as->map_waiters = NULL;
    for (next = waiter; next; next = next->next) {
        next->waiting = false;
    }
    pthread_mutex_unlock(&as->map_lock);
    for (; waiter; waiter = next) {
        next = waiter->next;
        waiter->wake(waiter);
    }
}

static void *map_bounce(AddressSpace *as, hwaddr addr, uint64_t *len, bool is_write,
                        MemTxAttrs attrs)
{
    uint64_t want = *len, got = take_budget(as, want);
    struct mapping *mapping = got ? calloc(1, sizeof(*mapping) + got) : NULL;

    *len = got;
    if (!mapping) {
        if (got) {
            give_budget(as, got);
        }
        *len = 0;
        return NULL;
    }
    mapping->addr = addr;
    mapping->attrs = attrs;
    mapping->is_write = is_write;
    if (!is_write) {
        (void)address_space_read(as, addr, attrs, mapping->bytes, got);
    }
    file_mapping(as, mapping, mapping->bytes, got);
    return mapping->bytes;
}

void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len, bool is_write,
                        MemTxAttrs attrs)
{
    void *host;

    if (*len == 0) {
        return NULL;
    }
    rcu_lock();
    host = map_direct(as, addr, len, is_write);
    if (!host && *len) {
        *len = bounce_length(as, addr, *len, is_write);
        host = map_bounce(as, addr, len, is_write, attrs);
    }
    rcu_unlock();
    return host;
}

/* Takes such a mapping off the list; which of several makes no difference. NULL: there is none. */
static struct mapping *take_mapping(AddressSpace *as, uintptr_t host, uint64_t len, bool is_write)
{
    struct mapping *mapping = NULL;
    struct itree_node *node;

    pthread_mutex_lock(&as->map_lock);
    node = itree_overlap_first(&as->mappings, host, host);
    for (; node; node = itree_overlap_next(node, host, host)) {
        mapping = itree_entry(node, struct mapping, node);
        if (node->first == host && node->last == host + (len - 1) &&
            mapping->is_write == is_write) {
            itree_remove(&as->mappings, node);
            break;
        }
    }
    pthread_mutex_unlock(&as->map_lock);
    return node ? mapping : NULL;
}

MemTxResult address_space_unmap(AddressSpace *as, void *ptr, uint64_t len, bool is_write,
                                uint64_t access_len)
{
    struct mapping *mapping = ptr ? take_mapping(as, (uintptr_t)ptr, len, is_write) : NULL;
    MemTxResult result = MEMTX_OK;

    if (!mapping) {
        return ptr ? MEMTX_ERROR : MEMTX_OK;
    }
    access_len = access_len < len ? access_len : len;
    if (mapping->mr) {
        if (mapping->is_write && access_len) {
            ram_block_set_dirty(mapping->mr->ram_block, mapping->offset, access_len);
        }
        region_put(mapping->mr);
    } else {
        if (mapping->is_write && access_len) {
            result = address_space_write(as, mapping->addr, mapping->attrs, ptr, access_len);
        }
        give_budget(as, len);
    }
    free(mapping);
    return result;
}

void address_space_set_bounce_budget(AddressSpace *as, uint64_t bytes)
{
    pthread_mutex_lock(&as->map_lock);
    as->bounce_budget = bytes;
    pthread_mutex_unlock(&as->map_lock);
    give_budget(as, 0);
}

void address_space_register_map_waiter(AddressSpace *as, struct address_space_map_waiter *waiter)
{
    bool now;

    pthread_mutex_lock(&as->map_lock);
    now = as->bounced < as->bounce_budget;
    if (!now) {
        waiter->waiting = true;
        waiter->next = as->map_waiters;
        as->map_waiters = waiter;
    }
    pthread_mutex_unlock(&as->map_lock);
    if (now) {
        waiter->wake(waiter);
    }
}

void address_space_cancel_map_waiter(AddressSpace *as, struct address_space_map_waiter *waiter)
{
    struct address_space_map_waiter **link;

    pthread_mutex_lock(&as->map_lock);
    if (waiter->waiting) {
        for (link = &as->map_waiters; *link != waiter;) {
            link = &(*link)->next;
        }
        *link = waiter->next;
        waiter->waiting = false;
    }
    pthread_mutex_unlock(&as->map_lock);
}

int address_space_cache_init(MemoryRegionCache *cache, AddressSpace *as, hwaddr addr, uint64_t len,
                             bool is_write)
{
    hwaddr end;

    if (len == 0 || __builtin_add_overflow(addr, len - 1, &end)) {
        return -EINVAL;
    }
    *cache = (MemoryRegionCache){.as = as, .addr = addr, .len = len, .is_write = is_write};
    return 0;
}

static bool inside(const MemoryRegionCache *cache, hwaddr offset, uint64_t len)
{
    return offset <= cache->len && len <= cache->len - offset;
}

MemTxResult address_space_read_cached(MemoryRegionCache *cache, hwaddr offset, void *buf,
                                      uint64_t len)
{
    if (!inside(cache, offset, len)) {
        memset(buf, 0, len);
        return MEMTX_DECODE_ERROR;
    }
    return address_space_rw_cached(cache->as, &cache->cache, cache->addr + offset,
                                   MEMTXATTRS_UNSPECIFIED, buf, len, false);
}

MemTxResult address_space_write_cached(MemoryRegionCache *cache, hwaddr offset, const void *buf,
                                       uint64_t len)
{
    void *bytes;

    if (!inside(cache, offset, len)) {
        return MEMTX_DECODE_ERROR;
    }
    if (!cache->is_write) {
        return MEMTX_ACCESS_ERROR;
    }
    memcpy(&bytes, &buf, sizeof(bytes)); /* a write only reads them */
    return address_space_rw_cached(cache->as, &cache->cache, cache->addr + offset,
                                   MEMTXATTRS_UNSPECIFIED, bytes, len, true);
}
