/*
 * kvm_slots_audit.c - do the slots show what the view says? Slots disjoint, each all memory of the
 * view, and every page of that memory in a slot with its address and flags: then they are equal.
 * A slot may show several regions of one block; the one it names must be among them. And what no
 * slot shows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "vmm/kvm_slots_plan.h"

/* Every page of the piece has a slot that shows just that. */
static bool audit_piece(const struct kvm_slots *slots, const struct slot_piece *piece, char *why,
                        size_t why_size)
{
    hwaddr at = piece->first;

    do {
        const struct kvm_slot *slot = kvm_slots_lookup(slots, at);
        uint64_t hva = piece->hva + (at - piece->first);

        if (!slot) {
            (void)snprintf(why, why_size, "no slot has the memory at %016" PRIx64, at);
            return false;
        }
        if (slot->hva + (at - slot->node.first) != hva || slot->flags != piece->flags) {
            (void)snprintf(why, why_size,
                           "slot %u has hva %" PRIx64 " flags %" PRIx32 " at %016" PRIx64
                           ", the view says %" PRIx64 " and %" PRIx32,
                           slot->id, slot->hva + (at - slot->node.first), slot->flags, at, hva,
                           piece->flags);
            return false;
        }
        at = slot->node.last < piece->last ? slot->node.last + 1 : piece->last;
    } while (at != piece->last);
    return true;
}

/* How many bytes of the slot the view shows as memory, and whether its region is among them. */
static uint64_t shown_bytes(const FlatView *view, const struct kvm_slot *slot, bool *by_region)
{
    const FlatRange *range = flatview_at_or_after(view, slot->node.first);
    struct slot_piece piece;
    uint64_t sum = 0;

    *by_region = false;
    while (range && range->first <= slot->node.last) {
        if (slot_piece_of_range(range, &piece) && piece.last >= slot->node.first &&
            piece.first <= slot->node.last) {
            sum += (piece.last < slot->node.last ? piece.last : slot->node.last) -
                   (piece.first > slot->node.first ? piece.first : slot->node.first) + 1;
            *by_region |= piece.mr == slot->mr;
        }
        range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    return sum;
}

struct traps {
    const struct kvm_slots *slots;
    const FlatView *view;
    void (*each)(void *opaque, const FlatRange *range, hwaddr first, hwaddr last);
    void *opaque;
};

/* What lies between slots. */
static bool tell_traps(const FlatRange *range, void *opaque)
{
    const struct traps *traps = opaque;
    const MemoryRegionSection section = flat_range_section(NULL, traps->view, range);
    struct itree_node *node = itree_overlap_first(&traps->slots->slots, range->first, range->last);
    hwaddr from = range->first;
    bool readonly;

    if (!memory_section_is_slot(&section, &readonly)) {
        return false;
    }
    for (; node; node = itree_overlap_next(node, range->first, range->last)) {
        if (node->first > from) {
            traps->each(traps->opaque, range, from, node->first - 1);
        }
        if (node->last >= range->last) {
            return false;
        }
        from = node->last + 1;
    }
    traps->each(traps->opaque, range, from, range->last);
    return false;
}

void kvm_slots_for_each_trap(const struct kvm_slots *slots, const FlatView *view,
                             void (*each)(void *opaque, const FlatRange *range, hwaddr first,
                                          hwaddr last),
                             void *opaque)
{
    struct traps traps = {slots, view, each, opaque};

    (void)flatview_for_each_range(view, tell_traps, &traps);
}

/* The slot overlaps none before it and shows nothing but memory of the view. */
static bool audit_slot(const FlatView *view, const struct kvm_slot *slot,
                       const struct kvm_slot *before, char *why, size_t why_size)
{
    bool by_region;

    if (before && before->node.last >= slot->node.first) {
        (void)snprintf(why, why_size, "slots %u and %u overlap at %016" PRIx64, before->id,
                       slot->id, slot->node.first);
        return false;
    }
    if (shown_bytes(view, slot, &by_region) != slot->node.last - slot->node.first + 1) {
        (void)snprintf(why, why_size, "slot %u at %016" PRIx64 " shows no memory of the view",
                       slot->id, slot->node.first);
        return false;
    }
    if (!by_region) { /* which may be gone: so its name is not told */
        (void)snprintf(why, why_size,
                       "slot %u at %016" PRIx64 " has a region that it does not show", slot->id,
                       slot->node.first);
    }
    return by_region;
}

bool kvm_slots_audit(const struct kvm_slots *slots, const FlatView *view, char *why,
                     size_t why_size)
{
    const FlatRange *range = flatview_at_or_after(view, 0);
    const struct kvm_slot *before = NULL, *slot;
    struct itree_node *node;
    struct slot_piece piece;

    for (node = itree_first(&slots->slots); node; node = itree_next(node)) {
        slot = itree_entry(node, struct kvm_slot, node);
        if (!audit_slot(view, slot, before, why, why_size)) {
            return false;
        }
        before = slot;
    }
    while (range) {
        if (slot_piece_of_range(range, &piece) && !audit_piece(slots, &piece, why, why_size)) {
            return false;
        }
        range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    return true;
}
