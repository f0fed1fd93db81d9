/*
 * map.h - guest memory as a host pointer, for devices that work on it in place (DMA).
 *
 * RAM is handed out directly; anything else goes through a bounce buffer within the space's budget.
 * A mapping keeps its region alive until it is unmapped, even after the region left the tree.
 * Not for read-modify-write of bounced memory: a read mapping is filled at map, a write mapping is
 * written back at unmap.
 *
 * Context: registered threads; maps of one space are serialised by a lock of their own (a leaf,
 * never held while a device is called).
 */
#ifndef ACRE_MEMORY_MAP_H
#define ACRE_MEMORY_MAP_H

#include "memory/address_space.h"

/*
 * Maps as much of [addr, addr + *len) as is one piece of host memory: over several flat ranges when
 * they are consecutive bytes of one region. What is not RAM (for a write: not writable RAM) is
 * bounced, at most to the end of what is not RAM.
 * @len  in: bytes wanted, 0 allowed; out: bytes mapped.
 * Returns: the pointer; NULL with *len = 0 when len was 0, when the bounce budget is used up
 * (register a waiter), or out of memory.
 * Cost: O(log n) a range, and one allocation.
 */
void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len, bool is_write,
                        MemTxAttrs attrs);
/*
 * @ptr, @len, @is_write  what map returned, and what for: the same memory may be mapped more than
 *              once. NULL is allowed and does nothing.
 * @access_len  bytes really accessed, 0..len: that many are marked dirty or written back, with the
 *              attributes given at map time.
 * Returns: the result of writing back; MEMTX_ERROR when there is no such live mapping of this
 * space.
 */
MemTxResult address_space_unmap(AddressSpace *as, void *ptr, uint64_t len, bool is_write,
                                uint64_t access_len);

/* Bytes that may be bounced at a time; 1 MiB unless set. */
void address_space_set_bounce_budget(AddressSpace *as, uint64_t bytes);

/*
 * Who wants to be told, once, when budget comes back. The caller's storage, in no more than one
 * list, until `wake` was called or it was cancelled. Called with no lock held.
 */
struct address_space_map_waiter {
    void (*wake)(struct address_space_map_waiter *waiter);
    /* private */
    struct address_space_map_waiter *next;
    bool waiting;
};
/* Wakes at once when there is budget already. */
void address_space_register_map_waiter(AddressSpace *as, struct address_space_map_waiter *waiter);
void address_space_cancel_map_waiter(AddressSpace *as, struct address_space_map_waiter *waiter);

/*
 * A window that is accessed often (a virtqueue): checks its bounds, remembers who answers, and
 * notices a new view by itself.
 */
typedef struct MemoryRegionCache {
    AddressSpace *as;
    hwaddr addr;
    uint64_t len;
    bool is_write;
    MemoryAccessCache cache;
} MemoryRegionCache;

/*
 * @len  1..; the window must not wrap.
 * Returns: 0, -EINVAL.
 */
int address_space_cache_init(MemoryRegionCache *cache, AddressSpace *as, hwaddr addr, uint64_t len,
                             bool is_write) __attribute__((warn_unused_result));
/*
 * @offset  in the window. What sticks out of it is not accessed at all: MEMTX_DECODE_ERROR, reads
 *          give zeros. A write through a window made for reading: MEMTX_ACCESS_ERROR.
 */
MemTxResult address_space_read_cached(MemoryRegionCache *cache, hwaddr offset, void *buf,
                                      uint64_t len);
MemTxResult address_space_write_cached(MemoryRegionCache *cache, hwaddr offset, const void *buf,
                                       uint64_t len);

#endif
