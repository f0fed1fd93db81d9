/*
 * transaction.c - the core, and the outermost commit: render and compare, ask, carry out, publish,
 * tell, let go. Everything that can fail comes before the first view is published.
 */
#include "memory/internal.h"

#include <stdlib.h>

static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    int ret = pthread_mutexattr_init(&attr);

    if (!ret) {
        ret = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
        ret = ret ? ret : pthread_mutex_init(lock, &attr);
        pthread_mutexattr_destroy(&attr);
    }
    return ret ? -ENOMEM : 0;
}

int memory_core_init(struct memory_core *core, const struct memory_core_config *config)
{
    *core = (struct memory_core){.config = config ? *config : (struct memory_core_config){0}};
    core->transaction = memory_alloc(core, sizeof(*core->transaction));
    if (!core->transaction || reclaim_init(core) || init_lock(&core->lock)) {
        free(core->transaction);
        free(core->reclaim);
        *core = (struct memory_core){0};
        return -ENOMEM;
    }
    core->spaces_tail = &core->spaces;
    ram_list_init(&core->ram);
    return 0;
}

void memory_core_finish(struct memory_core *core)
{
    if (!core->transaction) {
        return;
    }
    reclaim_finish(core);
    pthread_mutex_destroy(&core->lock);
    free(core->transaction);
    *core = (struct memory_core){0};
}

int memory_worker_start(void)
{
    return rcu_worker_start() ? 0 : -EAGAIN;
}

/* How often this thread has registered: liburcu wants it once. Nothing but the thread sees it. */
static _Thread_local unsigned registered;

void memory_thread_register(void)
{
    if (registered++ == 0) {
        urcu_memb_register_thread();
    }
}

void memory_thread_unregister(void)
{
    if (--registered == 0) {
        urcu_memb_unregister_thread();
    }
}

bool memory_core_is_broken(const struct memory_core *core, int *apply_error, int *undo_error)
{
    if (core->broken) {
        *apply_error = core->broken_apply;
        *undo_error = core->broken_undo;
    }
    return core->broken;
}

static void free_plans(struct as_plan *plan)
{
    while (plan) {
        struct as_plan *next = plan->next;

        plan_free(plan);
        plan = next;
    }
}

/* One plan for each space that changes, in the order the spaces were made. */
static int make_plans(struct memory_core *core, struct as_plan **plans)
{
    struct as_plan **tail = plans;
    int ret = 0;

    *plans = NULL;
    for (AddressSpace *as = core->spaces; as && !ret; as = as->next) {
        if (as->windows.num) {
            ret = plan_make(as, tail);
            tail = *tail ? &(*tail)->next : tail;
        }
    }
    if (ret) {
        free_plans(*plans);
        *plans = NULL;
    }
    return ret;
}

static void publish(struct memory_core *core, struct as_plan *plans)
{
    for (struct as_plan *plan = plans; plan; plan = plan->next) {
        plan_publish(plan);
    }
    for (struct as_plan *plan = plans; plan; plan = plan->next) {
        listeners_tell(core, plan);
    }
    for (struct as_plan *plan = plans; plan; plan = plan->next) {
        plan_retire(plan);
    }
    core->counters.commits += plans != NULL;
}

/* Called with depth 1. Leaves the transaction closed, done or undone. */
static int commit(struct memory_core *core)
{
    struct as_plan *plans = NULL;
    bool parked = false;
    int ret = make_plans(core, &plans);

    if (!ret && plans) {
        core->in_commit = true;
        ret = listeners_carry_out(core, plans, &parked);
        if (!ret) {
            publish(core, plans);
        }
        core->in_commit = false;
    }
    if (ret) {
        undo_restore(core);
    } else {
        undo_forget(core);
    }
    if (parked && !core->broken) {
        core->config.unpark(core->config.opaque);
    }
    free_plans(plans);
    return ret;
}

int memory_region_transaction_commit(struct memory_core *core)
{
    int ret = 0;

    if (!core_held_by_me(core)) {
        return -EINVAL;
    }
    if (core->depth > 1 || core->in_commit) {
        core_leave(core);
    } else {
        ret = commit(core);
    }
    pthread_mutex_unlock(&core->lock);
    memory_core_throttle(core);
    return ret;
}
