/*
 * kvm_slots_log.c - KVM's dirty logs. What is read goes into the block's bitmaps at once. With
 * manual protection KVM goes on reporting a page, and does not watch it, until it is cleared; so we
 * remember what was brought in and clear no other page: one written since is reported next time.
 * Rings know no slot's log: whatever wants one harvests them all.
 */
#include "vmm/kvm_slots_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_PAGES = 64 };

static size_t log_words(const struct kvm_slot *slot)
{
    return (size_t)((kvm_slot_pages(slot) + WORD_PAGES - 1) / WORD_PAGES);
}

/*
 * Turns manual protection on before the first slot is logged. INITIALLY_SET is not asked for: it
 * would report pages that nobody wrote.
 */
static void enable_protect(struct kvm_slots *slots)
{
    if (slots->log_used) {
        return;
    }
    slots->log_used = true;
    slots->log_manual =
        (kvm_has(slots->kvm, KVM_HAS_DIRTY_LOG_PROTECT) & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) &&
        kvm_enable_cap(slots->kvm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
                       KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) == 0;
}

int kvm_slots_log_prepare(struct kvm_slots *slots, struct kvm_slot *slot)
{
    size_t words = log_words(slot);
    uint64_t *log;

    if (slots->config.rings) {
        return 0;
    }
    enable_protect(slots);
    if (slots->log_manual) {
        slot->synced = kvm_slots_alloc(slots, NULL, words, sizeof(*slot->synced));
        if (!slot->synced) {
            return -ENOMEM;
        }
    }
    if (words > slots->log_room) {
        log = kvm_slots_alloc(slots, slots->log, words, sizeof(*log));
        if (!log) {
            return -ENOMEM;
        }
        slots->log = log;
        slots->log_room = words;
    }
    return 0;
}

static uint64_t offset_in_block(const struct kvm_slot *slot)
{
    return slot->hva - (uint64_t)(uintptr_t)slot->mr->ram_block->host;
}

void kvm_slots_log_place(struct kvm_slots *slots, const struct kvm_slot *slot)
{
    if (slots->config.rings) {
        kvm_dirty_rings_set_slot(slots->config.rings, slot->id, slot->mr->ram_block,
                                 offset_in_block(slot), kvm_slot_pages(slot));
    }
}

void kvm_slots_log_begin(struct kvm_slots *slots, struct kvm_slot *slot)
{
    kvm_slots_log_place(slots, slot);
    if (slot->synced) {
        memset(slot->synced, 0, log_words(slot) * sizeof(*slot->synced));
    }
}

void kvm_slots_log_end(struct kvm_slots *slots, const struct kvm_slot *slot)
{
    if (slots->config.rings) {
        kvm_dirty_rings_set_slot(slots->config.rings, slot->id, NULL, 0, 0);
    }
}

/* Takes slots->log as what was written. */
static void import(struct kvm_slots *slots, const struct kvm_slot *slot)
{
    RAMBlock *block = slot->mr->ram_block;
    size_t i;

    (void)ram_block_import_dirty(block, offset_in_block(slot), kvm_slot_pages(slot), slots->log);
    for (i = 0; slot->synced && i < log_words(slot); i++) {
        slot->synced[i] |= slots->log[i];
    }
}

int kvm_slots_log_read(struct kvm_slots *slots, const struct kvm_slot *slot)
{
    int result;

    if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES) || slots->forgetting) {
        return 0;
    }
    if (slots->config.rings) {
        result = kvm_dirty_rings_harvest(slots->config.rings);
        slots->plan->ioctls += result != 0;
        return result < 0 ? result : 0;
    }
    slots->plan->ioctls++;
    result = kvm_get_dirty_log(slots->kvm, slot->id, slots->log);
    if (result < 0) {
        return result;
    }
    import(slots, slot);
    return 0;
}

/* Parked, since a CPU in the guest may hold back what it logged. */
static void sync_rings(struct kvm_slots *slots)
{
    const struct kvm_slots_config *config = &slots->config;

    if (config->park) {
        config->park(config->opaque);
    }
    if (kvm_dirty_rings_harvest(config->rings) < 0) {
        kvm_dirty_rings_mark_all(config->rings);
    }
    if (config->park) {
        config->unpark(config->opaque);
    }
}

void kvm_slots_log_sync(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct kvm_slots *slots = listener->opaque;
    hwaddr first = section->offset_within_address_space, last = section->last;
    struct itree_node *node;

    if (slots->config.rings) {
        sync_rings(slots);
        return;
    }
    for (node = itree_overlap_first(&slots->slots, first, last); node;
         node = itree_overlap_next(node, first, last)) {
        const struct kvm_slot *slot = itree_entry(node, struct kvm_slot, node);

        if (kvm_slots_log_read(slots, slot) < 0) {
            /* KVM cannot tell: any page may have been written. */
            memset(slots->log, 0xff, log_words(slot) * sizeof(*slots->log));
            import(slots, slot);
        }
    }
}

/* Has KVM watch pages first..last of a slot again, of those that it reported. */
static void clear_pages(struct kvm_slots *slots, const struct kvm_slot *slot, uint64_t first,
                        uint64_t last)
{
    size_t from = (size_t)(first / WORD_PAGES), to = (size_t)(last / WORD_PAGES), i;
    uint64_t end = (to + 1) * (uint64_t)WORD_PAGES, pages = kvm_slot_pages(slot), any = 0;

    for (i = from; i <= to; i++) {
        uint64_t mask = UINT64_MAX;

        mask &= i == from ? UINT64_MAX << (first % WORD_PAGES) : UINT64_MAX;
        mask &= i == to ? UINT64_MAX >> (WORD_PAGES - 1 - last % WORD_PAGES) : UINT64_MAX;
        slots->log[i] = slot->synced[i] & mask;
        any |= slots->log[i];
    }
    end = end < pages ? end : pages;
    /* When it fails the pages just stay reported. */
    if (any && kvm_clear_dirty_log(slots->kvm, slot->id, from * (uint64_t)WORD_PAGES,
                                   (uint32_t)(end - from * (uint64_t)WORD_PAGES),
                                   &slots->log[from]) == 0) {
        for (i = from; i <= to; i++) {
            slot->synced[i] &= ~slots->log[i];
        }
    }
}

void kvm_slots_log_clear(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct kvm_slots *slots = listener->opaque;
    struct slot_piece piece;
    struct itree_node *node;

    if (!slot_piece_of(section, &piece)) {
        return;
    }
    for (node = itree_overlap_first(&slots->slots, piece.first, piece.last); node;
         node = itree_overlap_next(node, piece.first, piece.last)) {
        const struct kvm_slot *slot = itree_entry(node, struct kvm_slot, node);
        hwaddr first = slot->node.first > piece.first ? slot->node.first : piece.first;
        hwaddr last = slot->node.last < piece.last ? slot->node.last : piece.last;

        if (slot->synced) {
            clear_pages(slots, slot, (first - slot->node.first) / KVM_SLOTS_PAGE,
                        (last - slot->node.first) / KVM_SLOTS_PAGE);
        }
    }
}
