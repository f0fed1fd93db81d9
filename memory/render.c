/*
 * render.c - draws a region tree into an edit of a flat view, within a window.
 *
 * Highest precedence first; each region that answers fills the gaps that are left of its part.
 * All positions are carried as (base, lo, hi): offsets lo..hi of the region lie at base + offset,
 * modulo 2^64. lo..hi never wraps, so an alias with a negative base needs no wider arithmetic.
 */
#include "memory/internal.h"

#include <stdlib.h>

struct inherited {
    bool readonly, nonvolatile, unmergeable;
};

struct part {
    hwaddr base, lo, hi;
};

static int render(struct fv_edit *edit, MemoryRegion *mr, struct part part, struct inherited flags,
                  unsigned depth);

bool flat_range_same(const FlatRange *a, const FlatRange *b)
{
    return a->first == b->first && a->last == b->last && a->mr == b->mr &&
           a->offset_in_region == b->offset_in_region && a->romd_mode == b->romd_mode &&
           a->readonly == b->readonly && a->nonvolatile == b->nonvolatile &&
           a->unmergeable == b->unmergeable;
}

static bool joinable(const FlatRange *a, const FlatRange *b)
{
    return a->last + 1 == b->first && a->mr == b->mr &&
           a->offset_in_region + (a->last - a->first) + 1 == b->offset_in_region &&
           a->dirty_log_mask == b->dirty_log_mask && a->romd_mode == b->romd_mode &&
           a->readonly == b->readonly && a->nonvolatile == b->nonvolatile && !a->unmergeable &&
           !b->unmergeable && a->region_last == b->region_last;
}

static bool covered(const struct fv_edit *edit, hwaddr first, hwaddr last)
{
    const FlatRange *range = fv_lookup(edit->root, first);

    return range && range->last >= last;
}

/* Puts the region into every gap of [first, last]; `range` has everything but the place. */
static int fill(struct fv_edit *edit, FlatRange range, hwaddr base, hwaddr first, hwaddr last)
{
    for (;;) {
        const FlatRange *next = fv_at_or_after(edit->root, first);
        int ret;

        edit->core->counters.ranges_visited++;
        if (!next || next->first > first) {
            range.first = first;
            range.last = next && next->first <= last ? next->first - 1 : last;
            range.offset_in_region = first - base;
            ret = fv_insert(edit, &range);
            if (ret || range.last == last) {
                return ret;
            }
            next = fv_lookup(edit->root, range.last + 1);
        }
        if (next->last >= last) {
            return 0;
        }
        first = next->last + 1;
    }
}

static uint8_t log_mask(const MemoryRegion *mr)
{
    bool all = mr->core->global_log && mr->ram_block;

    return mr->state.dirty_log_mask | (all ? 1U << DIRTY_MEMORY_MIGRATION : 0);
}

static int render_leaf(struct fv_edit *edit, MemoryRegion *mr, struct part part,
                       struct inherited flags)
{
    FlatRange range = {
        .mr = mr,
        .region_last = range_last(0, mr->state.size),
        .dirty_log_mask = log_mask(mr),
        .romd_mode = mr->kind == MEMORY_REGION_ROM_DEVICE && mr->state.romd_mode,
        .readonly = flags.readonly && mr->ram_block, /* MMIO has no memory to protect */
        .nonvolatile = flags.nonvolatile,
        .unmergeable = flags.unmergeable,
    };

    return fill(edit, range, part.base, part.base + part.lo, part.base + part.hi);
}

int region_by_precedence(const void *a, const void *b)
{
    const MemoryRegion *left = *(MemoryRegion *const *)a, *right = *(MemoryRegion *const *)b;

    if (left->state.priority != right->state.priority) {
        return left->state.priority > right->state.priority ? -1 : 1;
    }
    return left->state.seq > right->state.seq ? -1 : 1;
}

static int render_child(struct fv_edit *edit, MemoryRegion *child, struct part part,
                        struct inherited flags, unsigned depth)
{
    hwaddr addr = child->state.addr;
    struct part below = {
        .base = part.base + addr,
        .lo = part.lo > addr ? part.lo - addr : 0,
        .hi = part.hi - addr,
    };

    return render(edit, child, below, flags, depth + 1);
}

static int render_children(struct fv_edit *edit, MemoryRegion *mr, struct part part,
                           struct inherited flags, unsigned depth)
{
    MemoryRegion *few[16], **list = few;
    struct itree_node *node, *start = itree_overlap_first(&mr->children, part.lo, part.hi);
    size_t num = 0;
    int ret = 0;

