/*
 * listener.c - telling listeners, first in the part that may fail, then in the one that may not.
 *
 * A plan carries the listeners that are to be told, in ascending priority: all of its space's, or
 * the one that registers or leaves.
 */
#include "memory/internal.h"

#include <stdlib.h>

/* ---- the part that may fail -------------------------------------------------------------------
 */

struct step {
    struct as_plan *plan;
    MemoryListener *listener;
};

static int list_steps(struct memory_core *core, struct as_plan *plans, struct memory_vec *steps)
{
    for (struct as_plan *plan = plans; plan; plan = plan->next) {
        MemoryListener **listeners = plan->listeners.items;

        for (size_t i = 0; i < plan->listeners.num && plan_tells(plan); i++) {
            struct step *step = memory_vec_add(core, steps, sizeof(*step));

            if (!step) {
                return -ENOMEM;
            }
            *step = (struct step){plan, listeners[i]};
        }
    }
    return 0;
}

static void cancel(struct memory_core *core, const struct step *steps, size_t num)
{
    while (num-- > 0) {
        if (steps[num].listener->prepare) {
            core->counters.callbacks++;
            steps[num].listener->cancel(steps[num].listener, &steps[num].plan->commit);
        }
    }
}

static int prepare(struct memory_core *core, const struct step *steps, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        int ret = 0;

        if (steps[i].listener->prepare) {
            core->counters.callbacks++;
            ret = steps[i].listener->prepare(steps[i].listener, &steps[i].plan->commit);
        }
        if (ret) {
            cancel(core, steps, i);
            return ret;
        }
    }
    return 0;
}

/* An undo that fails too leaves a map that nobody knows: the core says so once, and for good. */
void memory_core_break(struct memory_core *core, int apply_error, int undo_error)
{
    if (core->broken) {
        return;
    }
    core->broken = true;
    core->broken_apply = apply_error;
    core->broken_undo = undo_error;
    if (core->config.park) {
        core->config.park(core->config.opaque); /* for good: no vCPU is to run on such a map */
    }
    if (core->config.broken) {
        core->config.broken(core->config.opaque, apply_error, undo_error);
    }
}

static void undo(struct memory_core *core, const struct step *steps, size_t num, int apply_error)
{
    while (num-- > 0) {
        int ret = 0;

        if (steps[num].listener->apply) {
            core->counters.callbacks++;
            ret = steps[num].listener->undo(steps[num].listener, &steps[num].plan->commit);
        }
        if (ret) {
            memory_core_break(core, apply_error, ret);
        }
    }
}

static int apply(struct memory_core *core, const struct step *steps, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        int ret = 0;

        if (steps[i].listener->apply) {
            core->counters.callbacks++;
            ret = steps[i].listener->apply(steps[i].listener, &steps[i].plan->commit);
        }
        if (ret) {
            undo(core, steps, i, ret);
            cancel(core, steps, num);
            return ret;
        }
    }
    return 0;
}

static bool wants_park(const struct as_plan *plans)
{
    for (; plans; plans = plans->next) {
        if (plans->commit.park) {
            return true;
        }
    }
    return false;
}

int listeners_carry_out(struct memory_core *core, struct as_plan *plans, bool *parked)
{
    struct memory_vec vec = {0};
    const struct step *steps;
    int ret = list_steps(core, plans, &vec);

    *parked = false;
    steps = vec.items;
    ret = ret ? ret : prepare(core, steps, vec.num);
    if (!ret) {
        *parked = wants_park(plans) && core->config.park;
        if (*parked) {
            core->config.park(core->config.opaque);
        }
        ret = apply(core, steps, vec.num);
    }
    free(vec.items);
    return ret;
}

/* ---- the part that may not --------------------------------------------------------------------
 */

