/*
 * windows.c - which addresses of which spaces a change of the tree may have altered.
 *
 * A change is followed upwards from the region: into its container, into every alias that shows the
 * changed part, into every space whose root is met. A disabled region on the way ends it, since
 * nothing of it was or is seen; setters mark before and after, so both states count. Where the ways
 * up are too many, or too long to be drawn, all of every space counts as altered: drawing the map
 * costs no more than following them, and says what is wrong with it.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

static void mark_spaces(MemoryRegion *mr, hwaddr first, hwaddr last)
{
    hwaddr base = mr->state.addr, lo, hi;

    for (AddressSpace *as = mr->core->spaces; as; as = as->next) {
        if (as->root == mr && !__builtin_add_overflow(base, first, &lo)) {
            hi = __builtin_add_overflow(base, last, &hi) ? UINT64_MAX : base + last;
            as_windows_add(&as->windows, mr->core, lo, hi);
        }
    }
}

#define MARKS_MAX (1U << 18) /* of one transaction */

/* Is all marked, now or since before? @depth  steps from the region that changes. */
static bool give_up(struct memory_core *core, unsigned depth)
{
    struct memory_transaction *txn = core->transaction;

    if (!txn->all_dirty && (depth > RENDER_DEPTH_MAX || txn->marks == MARKS_MAX)) {
        txn->all_dirty = true;
        for (AddressSpace *as = core->spaces; as; as = as->next) {
            as_windows_add(&as->windows, core, 0, UINT64_MAX);
        }
    }
    txn->marks++;
    return txn->all_dirty;
}

static void mark(MemoryRegion *mr, hwaddr first, hwaddr last, unsigned depth);

/* [first, last] of the region as everybody who shows it sees it. */
static void mark_up(MemoryRegion *mr, hwaddr first, hwaddr last, unsigned depth)
{
    struct itree_node *node;
    hwaddr lo, hi;

    if (mr->state.size == 0 || first > range_last(0, mr->state.size)) {
        return;
    }
    hi = range_last(0, mr->state.size);
    last = last < hi ? last : hi;
    if (mr->spaces) {
        mark_spaces(mr, first, last);
    }
    if (mr->state.container && !__builtin_add_overflow(mr->state.addr, first, &lo)) {
        hi = __builtin_add_overflow(mr->state.addr, last, &hi) ? UINT64_MAX : mr->state.addr + last;
        mark(mr->state.container, lo, hi, depth + 1);
    }
    node = itree_overlap_first(&mr->aliases, first, last);
    for (; node; node = itree_overlap_next(node, first, last)) {
        MemoryRegion *alias = itree_entry(node, MemoryRegion, alias_link);
        hwaddr offset = alias->state.alias_offset;

        lo = first > offset ? first - offset : 0;
        mark(alias, lo, last - offset, depth + 1);
    }
}

static void mark(MemoryRegion *mr, hwaddr first, hwaddr last, unsigned depth)
{
    mr->core->counters.ranges_visited++;
    if (mr->state.enabled && !give_up(mr->core, depth)) {
        mark_up(mr, first, last, depth);
    }
}

void region_mark_dirty(MemoryRegion *mr, hwaddr first, hwaddr last)
{
    mark(mr, first, last, 1);
}

void region_mark_dirty_whole(MemoryRegion *mr)
{
    mark_up(mr, 0, UINT64_MAX, 0);
}

void as_windows_add(struct as_windows *windows, struct memory_core *core, hwaddr first, hwaddr last)
{
    struct as_window *more;
    size_t max;

    if (!windows->windows) {
        windows->windows = windows->few;
        windows->max = sizeof(windows->few) / sizeof(windows->few[0]);
    }
    if (windows->num == windows->max) {
        as_windows_normalise(windows); /* a window marked before and after is often the same */
    }
    if (windows->num == windows->max) {
        max = windows->max * 2;
        more = memory_alloc(core, max * sizeof(*more));
        if (!more) { /* without room for one more, one that spans all is still right */
            windows->windows[0].first =
                first < windows->windows[0].first ? first : windows->windows[0].first;
            windows->windows[0].last = windows->windows[windows->num - 1].last > last
                                           ? windows->windows[windows->num - 1].last
                                           : last;
            windows->num = 1;
            return;
        }
        memcpy(more, windows->windows, windows->num * sizeof(*more));
        if (windows->windows != windows->few) {
            free(windows->windows);
        }
        windows->windows = more;
        windows->max = max;
    }
    windows->windows[windows->num++] = (struct as_window){first, last};
}

static int compare(const void *a, const void *b)
{
    const struct as_window *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

void as_windows_normalise(struct as_windows *windows)
{
    struct as_window *all = windows->windows;
    size_t kept = 0;

    if (windows->num < 2) {
        return;
    }
    qsort(all, windows->num, sizeof(*all), compare);
    for (size_t i = 1; i < windows->num; i++) {
        if (all[kept].last == UINT64_MAX || all[i].first <= all[kept].last + 1) {
            all[kept].last = all[i].last > all[kept].last ? all[i].last : all[kept].last;
        } else {
            all[++kept] = all[i];
        }
    }
    windows->num = kept + 1;
}

void as_windows_clear(struct as_windows *windows)
{
    if (windows->windows != windows->few) {
        free(windows->windows);
    }
    *windows = (struct as_windows){0};
}
