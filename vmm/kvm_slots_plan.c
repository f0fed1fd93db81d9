/*
 * kvm_slots_plan.c - only where a commit changes the memory behind an address are slots touched. A
 * slot that is touched goes as a whole, and what is left of it comes back as new ones: the cut is
 * then a split point, and no later slot crosses it.
 */
#include "vmm/kvm_slots_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void slot_list_add(struct slot_list *list, struct kvm_slot *slot)
{
    slot->next = NULL;
    if (list->last) {
        list->last->next = slot;
    } else {
        list->first = slot;
    }
    list->last = slot;
    list->num++;
}

static struct kvm_slot *slot_of(struct itree_node *node)
{
    return node ? itree_entry(node, struct kvm_slot, node) : NULL;
}

/* The slots that a change touches leave, whole. */
static void remove_touched(struct kvm_slots *slots, const struct slot_pieces *changes)
{
    struct kvm_slots_plan *plan = slots->plan;
    struct itree_node *node;
    size_t i;

    for (i = 0; i < changes->num; i++) {
        const struct slot_piece *change = &changes->items[i];

        for (node = itree_overlap_first(&slots->slots, change->first, change->last); node;
             node = itree_overlap_next(node, change->first, change->last)) {
            if (!slot_of(node)->going) {
                slot_of(node)->going = true;
                slot_list_add(&plan->removed, slot_of(node));
            }
        }
    }
}

/* What is left of the slots that leave, and the new memory, in `wanted`. */
static int collect_wanted(struct kvm_slots *slots, const struct slot_pieces *changes,
                          struct slot_pieces *wanted)
{
    const struct kvm_slot *slot;
    size_t i, j = 0;
    int result = 0;

    for (i = 0; i < changes->num && result == 0; i++) {
        if (changes->items[i].mapped) {
            result = slot_pieces_add(slots, wanted, &changes->items[i]);
        }
    }
    for (slot = slots->plan->removed.first; slot && result == 0; slot = slot->next) {
        struct slot_piece rest = slot_piece_of_slot(slot), part;

        while (changes->items[j].last < rest.first) {
            j++;
        }
        for (i = j; i < changes->num && changes->items[i].first <= rest.last && result == 0; i++) {
            if (changes->items[i].first > rest.first) {
                part = slot_piece_cut(&rest, rest.first, changes->items[i].first - 1);
                result = slot_pieces_add(slots, wanted, &part);
            }
            if (changes->items[i].last >= rest.last) {
                break;
            }
            rest = slot_piece_cut(&rest, changes->items[i].last + 1, rest.last);
        }
        if (result == 0 && (i == changes->num || changes->items[i].first > rest.last)) {
            result = slot_pieces_add(slots, wanted, &rest);
        }
    }
    return result;
}

/*
 * The piece may have been joined of parts that several regions show, and cut since: the region is
 * the one that shows its first byte, and so is there.
 */
static int add_slot(struct kvm_slots *slots, const FlatView *view, const struct slot_piece *piece)
{
    struct kvm_slot *slot = kvm_slots_alloc(slots, NULL, 1, sizeof(*slot));

    if (!slot) {
        return -ENOMEM;
    }
    *slot = (struct kvm_slot){
        .node = {.first = piece->first, .last = piece->last},
        .hva = piece->hva,
        .flags = piece->flags,
        .mr = flatview_lookup(view, piece->first)->mr,
    };
    slot_list_add(&slots->plan->added, slot);
    return slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? kvm_slots_log_prepare(slots, slot) : 0;
}

/* Slots for the wanted pieces, parted at split points and at the kernel's limit. */
static int tile(struct kvm_slots *slots, const FlatView *view, const struct slot_pieces *wanted)
{
    size_t i;
    int result = 0;

    for (i = 0; i < wanted->num; i++) {
        struct slot_piece rest = wanted->items[i], part;

        while (result == 0) {
            struct itree_node *cut =
                slots->plan->compact || rest.first == rest.last
                    ? NULL
                    : itree_overlap_first(&slots->cuts, rest.first + 1, rest.last);
            hwaddr last = cut ? cut->first - 1 : rest.last;

            if ((last - rest.first) / KVM_SLOTS_PAGE >= KVM_SLOT_PAGES_MAX) {
                last = rest.first + KVM_SLOT_PAGES_MAX * KVM_SLOTS_PAGE - 1;
            }
            part = slot_piece_cut(&rest, rest.first, last);
            result = add_slot(slots, view, &part);
            if (last == rest.last) {
                break;
            }
            rest = slot_piece_cut(&rest, last + 1, rest.last);
        }
    }
    return result;
}

static bool id_used(const struct kvm_slots *slots, unsigned id)
{
    return id < slots->id_room && (slots->ids[id / 64] >> (id % 64) & 1);
}

