/*
 * view.c - the life of FlatViews.
 *
 * Views of a space form a chain in order of time, each holding the next. A commit leaves what its
 * new view does not share (nodes, and references of ranges) with the view before; it may go when
 * that view has gone and, by the chain, all before it. So nothing is counted per node.
 *
 * Retired views wait in core->retired. One call_rcu at a time hands them to the RCU worker; a
 * thread that commits faster than that waits for a grace period itself (memory_core_throttle).
 */
#include "memory/internal.h"

#include <stdlib.h>

#define VIEWS_PENDING_MAX 64 /* old views; from then on committers wait for readers */

struct memory_reclaim {
    struct rcu_head rcu;
    struct memory_core *core;
    FlatView *views; /* in the worker's hand */
    bool running;
};

FlatView *flatview_new(struct memory_core *core)
{
    FlatView *view = memory_alloc(core, sizeof(*view));

    if (view) {
        view->core = core;
        view->refs = 1;
    }
    return view;
}

FlatView *flatview_ref(FlatView *view)
{
    __atomic_fetch_add(&view->refs, 1, __ATOMIC_RELAXED);
    return view;
}

static void free_tree(struct fv_node *node)
{
    for (int i = 0; i < node->num; i++) {
        if (node->leaf) {
            region_put(node->u.ranges[i].mr);
        } else {
            free_tree(node->u.children[i]);
        }
    }
    free(node);
}

/* Frees what no newer view has. Returns the newer view, whose reference is now the caller's. */
static FlatView *view_free(FlatView *view)
{
    FlatView *newer = view->newer;

    if (newer) {
        fv_free_list(view->garbage);
        for (size_t i = 0; i < view->dropped_num; i++) {
            region_put(view->dropped[i].mr);
        }
    } else if (view->root) {
        free_tree(view->root);
    }
    free(view->dropped);
    free(view);
    return newer;
}

void flatview_unref(FlatView *view)
{
    while (view && __atomic_fetch_sub(&view->refs, 1, __ATOMIC_ACQ_REL) == 1) {
        view = view_free(view);
    }
}

FlatView *address_space_get_flatview(AddressSpace *as)
{
    FlatView *view;

    rcu_lock();
    view = flatview_ref(rcu_load(as->current_map)); /* its publication still counts: not 0 */
    rcu_unlock();
    return view;
}

const FlatRange *flatview_lookup(const FlatView *view, hwaddr addr)
{
    return fv_lookup(view->root, addr);
}

const FlatRange *flatview_at_or_after(const FlatView *view, hwaddr addr)
{
    return fv_at_or_after(view->root, addr);
}

bool flatview_for_each_range(const FlatView *view, bool (*cb)(const FlatRange *range, void *opaque),
                             void *opaque)
{
    const FlatRange *range = fv_at_or_after(view->root, 0);

    while (range) {
        if (cb(range, opaque)) {
            return true;
        }
        range = range->last == UINT64_MAX ? NULL : fv_at_or_after(view->root, range->last + 1);
    }
    return false;
}

size_t flatview_range_num(const FlatView *view)
{
    return view->num;
}

/* Gives up the publication of each view of a list, oldest first. Their readers have left. */
static void release(struct memory_core *core, FlatView *newest)
{
    FlatView *oldest = NULL, *next;
    uint64_t num = 0;

    for (; newest; newest = next) { /* turn the list round */
        next = newest->retired;
        newest->retired = oldest;
        oldest = newest;
    }
    for (; oldest; oldest = next, num++) {
        next = oldest->retired;
        flatview_unref(oldest);
    }
    pthread_mutex_lock(&core->retire_lock);
    atomic_fetch_sub_explicit(&core->counters.views_pending, num, memory_order_relaxed);
    pthread_mutex_unlock(&core->retire_lock);
}

static void reclaim_cb(struct rcu_head *head);

/* Hands all retired views to the worker. Called with retire_lock held. */
static void reclaim_start(struct memory_core *core)
{
    struct memory_reclaim *reclaim = core->reclaim;

    reclaim->running = core->retired != NULL;
    if (reclaim->running) {
        reclaim->views = core->retired;
        core->retired = NULL;
        rcu_defer(&reclaim->rcu, reclaim_cb);
    }
}

static void reclaim_cb(struct rcu_head *head)
{
    struct memory_reclaim *reclaim = itree_entry(head, struct memory_reclaim, rcu);
    struct memory_core *core;

    rcu_reclaim_begins();
    core = reclaim->core;
    release(core, reclaim->views);
    pthread_mutex_lock(&core->retire_lock);
    reclaim_start(core);
    pthread_mutex_unlock(&core->retire_lock);
    rcu_reclaim_ends();
}

void flatview_retire(struct memory_core *core, FlatView *view)
{
    uint64_t pending;

    pthread_mutex_lock(&core->retire_lock);
    view->retired = core->retired;
    core->retired = view;
    pending = 1 + atomic_fetch_add_explicit(&core->counters.views_pending, 1, memory_order_relaxed);
    if (pending > core->counters.views_pending_max) {
        core->counters.views_pending_max = pending;
    }
    if (!core->reclaim->running) {
        reclaim_start(core);
    }
    pthread_mutex_unlock(&core->retire_lock);
}

void memory_core_throttle(struct memory_core *core)
{
    FlatView *views = NULL;

    if (atomic_load_explicit(&core->counters.views_pending, memory_order_relaxed) <=
            VIEWS_PENDING_MAX ||
        !core_may_wait(core)) {
        return;
    }
    pthread_mutex_lock(&core->retire_lock);
    views = core->retired;
    core->retired = NULL;
    pthread_mutex_unlock(&core->retire_lock);
    if (views) {
        rcu_wait();
        release(core, views);
    }
}

int reclaim_init(struct memory_core *core)
{
    core->reclaim = memory_alloc(core, sizeof(*core->reclaim));
    if (!core->reclaim) {
        return -ENOMEM;
    }
    core->reclaim->core = core;
    return pthread_mutex_init(&core->retire_lock, NULL) ? -ENOMEM : 0;
}

static bool reclaim_idle(struct memory_core *core)
{
    bool idle;

    pthread_mutex_lock(&core->retire_lock);
    idle = !core->reclaim->running && atomic_load(&core->dying) == 0;
    pthread_mutex_unlock(&core->retire_lock);
    return idle;
}

void reclaim_finish(struct memory_core *core)
{
    /* A reclaim may queue the next, a destructor those of its children: until none is left. */
    do {
        rcu_drain();
    } while (!reclaim_idle(core));
    pthread_mutex_destroy(&core->retire_lock);
    free(core->reclaim);
}
