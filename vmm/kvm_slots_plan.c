/*
 * kvm_slots_plan.c - what a commit removes and adds is compared as pages with memory behind them;
 * only where that differs are slots touched. A slot that is touched goes as a whole, and what is
 * left of it comes back as new ones: the cut is then a split point, and no later slot crosses it.
 */
#include "vmm/kvm_slots_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MASK ((uint64_t)KVM_SLOTS_PAGE - 1)

bool slot_piece_of(const MemoryRegionSection *section, struct slot_piece *piece)
{
    hwaddr first, end = section->last + 1; /* 0 is 2^64 */
    bool readonly;
    uint64_t host;

    if (!memory_section_is_slot(section, &readonly) ||
        __builtin_add_overflow(section->offset_within_address_space, PAGE_MASK, &first)) {
        return false;
    }
    host = (uint64_t)(uintptr_t)memory_section_host(section);
    first &= ~PAGE_MASK;
    end &= ~PAGE_MASK;
    if (host == 0 || (end == 0 ? section->last != UINT64_MAX : first >= end) ||
        ((host ^ section->offset_within_address_space) & PAGE_MASK) != 0) {
        return false;
    }
    *piece = (struct slot_piece){
        .first = first,
        .last = end - 1,
        .hva = host + (first - section->offset_within_address_space),
        .flags = (readonly ? KVM_MEM_READONLY : 0U) |
                 (section->dirty_log_mask ? KVM_MEM_LOG_DIRTY_PAGES : 0U),
        .mapped = true,
        .mr = section->mr,
    };
    return true;
}

bool slot_piece_of_range(const FlatRange *range, struct slot_piece *piece)
{
    MemoryRegionSection section = {
        .mr = range->mr,
        .offset_within_region = range->offset_in_region,
        .offset_within_address_space = range->first,
        .last = range->last,
        .dirty_log_mask = range->dirty_log_mask,
        .romd_mode = range->romd_mode,
        .readonly = range->readonly,
        .nonvolatile = range->nonvolatile,
        .unmergeable = range->unmergeable,
    };

    return slot_piece_of(&section, piece);
}

void slot_list_add(struct slot_list *list, struct kvm_slot *slot)
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

static int pieces_add(struct slot_pieces *pieces, const struct slot_piece *piece)
{
    if (pieces->num == pieces->room) {
        size_t room = pieces->room ? 2 * pieces->room : 16;
        void *items = reallocarray(pieces->items, room, sizeof(*pieces->items));

        if (!items) {
            return -ENOMEM;
        }
        pieces->items = items;
        pieces->room = room;
    }
    pieces->items[pieces->num++] = *piece;
    return 0;
}

static int pieces_of_sections(const MemoryRegionSection *sections, size_t num,
                              struct slot_pieces *pieces)
{
    struct slot_piece piece;
    size_t i;
    int result = 0;

    for (i = 0; i < num && result == 0; i++) {
        if (slot_piece_of(&sections[i], &piece)) {
            result = pieces_add(pieces, &piece);
        }
    }
    return result;
}

/* [first, last] of a piece, by itself. */
static struct slot_piece piece_cut(const struct slot_piece *piece, hwaddr first, hwaddr last)
{
    struct slot_piece cut = *piece;

    cut.first = first;
    cut.last = last;
    cut.hva += piece->mapped ? first - piece->first : 0;
    return cut;
}

static struct slot_piece piece_of_slot(const struct kvm_slot *slot)
{
    return (struct slot_piece){slot->node.first, slot->node.last, slot->hva, slot->flags, true,
                               slot->mr};
}

/* The same memory at the same addresses. */
static bool piece_same(const struct slot_piece *a, const struct slot_piece *b)
{
    return a->mapped == b->mapped &&
           (!a->mapped || (a->hva - a->first == b->hva - b->first && a->flags == b->flags));
}

/* What a sorted list shows at `at`, as far as that goes; unmapped up to the next piece. */
static struct slot_piece piece_at(const struct slot_pieces *pieces, size_t *next, hwaddr at)
{
    const struct slot_piece *piece;

