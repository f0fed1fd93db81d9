/*
 * undo.c - how each region was before the open transaction touched it.
 *
 * One note a region, made before its first change, holds the whole of its state; undoing takes all
 * noted regions out of the indexes, gives each its state back, and puts them in again, so no order
 * of steps has to be kept. A note references its region, which therefore outlives the transaction.
 */
#include "memory/internal.h"

#include <stdlib.h>

static _Thread_local char me; /* its address names this thread */

bool core_held_by_me(struct memory_core *core)
{
    return atomic_load_explicit(&core->holder, memory_order_relaxed) == (uintptr_t)&me;
}

static void hold(struct memory_core *core, bool held)
{
    atomic_store_explicit(&core->holder, held ? (uintptr_t)&me : 0, memory_order_relaxed);
}

void memory_core_freeze(struct memory_core *core)
{
    pthread_mutex_lock(&core->lock);
    if (core->keeps++ == 0) {
        atomic_store_explicit(&core->keeper, (uintptr_t)&me, memory_order_relaxed);
    }
}

void memory_core_thaw(struct memory_core *core)
{
    if (--core->keeps == 0) {
        atomic_store_explicit(&core->keeper, 0, memory_order_relaxed);
    }
    pthread_mutex_unlock(&core->lock);
}

bool core_may_wait(struct memory_core *core)
{
    return !urcu_memb_read_ongoing() && !memory_owner_inside() && !core_held_by_me(core) &&
           atomic_load_explicit(&core->keeper, memory_order_relaxed) != (uintptr_t)&me;
}

void memory_region_transaction_begin(struct memory_core *core)
{
    pthread_mutex_lock(&core->lock);
    if (core->depth++ == 0) {
        hold(core, true);
    }
}

void core_leave(struct memory_core *core)
{
    if (--core->depth == 0) {
        hold(core, false);
    }
}

int undo_save(MemoryRegion *mr, const char *cause)
{
    struct memory_transaction *txn = mr->core->transaction;
    struct memory_saved *saved;

    if (mr->core->in_commit) {
        return -EBUSY;
    }
    if (mr->core->broken) {
        return -EIO;
    }
    if (mr->saved_in == txn) {
        return 0;
    }
    saved = memory_vec_add(mr->core, &txn->saved, sizeof(*saved));
    if (!saved) {
        return -ENOMEM;
    }
    *saved = (struct memory_saved){.mr = region_get(mr), .state = mr->state};
    mr->saved_in = txn;
    mr->saved_index = txn->saved.num - 1;
    if (!txn->cause) {
        txn->cause = cause;
        txn->cause_region = mr->name;
    }
    return 0;
}

/* Mounts hold a reference: makes the count fit when the container comes or goes. */
static void restore_one(MemoryRegion *mr, const struct memory_region_state *old)
{
    if (mr->state.eventfds != old->eventfds) {
        free(mr->state.eventfds);
    }
    if (mr->state.coalesced != old->coalesced) {
        free(mr->state.coalesced);
    }
    if (old->container && !mr->state.container) {
        region_get(mr);
    } else if (!old->container && mr->state.container) {
        atomic_fetch_sub(&mr->refs, 1); /* the note still holds it */
    }
    mr->state = *old;
}

/* Forgets the notes and closes the transaction; deferred unrefs are done or taken back. */
static void close_transaction(struct memory_core *core, bool unref)
{
    struct memory_transaction txn = *core->transaction;
    struct memory_saved *saved = txn.saved.items;
    MemoryRegion *mr, *next;

    *core->transaction = (struct memory_transaction){0};
    for (AddressSpace *as = core->spaces; as; as = as->next) {
        as_windows_clear(&as->windows);
    }
    hold(core, false);
    core->depth = 0;
    for (mr = txn.counted; mr; mr = next) {
        unsigned num = mr->deferred_unrefs;

        next = mr->refs_next;
        mr->deferred_unrefs = mr->taken_refs = 0;
        mr->refs_noted = false;
        for (; unref && num; num--) {
            region_put(mr);
        }
    }
    for (size_t i = 0; i < txn.saved.num; i++) {
        saved[i].mr->saved_in = NULL;
        region_put(saved[i].mr);
    }
    free(saved);
}

void undo_restore(struct memory_core *core)
{
    struct memory_saved *saved = core->transaction->saved.items;
    size_t num = core->transaction->saved.num;

    for (size_t i = 0; i < num; i++) {
        region_detach(saved[i].mr);
    }
    for (size_t i = 0; i < num; i++) {
        restore_one(saved[i].mr, &saved[i].state);
        region_attach(saved[i].mr);
    }
    close_transaction(core, false);
}

static void free_eventfds(struct rcu_head *head)
{
    rcu_reclaim_begins();
    free(itree_entry(head, struct memory_eventfd_list, rcu));
    rcu_reclaim_ends();
}

void undo_forget(struct memory_core *core)
{
    struct memory_saved *saved = core->transaction->saved.items;

    for (size_t i = 0; i < core->transaction->saved.num; i++) {
        MemoryRegion *mr = saved[i].mr;

        if (mr->state.eventfds != saved[i].state.eventfds) {
            rcu_publish(mr->live_eventfds, mr->state.eventfds);
            if (saved[i].state.eventfds) {
                rcu_defer(&saved[i].state.eventfds->rcu, free_eventfds);
            }
        }
        if (mr->state.coalesced != saved[i].state.coalesced) {
            free(saved[i].state.coalesced);
        }
    }
    close_transaction(core, true);
}

void memory_region_transaction_abort(struct memory_core *core)
{
    if (!core_held_by_me(core) || core->in_commit) {
        return;
    }
    for (unsigned depth = core->depth; depth > 1; depth--) {
        pthread_mutex_unlock(&core->lock);
    }
    undo_restore(core);
    pthread_mutex_unlock(&core->lock);
}