#define TELL(core, listener, callback, ...)                                                        \
    do {                                                                                           \
        if ((listener)->callback) {                                                                \
            (core)->counters.callbacks++;                                                          \
            (listener)->callback((listener), ##__VA_ARGS__);                                       \
        }                                                                                          \
    } while (0)

static void tell_begin(struct memory_core *core, const struct as_plan *plan)
{
    MemoryListener **listeners = plan->listeners.items;

    for (size_t i = 0; i < plan->listeners.num; i++) {
        TELL(core, listeners[i], begin);
    }
}

static void tell_dels(struct memory_core *core, const struct as_plan *plan)
{
    const MemoryCommit *commit = &plan->commit;
    MemoryListener **listeners = plan->listeners.items;

    for (size_t i = 0; i < commit->eventfd_del_num; i++) {
        for (size_t j = plan->listeners.num; j-- > 0;) {
            TELL(core, listeners[j], eventfd_del, &commit->eventfd_del[i]);
        }
    }
    for (size_t i = 0; i < commit->coalesced_del_num; i++) {
        for (size_t j = plan->listeners.num; j-- > 0;) {
            TELL(core, listeners[j], coalesced_io_del, &commit->coalesced_del[i]);
        }
    }
    for (size_t i = 0; i < commit->del_num; i++) {
        uint8_t mask = plan->replay ? commit->del[i].dirty_log_mask : 0;

        for (size_t j = plan->listeners.num; j-- > 0 && mask;) {
            TELL(core, listeners[j], log_stop, &commit->del[i], mask, 0);
        }
        for (size_t j = plan->listeners.num; j-- > 0;) {
            TELL(core, listeners[j], region_del, &commit->del[i]);
        }
    }
}

static void tell_add(struct memory_core *core, const struct as_plan *plan,
                     const MemoryRegionSection *section)
{
    MemoryListener **listeners = plan->listeners.items;

    for (size_t i = 0; i < plan->listeners.num; i++) {
        TELL(core, listeners[i], region_add, section);
    }
    for (size_t i = 0; i < plan->listeners.num && section->dirty_log_mask && plan->replay; i++) {
        TELL(core, listeners[i], log_start, section, 0, section->dirty_log_mask);
    }
}

static void tell_nop(struct memory_core *core, const struct as_plan *plan,
                     const MemoryRegionSection *section)
{
    MemoryListener **listeners = plan->listeners.items;

    for (size_t i = 0; i < plan->listeners.num; i++) {
        TELL(core, listeners[i], region_nop, section);
    }
}

static void tell_log(struct memory_core *core, const struct as_plan *plan,
                     const MemoryLogChange *change)
{
    MemoryListener **listeners = plan->listeners.items;
    uint8_t old = change->old_mask, new = change->new_mask;

    tell_nop(core, plan, &change->section);
    for (size_t i = 0; i < plan->listeners.num && (new & ~old); i++) {
        TELL(core, listeners[i], log_start, &change->section, old, new);
    }
    for (size_t i = plan->listeners.num; i-- > 0 && (old & ~new);) {
        TELL(core, listeners[i], log_stop, &change->section, old, new);
    }
}

/* Adds, nops and changes of logging are three lists; told as one, in order of address. */
static void tell_adds(struct memory_core *core, const struct as_plan *plan)
{
    const MemoryCommit *commit = &plan->commit;
    size_t add = 0, nop = 0, log = 0;

    while (add < commit->add_num || nop < commit->nop_num || log < commit->log_num) {
        hwaddr a = UINT64_MAX, n = UINT64_MAX, l = UINT64_MAX;

        if (add < commit->add_num) {
            a = commit->add[add].offset_within_address_space;
        }
        if (nop < commit->nop_num) {
            n = commit->nop[nop].offset_within_address_space;
        }
        if (log < commit->log_num) {
            l = commit->log[log].section.offset_within_address_space;
        }
        if (add < commit->add_num && a <= n && a <= l) {
            tell_add(core, plan, &commit->add[add++]);
        } else if (nop < commit->nop_num && n <= l) {
            tell_nop(core, plan, &commit->nop[nop++]);
        } else {
            tell_log(core, plan, &commit->log[log++]);
        }
    }
}

static void tell_io_adds(struct memory_core *core, const struct as_plan *plan)
{
    const MemoryCommit *commit = &plan->commit;
    MemoryListener **listeners = plan->listeners.items;

    for (size_t i = 0; i < commit->coalesced_add_num; i++) {
        for (size_t j = 0; j < plan->listeners.num; j++) {
            TELL(core, listeners[j], coalesced_io_add, &commit->coalesced_add[i]);
        }
    }
    for (size_t i = 0; i < commit->eventfd_add_num; i++) {
        for (size_t j = 0; j < plan->listeners.num; j++) {
            TELL(core, listeners[j], eventfd_add, &commit->eventfd_add[i]);
        }
    }
}

void listeners_tell(struct memory_core *core, struct as_plan *plan)
{
    MemoryListener **listeners = plan->listeners.items;

    if (!plan_tells(plan) && !plan->replay) {
        return;
    }
    tell_begin(core, plan);
    tell_dels(core, plan);
    tell_adds(core, plan);
    tell_io_adds(core, plan);
    for (size_t i = 0; i < plan->listeners.num; i++) {
        TELL(core, listeners[i], commit, &plan->commit);
    }
}

/* ---- coming and going -------------------------------------------------------------------------
 */

static bool complete(const MemoryListener *listener)
{
    return (!listener->prepare || listener->cancel) && (!listener->apply || listener->undo);
}

static void link_in(AddressSpace *as, MemoryListener *listener)
{
    MemoryListener **link = &as->listeners;

    while (*link && (*link)->priority <= listener->priority) {
        link = &(*link)->next;
    }
    listener->next = *link;
    listener->as = as;
    *link = listener;
}

static void unlink_from(AddressSpace *as, MemoryListener *listener)
{
    MemoryListener **link = &as->listeners;

    while (*link != listener) {
        link = &(*link)->next;
    }
    *link = listener->next;
    listener->next = NULL;
    listener->as = NULL;
}

/* While all RAM is logged, who comes is told so first, and who goes that it is so no longer. */
static int start_log(MemoryListener *listener, const struct memory_core *core)
{
    return core->global_log && listener->log_global_start ? listener->log_global_start(listener)
                                                          : 0;
}

static void stop_log(MemoryListener *listener, const struct memory_core *core)
{
    if (core->global_log && listener->log_global_stop) {
        listener->log_global_stop(listener);
    }
}

/* Called with the core lock held. */
static int join_in(MemoryListener *listener, AddressSpace *as, struct as_plan *plan)
{
    struct memory_core *core = as->core;
    bool parked = false;
    int ret;

    core->in_commit = true;
    ret = start_log(listener, core);
    if (!ret) {
        ret = listeners_carry_out(core, plan, &parked);
        if (!ret) {
            link_in(as, listener);
            listeners_tell(core, plan);
        } else {
            stop_log(listener, core);
        }
    }
    core->in_commit = false;
    if (parked && !core->broken) {
        core->config.unpark(core->config.opaque);
    }
    return ret;
}

int memory_listener_register(MemoryListener *listener, AddressSpace *as)
{
    struct memory_core *core = as->core;
    struct as_plan *plan = NULL;
    int ret;

    if (!complete(listener)) {
        return -EINVAL;
    }
    memory_core_freeze(core);
    ret = core_busy(core) ? -EBUSY : plan_replay(as, listener, true, &plan);
    if (!ret) {
        ret = join_in(listener, as, plan);
        plan_free(plan);
    }
    memory_core_thaw(core);
    return ret;
}

void memory_listener_unregister(MemoryListener *listener)
{
    AddressSpace *as = listener->as;
    struct memory_core *core;
    struct as_plan *plan;
    bool parked = false;

    if (!as) {
        return;
    }
    core = as->core;
    memory_core_freeze(core);
    unlink_from(as, listener);
    core->in_commit = true;
    if (plan_replay(as, listener, false, &plan) == 0) {
        (void)listeners_carry_out(core, plan, &parked); /* it leaves whatever it says */
        listeners_tell(core, plan);
        plan_free(plan);
    }
    stop_log(listener, core);
    core->in_commit = false;
    if (parked && !core->broken) {
        core->config.unpark(core->config.opaque);
    }
    memory_core_thaw(core);
}