    while (*next < pieces->num && pieces->items[*next].last < at) {
        (*next)++;
    }
    if (*next == pieces->num) {
        return (struct slot_piece){.first = at, .last = UINT64_MAX};
    }
    piece = &pieces->items[*next];
    if (piece->first > at) {
        return (struct slot_piece){.first = at, .last = piece->first - 1};
    }
    return piece_cut(piece, at, piece->last);
}

/*
 * Walks old and new in step; where they differ the new is added to `changes`, where only the region
 * differs to `renamed`.
 */
static int pieces_compare(const struct slot_pieces *before, const struct slot_pieces *after,
                          struct slot_pieces *changes, struct slot_pieces *renamed)
{
    size_t i = 0, j = 0;
    hwaddr at = 0, last;
    int result = 0;

    do {
        struct slot_piece was = piece_at(before, &i, at), is = piece_at(after, &j, at), change;

        last = was.last < is.last ? was.last : is.last;
        change = piece_cut(&is, at, last);
        if (!piece_same(&was, &is)) {
            result = pieces_add(changes, &change);
        } else if (is.mapped && was.mr != is.mr) {
            result = pieces_add(renamed, &change);
        }
        at = last + 1;
    } while (result == 0 && last != UINT64_MAX);
    return result;
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
            result = pieces_add(wanted, &changes->items[i]);
        }
    }
    for (slot = slots->plan->removed.first; slot && result == 0; slot = slot->next) {
        struct slot_piece rest = piece_of_slot(slot), part;

        while (changes->items[j].last < rest.first) {
            j++;
        }
        for (i = j; i < changes->num && changes->items[i].first <= rest.last && result == 0; i++) {
            if (changes->items[i].first > rest.first) {
                part = piece_cut(&rest, rest.first, changes->items[i].first - 1);
                result = pieces_add(wanted, &part);
            }
            if (changes->items[i].last >= rest.last) {
                break;
            }
            rest = piece_cut(&rest, changes->items[i].last + 1, rest.last);
        }
        if (result == 0 && (i == changes->num || changes->items[i].first > rest.last)) {
            result = pieces_add(wanted, &rest);
        }
    }
    return result;
}

