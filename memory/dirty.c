/*
 * dirty.c - dirty bitmaps, one for each client and block, made when first wanted.
 *
 * Bits only ever go up by fetch-or and down by fetch-and of a mask, so concurrent writers and one
 * reader lose nothing: a bit set after it was collected stays for the next time.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

static uint64_t words_of(uint64_t pages)
{
    return (pages + 63) / 64;
}

/* Bits of word `word` that lie in pages [first, last]. */
static uint64_t mask_of(uint64_t word, uint64_t first, uint64_t last)
{
    uint64_t mask = UINT64_MAX;

    if (word == first / 64) {
        mask &= UINT64_MAX << (first % 64);
    }
    if (word == last / 64) {
        mask &= UINT64_MAX >> (63 - last % 64);
    }
    return mask;
}

int ram_block_track_dirty(RAMBlock *block, unsigned client)
{
    uint64_t words = words_of(block->max_length / DIRTY_PAGE_SIZE), *bits, *none = NULL;

    if (client >= DIRTY_MEMORY_NUM) {
        return -EINVAL;
    }
    if (rcu_load(block->dirty[client])) {
        return 0;
    }
    pthread_mutex_lock(&block->core->lock);
    bits = memory_alloc(block->core, words * sizeof(*bits));
    pthread_mutex_unlock(&block->core->lock);
    if (!bits) {
        return -ENOMEM;
    }
    memset(bits, 0xff, words * sizeof(*bits));
    if (!__atomic_compare_exchange_n(&block->dirty[client], &none, bits, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        free(bits); /* another thread was first */
    }
    return 0;
}

void ram_block_set_dirty(RAMBlock *block, uint64_t offset, uint64_t size)
{
    uint64_t first = offset / DIRTY_PAGE_SIZE, last = (offset + size - 1) / DIRTY_PAGE_SIZE;

    for (unsigned client = 0; size && client < DIRTY_MEMORY_NUM; client++) {
        uint64_t *bits = rcu_load(block->dirty[client]);

        for (uint64_t word = first / 64; bits && word <= last / 64; word++) {
            uint64_t mask = mask_of(word, first, last);

            if ((__atomic_load_n(&bits[word], __ATOMIC_RELAXED) & mask) != mask) {
                __atomic_fetch_or(&bits[word], mask, __ATOMIC_RELEASE);
            }
        }
    }
}

bool ram_block_test_dirty(const RAMBlock *block, uint64_t offset, uint64_t size, unsigned client)
{
    uint64_t first = offset / DIRTY_PAGE_SIZE, last = (offset + size - 1) / DIRTY_PAGE_SIZE;
    const uint64_t *bits = rcu_load(block->dirty[client]);

    if (!bits) {
        return true;
    }
    for (uint64_t word = first / 64; size && word <= last / 64; word++) {
        if (__atomic_load_n(&bits[word], __ATOMIC_ACQUIRE) & mask_of(word, first, last)) {
            return true;
        }
    }
    return false;
}

bool ram_block_test_and_clear_dirty(RAMBlock *block, uint64_t offset, uint64_t size,
                                    unsigned client)
{
    uint64_t first = offset / DIRTY_PAGE_SIZE, last = (offset + size - 1) / DIRTY_PAGE_SIZE;
    uint64_t *bits = rcu_load(block->dirty[client]);
    bool dirty = !bits;

    for (uint64_t word = first / 64; bits && size && word <= last / 64; word++) {
        uint64_t mask = mask_of(word, first, last);

        dirty |= (__atomic_fetch_and(&bits[word], ~mask, __ATOMIC_ACQ_REL) & mask) != 0;
    }
    return dirty;
}

/* 64 bits from bit `from` on. Reads the word behind only where it holds some of them. */
static uint64_t take_bits(uint64_t *bits, uint64_t from, uint64_t mask)
{
    uint64_t word = from / 64, shift = from % 64, low, high = 0;

    low = __atomic_fetch_and(&bits[word], ~(mask << shift), __ATOMIC_ACQ_REL) & (mask << shift);
    if (shift && mask >> (64 - shift)) {
        high = mask >> (64 - shift);
        high &= __atomic_fetch_and(&bits[word + 1], ~high, __ATOMIC_ACQ_REL);
        high <<= 64 - shift;
    }
    return low >> shift | high;
}

uint64_t ram_block_snapshot_and_clear_dirty(RAMBlock *block, uint64_t offset, uint64_t pages,
                                            unsigned client, uint64_t *bitmap)
{
    uint64_t *bits = rcu_load(block->dirty[client]), first = offset / DIRTY_PAGE_SIZE, num = 0;

    for (uint64_t word = 0; word < words_of(pages); word++) {
        uint64_t mask = mask_of(word, 0, pages - 1);

        bitmap[word] = bits ? take_bits(bits, first + word * 64, mask) : mask;
        num += (uint64_t)__builtin_popcountll(bitmap[word]);
    }
    return num;
}

uint64_t ram_block_import_dirty(RAMBlock *block, uint64_t offset, uint64_t pages,
                                const uint64_t *bitmap)
{
    uint64_t num = 0;

    for (uint64_t word = 0; word < words_of(pages); word++) {
        uint64_t set = bitmap[word] & mask_of(word, 0, pages - 1);

        for (; set; set &= set - 1, num++) {
            uint64_t page = word * 64 + (uint64_t)__builtin_ctzll(set);

            ram_block_set_dirty(block, offset + page * DIRTY_PAGE_SIZE, 1);
        }
    }
    return num;
}
