/*
 * dirty.h - which pages of a RAMBlock were written, per client.
 *
 * One bit a page (4 KiB) and client, by place in the block, so that it survives every move in the
 * guest's map. A client's bits exist once it asks for them (ram_block_track_dirty, or the first
 * memory_region_set_log) and start all set: what happened before nobody knows. They are set by
 * accesses through an address space, by unmapped write mappings, and by what KVM logged
 * (ram_block_import_dirty). Setting, testing and clearing are atomic, word by word; one client's
 * never touch another's.
 *
 * Context: any thread that holds the block; no lock. Offsets and sizes are bytes within the block.
 * Source: KVM api.rst, KVM_GET_DIRTY_LOG, for the bitmap's layout.
 */
#ifndef ACRE_MEMORY_DIRTY_H
#define ACRE_MEMORY_DIRTY_H

#include "memory/ram.h"

#define DIRTY_PAGE_SIZE 4096U

/* Makes the client's bits, all set; nothing if they are there. Returns: 0, -ENOMEM, -EINVAL. */
int ram_block_track_dirty(RAMBlock *block, unsigned client) __attribute__((warn_unused_result));

/* Sets the bits of every page that [offset, offset+size) touches, for all clients with bits. */
void ram_block_set_dirty(RAMBlock *block, uint64_t offset, uint64_t size);

/* Is any page of the range dirty? True for a client without bits. */
bool ram_block_test_dirty(const RAMBlock *block, uint64_t offset, uint64_t size, unsigned client);

/* The same, and clears them. */
bool ram_block_test_and_clear_dirty(RAMBlock *block, uint64_t offset, uint64_t size,
                                    unsigned client);

/*
 * Copies the bits of whole pages from `offset` on into `bitmap` and clears them: bit 0 of word 0 is
 * the first page.
 * @offset  a multiple of 4 KiB.   @pages  1.., within the block.
 * @bitmap  (pages + 63) / 64 words, written whole.
 * Returns: how many were set.
 */
uint64_t ram_block_snapshot_and_clear_dirty(RAMBlock *block, uint64_t offset, uint64_t pages,
                                            unsigned client, uint64_t *bitmap);

/*
 * ORs KVM's bitmap for the pages from `offset` on into all clients that have bits.
 * Returns: how many bits of it were set.
 */
uint64_t ram_block_import_dirty(RAMBlock *block, uint64_t offset, uint64_t pages,
                                const uint64_t *bitmap);

/*
 * Asks every listener to bring in what was logged for the region, in every space that shows it; the
 * bits are current then. Cost: a walk of the views that show it.
 */
void memory_region_sync_dirty_bitmap(MemoryRegion *mr);
/*
 * Takes the region's bits for a client, having synced: as ram_block_snapshot_and_clear_dirty, then
 * tells listeners to log those pages afresh (log_clear). A listener may hand in the same bits at
 * each sync until they are taken this way, so this is how those of a logged region are taken.
 * @offset  in the region.
 */
uint64_t memory_region_snapshot_and_clear_dirty(MemoryRegion *mr, uint64_t offset, uint64_t pages,
                                                unsigned client, uint64_t *bitmap);

/*
 * Logs all RAM of the VM for DIRTY_MEMORY_MIGRATION, or stops. Counted.
 * Returns: 0; -ENOMEM; what a listener or the commit said, then nothing changed; -EBUSY inside a
 * transaction or a listener's callback; -EINVAL stopped more often than started.
 */
int memory_global_dirty_log_start(struct memory_core *core) __attribute__((warn_unused_result));
int memory_global_dirty_log_stop(struct memory_core *core) __attribute__((warn_unused_result));

#endif
