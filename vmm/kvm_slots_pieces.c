/*
 * kvm_slots_pieces.c - sections as pages with memory behind them, and what a commit changes about
 * those: what it takes away and what it gives are walked in step, and only where the memory, its
 * rights or its logging differ is there a difference.
 */
#include "vmm/kvm_slots_plan.h"

#include <errno.h>
#include <stdlib.h>

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
    const MemoryRegionSection section = flat_range_section(NULL, NULL, range);

    return slot_piece_of(&section, piece);
}

struct slot_piece slot_piece_of_slot(const struct kvm_slot *slot)
{
    return (struct slot_piece){
        .first = slot->node.first,
        .last = slot->node.last,
        .hva = slot->hva,
        .flags = slot->flags,
        .mapped = true,
        .mr = slot->mr,
    };
}

struct slot_piece slot_piece_cut(const struct slot_piece *piece, hwaddr first, hwaddr last)
{
    struct slot_piece cut = *piece;

    cut.first = first;
    cut.last = last;
    cut.hva += piece->mapped ? first - piece->first : 0;
    return cut;
}

/*
 * The same host memory, continued; logging aside. Blocks may lie side by side in the host by
 * chance: a slot has one, since its log is that block's.
 */
static bool same_memory(const struct slot_piece *a, const struct slot_piece *b)
{
    return a->mapped == b->mapped &&
           (!a->mapped ||
            (a->hva - a->first == b->hva - b->first && a->mr->ram_block == b->mr->ram_block &&
             ((a->flags ^ b->flags) & ~KVM_MEM_LOG_DIRTY_PAGES) == 0));
}

bool slot_piece_same(const struct slot_piece *a, const struct slot_piece *b)
{
    return same_memory(a, b) && (!a->mapped || a->flags == b->flags);
}

int slot_pieces_add(struct kvm_slots *slots, struct slot_pieces *pieces,
                    const struct slot_piece *piece)
{
    if (pieces->num == pieces->room) {
        size_t room = pieces->room ? 2 * pieces->room : 16;
        void *items = kvm_slots_alloc(slots, pieces->items, room, sizeof(*pieces->items));

        if (!items) {
            return -ENOMEM;
        }
        pieces->items = items;
        pieces->room = room;
    }
    pieces->items[pieces->num++] = *piece;
    return 0;
}

static int add_sections(struct kvm_slots *slots, struct slot_pieces *pieces,
                        const MemoryRegionSection *sections, size_t num)
{
    struct slot_piece piece;
    size_t i;
    int result = 0;

    for (i = 0; i < num && result == 0; i++) {
        if (slot_piece_of(&sections[i], &piece)) {
            result = slot_pieces_add(slots, pieces, &piece);
        }
    }
    return result;
}

/* A change of the log mask alone is the same section with the old mask, then with the new. */
static int add_log_changes(struct kvm_slots *slots, struct slot_pieces *pieces,
                           const MemoryCommit *commit, bool new)
{
    size_t i;
    int result = 0;

    for (i = 0; i < commit->log_num && result == 0; i++) {
        MemoryRegionSection section = commit->log[i].section;

        section.dirty_log_mask = new ? commit->log[i].new_mask : commit->log[i].old_mask;
        result = add_sections(slots, pieces, &section, 1);
    }
    return result;
}

int slot_pieces_of_view(struct kvm_slots *slots, const FlatView *view, struct slot_pieces *pieces)
{
    const FlatRange *range = flatview_at_or_after(view, 0);
    struct slot_piece piece;
    int result = 0;

    while (range && result == 0) {
        if (slot_piece_of_range(range, &piece)) {
            result = slot_pieces_add(slots, pieces, &piece);
        }
        range = range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    return result;
}

static int compare_first(const void *a, const void *b)
{
    const struct slot_piece *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

static void sort(struct slot_pieces *pieces)
{
    if (pieces->num > 1) {
        qsort(pieces->items, pieces->num, sizeof(*pieces->items), compare_first);
    }
}

void slot_pieces_join(struct slot_pieces *pieces)
{
    size_t i, kept = 0;

    if (pieces->num == 0) {
        return;
    }
    sort(pieces);
    for (i = 1; i < pieces->num; i++) {
        struct slot_piece *last = &pieces->items[kept];

        if (last->last + 1 == pieces->items[i].first && slot_piece_same(last, &pieces->items[i])) {
            last->last = pieces->items[i].last;
        } else {
            pieces->items[++kept] = pieces->items[i];
        }
    }
    pieces->num = kept + 1;
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
    return slot_piece_cut(piece, at, piece->last);
}

/* Walks old and new in step. */
static int compare(struct kvm_slots *slots, const struct slot_pieces *before,
                   const struct slot_pieces *after, struct slot_diff *diff)
{
    size_t i = 0, j = 0;
    hwaddr at = 0, last;
    int result = 0;

    do {
        struct slot_piece was = piece_at(before, &i, at), is = piece_at(after, &j, at), piece;

        last = was.last < is.last ? was.last : is.last;
        piece = slot_piece_cut(&is, at, last);
        if (!same_memory(&was, &is)) {
            result = slot_pieces_add(slots, &diff->changes, &piece);
        } else if (is.mapped) {
            if (was.flags != is.flags) {
                result = slot_pieces_add(slots, &diff->relogs, &piece);
            }
            if (result == 0 && was.mr != is.mr) {
                result = slot_pieces_add(slots, &diff->renamed, &piece);
            }
        }
        at = last + 1;
    } while (result == 0 && last != UINT64_MAX);
    return result;
}

int slot_diff_make(struct kvm_slots *slots, const MemoryCommit *commit, struct slot_diff *diff)
{
    struct slot_pieces before = {0}, after = {0};
    int result = add_sections(slots, &before, commit->del, commit->del_num);

    if (result == 0) {
        result = add_log_changes(slots, &before, commit, false);
    }
    if (result == 0) {
        result = add_sections(slots, &after, commit->add, commit->add_num);
    }
    if (result == 0) {
        result = add_log_changes(slots, &after, commit, true);
    }
    if (result == 0) {
        sort(&before);
        sort(&after);
        result = compare(slots, &before, &after, diff);
    }
    if (result == 0) {
        slot_pieces_join(&diff->relogs);
    }
    free(before.items);
    free(after.items);
    return result;
}

void slot_diff_free(struct slot_diff *diff)
{
    free(diff->changes.items);
    free(diff->relogs.items);
    free(diff->renamed.items);
}