    for (node = start; node; node = itree_overlap_next(node, part.lo, part.hi)) {
        num++;
    }
    if (num > sizeof(few) / sizeof(few[0])) {
        list = memory_alloc(edit->core, num * sizeof(list[0]));
        if (!list) {
            return -ENOMEM;
        }
    }
    num = 0;
    for (node = start; node; node = itree_overlap_next(node, part.lo, part.hi)) {
        list[num++] = itree_entry(node, MemoryRegion, sibling);
    }
    qsort(list, num, sizeof(list[0]), region_by_precedence);
    for (size_t i = 0; i < num && !ret; i++) {
        ret = render_child(edit, list[i], part, flags, depth);
    }
    if (list != few) {
        free(list);
    }
    return ret;
}

static int render_alias(struct fv_edit *edit, MemoryRegion *mr, struct part part,
                        struct inherited flags, unsigned depth)
{
    struct part target = {.base = part.base - mr->state.alias_offset};

    if (__builtin_add_overflow(part.lo, mr->state.alias_offset, &target.lo)) {
        return 0; /* beyond the end of what any target has */
    }
    if (__builtin_add_overflow(part.hi, mr->state.alias_offset, &target.hi)) {
        target.hi = UINT64_MAX;
    }
    return render(edit, mr->alias, target, flags, depth + 1);
}

static int render(struct fv_edit *edit, MemoryRegion *mr, struct part part, struct inherited flags,
                  unsigned depth)
{
    const struct memory_region_state *state = &mr->state;
    int ret;

    edit->core->counters.ranges_visited++;
    if (mr->beneath && mr->beneath == edit->as) {
        return 0;
    }
    if (!state->enabled || state->size == 0 || part.lo > range_last(0, state->size)) {
        return 0;
    }
    if (depth > RENDER_DEPTH_MAX) {
        return -ELOOP;
    }
    if (++edit->parts > RENDER_PARTS_MAX) {
        return -E2BIG;
    }
    if (part.hi > range_last(0, state->size)) {
        part.hi = range_last(0, state->size);
    }
    if (covered(edit, part.base + part.lo, part.base + part.hi)) {
        return 0;
    }
    flags.readonly |= state->readonly;
    flags.nonvolatile |= state->nonvolatile;
    flags.unmergeable |= state->unmergeable;
    if (mr->alias) {
        return render_alias(edit, mr, part, flags, depth);
    }
    ret = mr->children.root ? render_children(edit, mr, part, flags, depth) : 0;
    if (!ret && memory_region_terminates(mr)) {
        ret = render_leaf(edit, mr, part, flags);
    }
    return ret;
}

/* Takes everything out of [first, last]; ranges that stick out are cut. */
static int clear(struct fv_edit *edit, hwaddr first, hwaddr last)
{
    const FlatRange *next;
    FlatRange *stored, range;
    int ret = 0;

    while (!ret && (next = fv_at_or_after(edit->root, first)) && next->first <= last) {
        edit->core->counters.ranges_visited++;
        range = *next;
        if (range.first < first) {
            ret = fv_mutable(edit, range.first, &stored);
            if (!ret) {
                stored->last = first - 1;
            }
        } else {
            ret = fv_erase(edit, range.first);
        }
        if (!ret && range.last > last) {
            range.offset_in_region += last + 1 - range.first;
            range.first = last + 1;
            return fv_insert(edit, &range);
        }
    }
    return ret;
}

/* Makes one of neighbours that could be one, within the window and across its edges. */
static int join(struct fv_edit *edit, hwaddr first, hwaddr last)
{
    const FlatRange *next = fv_at_or_after(edit->root, first ? first - 1 : 0);
    FlatRange left, right, *stored;
    int ret;

    while (next && next->first <= last) {
        edit->core->counters.ranges_visited++;
        left = *next;
        next = left.last == UINT64_MAX ? NULL : fv_at_or_after(edit->root, left.last + 1);
        if (!next || !joinable(&left, next)) {
            continue;
        }
        right = *next;
        ret = fv_erase(edit, right.first);
        ret = ret ? ret : fv_mutable(edit, left.first, &stored);
        if (ret) {
            return ret;
        }
        stored->last = right.last;
        next = stored;
    }
    return 0;
}

/* Unmergeable ranges cannot be joined again: those that would be cut, or touch, are drawn anew. */
static void take_in_unmergeable(const struct fv_edit *edit, hwaddr *first, hwaddr *last)
{
    const FlatRange *low = *first ? fv_lookup(edit->root, *first - 1) : NULL;
    const FlatRange *high = *last < UINT64_MAX ? fv_lookup(edit->root, *last + 1) : NULL;

    if (low && low->unmergeable) {
        *first = low->first;
    }
    if (high && high->unmergeable) {
        *last = high->last;
    }
}

int render_window(struct fv_edit *edit, MemoryRegion *root, hwaddr first, hwaddr last)
{
    hwaddr base = root->state.addr;
    int ret;

    take_in_unmergeable(edit, &first, &last);
    ret = clear(edit, first, last);

    if (!ret && last >= base) {
        struct part part = {.base = base, .lo = first > base ? first - base : 0, .hi = last - base};

        ret = render(edit, root, part, (struct inherited){0}, 0);
    }
    return ret ? ret : join(edit, first, last);
}