static int compare_first(const void *a, const void *b)
{
    const struct slot_piece *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

/* Sorts, and joins neighbours that continue each other. */
static void pieces_join(struct slot_pieces *pieces)
{
    size_t i, kept = 0;

    if (pieces->num == 0) {
        return;
    }
    qsort(pieces->items, pieces->num, sizeof(*pieces->items), compare_first);
    for (i = 1; i < pieces->num; i++) {
        struct slot_piece *last = &pieces->items[kept];

        if (last->last + 1 == pieces->items[i].first && piece_same(last, &pieces->items[i])) {
            last->last = pieces->items[i].last;
        } else {
            pieces->items[++kept] = pieces->items[i];
        }
    }
    pieces->num = kept + 1;
}

static int add_slot(struct kvm_slots_plan *plan, const struct slot_piece *piece)
{
    struct kvm_slot *slot = calloc(1, sizeof(*slot));

    if (!slot) {
        return -ENOMEM;
    }
    slot->node.first = piece->first;
    slot->node.last = piece->last;
    slot->hva = piece->hva;
    slot->flags = piece->flags;
    slot->mr = piece->mr;
    slot_list_add(&plan->added, slot);
    return 0;
}

/* Slots for the wanted pieces, parted at split points and at the kernel's limit. */
static int tile(struct kvm_slots *slots, const struct slot_pieces *wanted)
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
            part = piece_cut(&rest, rest.first, last);
            result = add_slot(slots->plan, &part);
            if (last == rest.last) {
                break;
            }
            rest = piece_cut(&rest, last + 1, rest.last);
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
        ids = reallocarray(slots->ids, room / 64, sizeof(*ids));
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

/* Only the flags of these slots change: KVM does that in place. */
static int plan_log_changes(struct kvm_slots *slots, const MemoryCommit *commit)
{
    struct itree_node *node;
    struct slot_piece piece;
    size_t i;

    for (i = 0; i < commit->log_num; i++) {
        MemoryRegionSection section = commit->log[i].section;

        section.dirty_log_mask = commit->log[i].new_mask;
        if (!slot_piece_of(&section, &piece)) {
            continue;
        }
        for (node = itree_overlap_first(&slots->slots, piece.first, piece.last); node;
             node = itree_overlap_next(node, piece.first, piece.last)) {
            struct kvm_slot *copy;

            if (slot_of(node)->flags == piece.flags) {
                continue;
            }
            copy = malloc(sizeof(*copy));
            if (!copy) {
                return -ENOMEM;
            }
            *copy = *slot_of(node);
            copy->flags = piece.flags;
            slot_list_add(&slots->plan->changed, copy);
        }
    }
    return 0;
}

static int plan_sticky(struct kvm_slots *slots, const MemoryCommit *commit)
{
    struct slot_pieces before = {0}, after = {0}, changes = {0}, wanted = {0};
    int result;

    result = pieces_of_sections(commit->del, commit->del_num, &before);
    if (result == 0) {
        result = pieces_of_sections(commit->add, commit->add_num, &after);
    }
    if (result == 0) {
        result = pieces_compare(&before, &after, &changes, &slots->plan->renamed);
    }
    if (result == 0) {
        remove_touched(slots, &changes);
        result = collect_wanted(slots, &changes, &wanted);
    }
    if (result == 0) {
        pieces_join(&wanted);
        result = tile(slots, &wanted);
    }
    free(before.items);
    free(after.items);
    free(changes.items);
    free(wanted.items);
    return result == 0 ? assign_ids(slots) : result;
}

/* One of `pieces` (sorted) that is exactly this slot; it is then taken out by unmapping it. */
static bool keep_exact(struct slot_pieces *pieces, size_t *next, const struct kvm_slot *slot)
{
    struct slot_piece piece = piece_of_slot(slot);

    while (*next < pieces->num && pieces->items[*next].first < piece.first) {
        (*next)++;
    }
    if (*next == pieces->num || pieces->items[*next].first != piece.first ||
        pieces->items[*next].last != piece.last || !piece_same(&pieces->items[*next], &piece)) {
        return false;
    }
    pieces->items[*next].mapped = false;
    return true;
}

static int view_pieces(const FlatView *view, struct slot_pieces *pieces)
{
    const FlatRange *range = flatview_at_or_after(view, 0);
    struct slot_piece piece;
    int result = 0;

    while (range && result == 0) {
        if (slot_piece_of_range(range, &piece)) {
            result = pieces_add(pieces, &piece);
        }
        range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    return result;
}

/* The whole view with as few slots as it can be: for when ids run short. */
static int plan_compact(struct kvm_slots *slots, const MemoryCommit *commit)
{
    struct slot_pieces all = {0}, wanted = {0};
    struct itree_node *node;
    size_t i, next = 0;
    int result;

    slots->plan->compact = true;
    result = view_pieces(commit->new_view, &all);
    if (result == 0) {
        for (node = itree_first(&slots->slots); node; node = itree_next(node)) {
            if (!keep_exact(&all, &next, slot_of(node))) {
                slot_of(node)->going = true;
                slot_list_add(&slots->plan->removed, slot_of(node));
            }
        }
    }
    for (i = 0; i < all.num && result == 0; i++) {
        if (all.items[i].mapped) {
            result = pieces_add(&wanted, &all.items[i]);
        }
    }
    if (result == 0) {
        result = tile(slots, &wanted);
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
    if (result == 0) {
        result = plan_log_changes(slots, commit);
    }
    if (result != 0) {
        kvm_slots_plan_reset(slots);
    }
    return result;
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
            free(slot);
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
    node = calloc(1, sizeof(*node));
    if (node) {
        node->first = node->last = gpa;
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
