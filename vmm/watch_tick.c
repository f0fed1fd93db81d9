/*
 * watch_tick.c - what KVM does not come out for is looked at now and then: events that it tries to
 * deliver in vain, and tables that the guest has moved. Only vCPUs that use the host's CPU are
 * asked, so that an idle guest stays idle, and is noticed to be.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <stdlib.h>

#define TICK_NS UINT64_C(10000000)
/* A vCPU that used less since the last tick is idle: it waits for nothing that we could give. */
#define BUSY_NS UINT64_C(1000000)

enum {
    TABLES_TICKS = 25, /* between two looks at tables; more when a look takes long: */
    TABLES_SHARE = 50, /* 1/50 of the time at most */
};

struct watch_tick {
    struct watch_set *set;
    struct device_timer timer;
    bool going, worked; /* worked: some vCPU, since the last look at tables */
    uint64_t tables_in; /* ticks */
    uint64_t *cpu_ns;   /* of each vCPU, at the last tick */
};

static void arm(struct watch_tick *tick)
{
    struct vclock *clock = tick->set->clock;

    vclock_arm(clock, &tick->timer, vclock_now_ns(clock) + TICK_NS);
}

static void ask_busy(struct watch_tick *tick)
{
    struct vcpu_group *group = tick->set->vcpus;
    uint64_t cpu_ns;
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        if (!group->vcpus[i].thread_started) {
            continue;
        }
        cpu_ns = vcpu_cpu_ns(&group->vcpus[i]);
        if (cpu_ns - tick->cpu_ns[i] > BUSY_NS) {
            vcpu_group_ask_rescue(&group->vcpus[i]);
            tick->worked = true;
        }
        tick->cpu_ns[i] = cpu_ns;
    }
}

static void look_at_tables(struct watch_tick *tick)
{
    struct vclock *clock = tick->set->clock;
    uint64_t began = vclock_now_ns(clock), cost;

    tick->worked = false;
    watch_spare_tables(tick->set);
    cost = (vclock_now_ns(clock) - began) * TABLES_SHARE / TICK_NS;
    tick->tables_in = cost > TABLES_TICKS ? cost : TABLES_TICKS;
}

static void expired(void *opaque)
{
    struct watch_tick *tick = opaque;

    tick->going = tick->set->layer_num > 0;
    if (!tick->going) {
        return;
    }
    ask_busy(tick);
    if (tick->tables_in > 0) {
        tick->tables_in--;
    } else if (tick->worked) {
        look_at_tables(tick);
    }
    arm(tick);
}

int watch_tick_init(struct watch_set *set)
{
    struct watch_tick *tick = calloc(1, sizeof(*tick));

    if (!tick) {
        return -ENOMEM;
    }
    tick->set = set;
    tick->timer = (struct device_timer){.expired = expired, .opaque = tick};
    tick->tables_in = TABLES_TICKS;
    tick->cpu_ns = calloc(set->vcpus->config.num, sizeof(*tick->cpu_ns));
    if (!tick->cpu_ns) {
        free(tick);
        return -ENOMEM;
    }
    set->tick = tick;
    return 0;
}

void watch_tick_go(struct watch_set *set)
{
    if (set->tick && !set->tick->going && set->layer_num > 0) {
        set->tick->going = true;
        arm(set->tick);
    }
}

void watch_tick_finish(struct watch_set *set)
{
    if (set->tick) {
        vclock_disarm(set->clock, &set->tick->timer);
        free(set->tick->cpu_ns);
        free(set->tick);
        set->tick = NULL;
    }
}

void watch_tick_deliver(struct watch_set *set, struct vcpu *vcpu)
{
    struct error why;

    if (watch_deliver(set, vcpu, WATCH_TROUBLE_NONE, &why) == -ENOTSUP) {
        set->warn(set->opaque, why.text);
    }
}