static void id_release(struct kvm_slots *slots, unsigned id)
{
    slots->ids[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

/* The lowest id that nobody has. Returns: it, -ENOSPC, -ENOMEM. */
static int id_take(struct kvm_slots *slots)
{
    unsigned id = 0, room;
    uint64_t *ids;

    while (id < slots->id_room && slots->ids[id / 64] == UINT64_MAX) {
        id += 64;
    }
    while (id_used(slots, id)) {
        id++;
    }
    if (id >= slots->id_max) {
        return -ENOSPC;
    }
    if (id >= slots->id_room) {
        room = slots->id_room ? 2 * slots->id_room : 64;
        ids = kvm_slots_alloc(slots, slots->ids, room / 64, sizeof(*ids));
        if (!ids) {
            return -ENOMEM;
        }
        memset(ids + slots->id_room / 64, 0, (room - slots->id_room) / 8);
        slots->ids = ids;
        slots->id_room = room;
    }
    slots->ids[id / 64] |= UINT64_C(1) << (id % 64);
    return (int)id;
}

/* Ids of leaving slots first: they are free again by the time they are needed. */
static int assign_ids(struct kvm_slots *slots)
{
    const struct kvm_slot *leaving = slots->plan->removed.first;
    struct kvm_slot *slot;
    int id;

    for (slot = slots->plan->added.first; slot; slot = slot->next) {
        if (leaving) {
            slot->id = leaving->id;
            leaving = leaving->next;
            continue;
        }
        id = id_take(slots);
        if (id < 0) {
            return id;
        }
        slot->id = (uint32_t)id;
        slots->plan->ids_taken++;
    }
    return 0;
}

/* KVM changes the flags of a slot in place. */
static int add_changed(struct kvm_slots *slots, const struct kvm_slot *slot, uint32_t flags)
{
    struct kvm_slot *copy = kvm_slots_alloc(slots, NULL, 1, sizeof(*copy));

    if (!copy) {
        return -ENOMEM;
    }
    *copy = *slot;
    copy->flags = flags;
    copy->synced = NULL;
    slot_list_add(&slots->plan->changed, copy);
    if (flags & KVM_MEM_LOG_DIRTY_PAGES) {
        return kvm_slots_log_prepare(slots, copy);
    }
    slots->plan->stops_log = true;
    return 0;
}

/*
 * Slots that lie within what is logged from now on, or no longer, change their flags. Those that
 * exceed it have to be split: that part of the memory changes as any other.
 */
static int plan_log_changes(struct kvm_slots *slots, struct slot_diff *diff)
{
    struct itree_node *node;
    size_t i;
    int result = 0;

    for (i = 0; i < diff->relogs.num; i++) {
        const struct slot_piece *piece = &diff->relogs.items[i];
        struct slot_piece part;

        for (node = itree_overlap_first(&slots->slots, piece->first, piece->last);
             node && result == 0; node = itree_overlap_next(node, piece->first, piece->last)) {
            if (piece->first <= node->first && node->last <= piece->last) {
                result = add_changed(slots, slot_of(node), piece->flags);
                continue;
            }
            part = slot_piece_cut(piece, node->first > piece->first ? node->first : piece->first,
                                  node->last < piece->last ? node->last : piece->last);
            result = slot_pieces_add(slots, &diff->changes, &part);
        }
    }
    return result;
}

static int plan_sticky(struct kvm_slots *slots, const MemoryCommit *commit)
{
    struct slot_diff diff = {0};
    struct slot_pieces wanted = {0};
    int result = slot_diff_make(slots, commit, &diff);

    if (result == 0) {
        result = plan_log_changes(slots, &diff);
    }
    if (result == 0) {
        slot_pieces_join(&diff.changes);
        remove_touched(slots, &diff.changes);
        result = collect_wanted(slots, &diff.changes, &wanted);
    }
    if (result == 0) {
        slot_pieces_join(&wanted);
        result = tile(slots, commit->new_view, &wanted);
    }
    slots->plan->renamed = diff.renamed;
    diff.renamed = (struct slot_pieces){0};
    slot_diff_free(&diff);
    free(wanted.items);
    return result == 0 ? assign_ids(slots) : result;
}

/* One of `pieces` (sorted) that is exactly this slot; NULL: none. */
static struct slot_piece *find_exact(const struct slot_pieces *pieces, size_t *next,
                                     const struct kvm_slot *slot)
{
    struct slot_piece piece = slot_piece_of_slot(slot), *found;

    while (*next < pieces->num && pieces->items[*next].first < piece.first) {
        (*next)++;
    }
    found = *next < pieces->num ? &pieces->items[*next] : NULL;
    return found && found->first == piece.first && found->last == piece.last &&
                   slot_piece_same(found, &piece)
               ? found
               : NULL;
}

/* Slots that are as they should be stay, and their piece of `all` is unmapped; others leave. */
static int keep_exact(struct kvm_slots *slots, struct slot_pieces *all)
{
    struct itree_node *node;
    size_t next = 0;
    int result = 0;

    for (node = itree_first(&slots->slots); node && result == 0; node = itree_next(node)) {
        struct kvm_slot *slot = slot_of(node);
        struct slot_piece *piece = find_exact(all, &next, slot);

        if (!piece) {
            slot->going = true;
            slot_list_add(&slots->plan->removed, slot);
            continue;
        }
        if (piece->mr != slot->mr) {
            result = slot_pieces_add(slots, &slots->plan->renamed, piece);
        }
        piece->mapped = false;
    }
    return result;
}

/* The whole view with as few slots as it can be: for when ids run short. */
static int plan_compact(struct kvm_slots *slots, const MemoryCommit *commit)
{
    struct slot_pieces all = {0}, wanted = {0};
    size_t i;
    int result = slot_pieces_of_view(slots, commit->new_view, &all);

    slots->plan->compact = true;
    if (result == 0) {
        slot_pieces_join(&all);
        result = keep_exact(slots, &all);
    }
    for (i = 0; i < all.num && result == 0; i++) {
        if (all.items[i].mapped) {
            result = slot_pieces_add(slots, &wanted, &all.items[i]);
        }
    }
    if (result == 0) {
        result = tile(slots, commit->new_view, &wanted);
    }
    free(all.items);
    free(wanted.items);
    return result == 0 ? assign_ids(slots) : result;
}

int kvm_slots_plan(struct kvm_slots *slots, const MemoryCommit *commit)
{
    int result = plan_sticky(slots, commit);

    if (result == -ENOSPC) {
        kvm_slots_plan_reset(slots);
        result = plan_compact(slots, commit);
    }
    if (result != 0) {
        kvm_slots_plan_reset(slots);
    }
    return result;
}

void kvm_slot_free(struct kvm_slot *slot)
{
    free(slot->synced);
    free(slot);
}

/* Ids that the bitmap gave for this plan go back. */
static void release_taken(struct kvm_slots *slots)
{
    const struct kvm_slots_plan *plan = slots->plan;
    unsigned reused = plan->removed.num < plan->added.num ? plan->removed.num : plan->added.num;
    const struct kvm_slot *slot;
    unsigned index = 0;

    for (slot = plan->added.first; slot; slot = slot->next, index++) {
        if (index >= reused && index < reused + plan->ids_taken) {
            id_release(slots, slot->id);
        }
    }
}

/* Frees all of a list but `num` from `keep_first` on, which the tree has. */
static void slot_list_free(struct slot_list *list, unsigned keep_first, unsigned num)
{
    struct kvm_slot *slot, *next;
    unsigned index = 0;

    for (slot = list->first; slot; slot = next, index++) {
        next = slot->next;
        if (index < keep_first || index - keep_first >= num) {
            kvm_slot_free(slot);
        } else {
            slot->going = false;
        }
    }
    *list = (struct slot_list){0};
}

void kvm_slots_plan_reset(struct kvm_slots *slots)
{
    struct kvm_slots_plan *plan = slots->plan;

    if (!plan->applied) {
        release_taken(slots);
    }
    /* The counts are not 0 after a roll-back that failed, either: the tree is right even then. */
    slot_list_free(&plan->removed, plan->removed_done, plan->removed.num - plan->removed_done);
    slot_list_free(&plan->added, 0, plan->added_done);
    slot_list_free(&plan->changed, 0, 0);
    free(plan->renamed.items);
    *plan = (struct kvm_slots_plan){0};
}

/* Remembers a split point; without memory for it a later flip only costs more. */
static void cut_at(struct kvm_slots *slots, hwaddr gpa)
{
    struct itree_node *node;

    if (gpa == 0 || itree_overlap_first(&slots->cuts, gpa, gpa)) {
        return;
    }
    node = kvm_slots_alloc(slots, NULL, 1, sizeof(*node));
    if (node) {
        *node = (struct itree_node){.first = gpa, .last = gpa};
        itree_insert(&slots->cuts, node);
    }
}

void kvm_slots_cuts_clear(struct kvm_slots *slots)
{
    struct itree_node *node;

    while ((node = itree_first(&slots->cuts))) {
        itree_remove(&slots->cuts, node);
        free(node);
    }
}

void kvm_slots_plan_settle(struct kvm_slots *slots)
{
    struct kvm_slots_plan *plan = slots->plan;
    const struct kvm_slot *slot;
    unsigned reused = plan->added.num - plan->ids_taken;

    for (slot = plan->removed.first; slot; slot = slot->next) {
        if (reused > 0) {
            reused--;
        } else {
            id_release(slots, slot->id);
        }
    }
    /* Both are hints, bounded by the number of slots there could be. */
    if (plan->compact || slots->cuts.num > 2 * (size_t)slots->id_max) {
        kvm_slots_cuts_clear(slots);
    }
    for (slot = plan->compact ? NULL : plan->added.first; slot; slot = slot->next) {
        cut_at(slots, slot->node.first);
        cut_at(slots, slot->node.last + 1);
    }
}
