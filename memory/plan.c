/*
 * plan.c - what a commit does to one address space: renders the dirty windows, compares with the
 * view before, and allocates all that publishing needs, so that publishing cannot fail.
 *
 * Only "extents" are compared: a dirty window widened to the whole ranges that it cuts or touches,
 * old and new, and to those that these cut, until neither view has a range that sticks out. Both
 * tile an extent exactly then, so one merge walk in address order is enough.
 */
#include "memory/internal.h"

#include <stdlib.h>

static int add_section(struct as_plan *plan, struct memory_vec *vec, const FlatView *view,
                       const FlatRange *range)
{
    MemoryRegionSection *section = memory_vec_add(plan->edit.core, vec, sizeof(*section));

    if (!section) {
        return -ENOMEM;
    }
    *section = flat_range_section(plan->commit.as, view, range);
    return 0;
}

static bool touches_dirty(const struct as_windows *windows, const FlatRange *range)
{
    size_t lo = 0, hi = windows->num;

    while (lo < hi) { /* the first window that ends at or after the range's start */
        size_t mid = lo + (hi - lo) / 2;

        if (windows->windows[mid].last < range->first) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < windows->num && windows->windows[lo].first <= range->last;
}

/* The same range in both views: a change of its mask, a nop, or nothing worth telling. */
static int compare_same(struct as_plan *plan, const FlatRange *old, const FlatRange *new)
{
    MemoryLogChange *change;

    plan->silent |= old->region_last != new->region_last;
    if (old->dirty_log_mask != new->dirty_log_mask) {
        change = memory_vec_add(plan->edit.core, &plan->log, sizeof(*change));
        if (!change) {
            return -ENOMEM;
        }
        *change = (MemoryLogChange){
            .section = flat_range_section(plan->commit.as, plan->view, new),
            .old_mask = old->dirty_log_mask,
            .new_mask = new->dirty_log_mask,
        };
    } else if (touches_dirty(&plan->commit.as->windows, new)) {
        return add_section(plan, &plan->nop, plan->view, new);
    }
    return 0;
}

static const FlatRange *in_extent(const struct fv_node *root, hwaddr addr, hwaddr last)
{
    const FlatRange *range = fv_at_or_after(root, addr);

    return range && range->first <= last ? range : NULL;
}

static const FlatRange *after(const struct fv_node *root, const FlatRange *range, hwaddr last)
{
    return range->last >= last ? NULL : in_extent(root, range->last + 1, last);
}

static int compare_extent(struct as_plan *plan, hwaddr first, hwaddr last)
{
    const struct fv_node *old_root = plan->commit.old_view->root, *new_root = plan->edit.root;
    const FlatRange *old = in_extent(old_root, first, last);
    const FlatRange *new = in_extent(new_root, first, last);
    int ret = 0;

    while (!ret && (old || new)) {
        const FlatRange *old_now = old, *new_now = new;

        plan->edit.core->counters.ranges_visited++;
        if (old && new &&flat_range_same(old, new)) {
            ret = compare_same(plan, old, new);
        } else {
            if (old && (!new || old->first <= new->first)) {
                ret = add_section(plan, &plan->del, plan->commit.old_view, old);
            } else {
                old_now = NULL;
            }
            if (!ret && new && (!old || new->first <= old->first)) {
                ret = add_section(plan, &plan->add, plan->view, new);
            } else {
                new_now = NULL;
            }
        }
        old = old_now ? after(old_root, old_now, last) : old;
        new = new_now ? after(new_root, new_now, last) : new;
    }
    return ret;
}

/* Widens [first, last] to the whole ranges that it cuts. Returns: did it grow? */
static bool widen(const struct fv_node *root, hwaddr *first, hwaddr *last)
{
    const FlatRange *low = fv_lookup(root, *first), *high = fv_lookup(root, *last);
    bool grew = false;

    if (low && low->first < *first) {
        *first = low->first;
        grew = true;
    }
    if (high && high->last > *last) {
        *last = high->last;
        grew = true;
    }
    return grew;
}

static void make_extent(const struct as_plan *plan, hwaddr *first, hwaddr *last)
{
    const struct fv_node *old = plan->commit.old_view->root, *new = plan->edit.root;
    bool grew;

    *first -= *first > 0; /* a neighbour may have been joined, or split off */
    *last += *last < UINT64_MAX;
    do {
        grew = widen(old, first, last);
        grew |= widen(new, first, last);
    } while (grew);
}

static int compare_windows(struct as_plan *plan)
{
    const struct as_windows *windows = &plan->commit.as->windows;
    hwaddr done = 0, first, last;
    int ret = 0;

    for (size_t i = 0; i < windows->num && !ret; i++) {
        const struct as_window *window = &windows->windows[i];

        first = window->first;
        last = window->last;
        make_extent(plan, &first, &last);
        if (i > 0 && first <= done) {
            if (done == UINT64_MAX || last <= done) {
                continue; /* a part of the extent before */
            }
            first = done + 1;
        }
        ret = compare_extent(plan, first, last);
        ret = ret ? ret : plan_compare_zones(plan, first, last);
        done = last;
    }
    return ret;
}

static int list_listeners(struct as_plan *plan, MemoryListener *listener, bool only)
{
    for (; listener; listener = only ? NULL : listener->next) {
        MemoryListener **slot =
            memory_vec_add(plan->edit.core, &plan->listeners, sizeof(MemoryListener *));

        if (!slot) {
            return -ENOMEM;
        }
        *slot = listener;
    }
    return 0;
}

static int render_windows(struct as_plan *plan)
{
    AddressSpace *as = plan->commit.as;
    int ret = 0;

    as_windows_normalise(&as->windows);
    for (size_t i = 0; i < as->windows.num && !ret; i++) {
        ret = render_window(&plan->edit, as->root, as->windows.windows[i].first,
                            as->windows.windows[i].last);
    }
    return ret;
}

static void fill_commit(struct as_plan *plan)
{
    MemoryCommit *commit = &plan->commit;

    commit->new_view = plan->view;
    commit->del = plan->del.items;
    commit->del_num = plan->del.num;
    commit->add = plan->add.items;
    commit->add_num = plan->add.num;
    commit->nop = plan->nop.items;
    commit->nop_num = plan->nop.num;
    commit->log = plan->log.items;
    commit->log_num = plan->log.num;
    commit->eventfd_del = plan->eventfd_del.items;
    commit->eventfd_del_num = plan->eventfd_del.num;
    commit->eventfd_add = plan->eventfd_add.items;
    commit->eventfd_add_num = plan->eventfd_add.num;
    commit->coalesced_del = plan->coalesced_del.items;
    commit->coalesced_del_num = plan->coalesced_del.num;
    commit->coalesced_add = plan->coalesced_add.items;
    commit->coalesced_add_num = plan->coalesced_add.num;
}

bool plan_tells(const struct as_plan *plan)
{
    return plan->del.num || plan->add.num || plan->log.num || plan->eventfd_del.num ||
           plan->eventfd_add.num || plan->coalesced_del.num || plan->coalesced_add.num;
}

int plan_make(AddressSpace *as, struct as_plan **result)
{
    struct as_plan *plan = memory_alloc(as->core, sizeof(*plan));
    int ret;

    *result = NULL;
    if (!plan) {
        return -ENOMEM;
    }
    plan->commit = (MemoryCommit){
        .as = as,
        .old_view = as->current_map,
        .cause = as->core->transaction->cause,
        .cause_region = as->core->transaction->cause_region,
    };
    fv_edit_begin(&plan->edit, as->current_map);
    plan->edit.as = as;
    plan->view = flatview_new(as->core);
    ret = plan->view ? render_windows(plan) : -ENOMEM;
    ret = ret ? ret : compare_windows(plan);
    ret = ret ? ret : plan_make_zone_nodes(plan);
    ret = ret ? ret : list_listeners(plan, as->listeners, false);
    if (ret || (!plan_tells(plan) && !plan->silent)) {
        plan_free(plan);
        return ret;
    }
    /* Listeners may look at the new view before it is published. */
    plan->view->root = plan->edit.root;
    plan->view->num = plan->edit.num;
    fill_commit(plan);
    *result = plan;
    return 0;
}

/* The whole view as it stands, in the lists of things added or of things deleted. */
static int list_view(struct as_plan *plan, AddressSpace *as, bool add)
{
    const FlatView *view = as->current_map;
    const FlatRange *range = fv_at_or_after(view->root, 0);
    int ret = 0;

    while (range && !ret) {
        ret = add_section(plan, add ? &plan->add : &plan->del, view, range);
        range = range->last == UINT64_MAX ? NULL : fv_at_or_after(view->root, range->last + 1);
    }
    return ret ? ret : plan_list_zones(plan, add);
}

int plan_replay(AddressSpace *as, MemoryListener *listener, bool add, struct as_plan **result)
{
    struct as_plan *plan = memory_alloc(as->core, sizeof(*plan));
    int ret;

    *result = NULL;
    if (!plan) {
        return -ENOMEM;
    }
    plan->edit.core = as->core;
    plan->replay = true;
    plan->commit = (MemoryCommit){
        .as = as,
        .old_view = as->current_map,
        .cause = add ? "listener_register" : "listener_unregister",
        .cause_region = listener->name,
    };
    ret = list_view(plan, as, add);
    ret = ret ? ret : list_listeners(plan, listener, true);
    if (ret) {
        plan_free(plan);
        return ret;
    }
    fill_commit(plan);
    plan->commit.new_view = as->current_map;
    *result = plan;
    return 0;
}

static void free_nodes(struct memory_vec *vec)
{
    void **nodes = vec->items;

    for (size_t i = 0; i < vec->num; i++) {
        free(nodes[i]);
    }
    free(nodes);
}

void plan_free(struct as_plan *plan)
{
    fv_edit_abort(&plan->edit);
    free_nodes(&plan->eventfd_nodes);
    free_nodes(&plan->coalesced_nodes);
    free(plan->listeners.items);
    free(plan->del.items);
    free(plan->add.items);
    free(plan->nop.items);
    free(plan->log.items);
    free(plan->eventfd_del.items);
    free(plan->eventfd_add.items);
    free(plan->coalesced_del.items);
    free(plan->coalesced_add.items);
    if (!plan->view_before) {
        free(plan->view);
    }
    free(plan);
}

void plan_publish(struct as_plan *plan)
{
    AddressSpace *as = plan->commit.as;
    FlatView *old = as->current_map;

    for (size_t i = 0; i < plan->add.num; i++) {
        region_get(plan->commit.add[i].mr);
    }
    fv_edit_publish(&plan->edit, old, plan->view);
    old->newer = flatview_ref(plan->view);
    /* The list is given away at the end (plan_retire): listeners still read it. */
    old->dropped_num = plan->del.num;
    rcu_publish(as->current_map, plan->view);
    /* Unique among all spaces of the core: another space may come to lie where this one did. */
    atomic_store_explicit(&as->generation, ++as->core->seq, memory_order_release);
    plan_publish_zones(plan);
    plan->view_before = old;
}

void plan_retire(struct as_plan *plan)
{
    FlatView *old = plan->view_before;

    old->dropped = plan->del.items;
    plan->del.items = NULL;
    flatview_retire(plan->commit.as->core, old);
}
