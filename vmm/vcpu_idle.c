/*
 * vcpu_idle.c - is there anything that could wake a vCPU? Looked at seldom, since the look is a
 * kick.
 */
#include "vmm/vcpu.h"

#include <time.h>

#define RFLAGS_IF (UINT64_C(1) << 9)
/* Less than this of the host's CPU since the last look is idling (our own kick costs some). */
#define IDLE_CPU_NS_MAX UINT64_C(500000)
enum { IDLE_WAIT_MAX = 63 };

uint64_t vcpu_cpu_ns(const struct vcpu *vcpu)
{
    struct timespec now = {0};
    clockid_t clock;

    if (pthread_getcpuclockid(vcpu->thread, &clock) == 0) {
        (void)clock_gettime(clock, &now);
    }
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Compares with the last look and remembers this one. */
static bool was_active(struct vcpu *vcpu)
{
    uint64_t exits = atomic_load_explicit(&vcpu->exits, memory_order_relaxed);
    uint64_t cpu_ns = vcpu_cpu_ns(vcpu);
    bool active = exits != vcpu->idle.exits || cpu_ns - vcpu->idle.cpu_ns > IDLE_CPU_NS_MAX;

    vcpu->idle.exits = exits;
    vcpu->idle.cpu_ns = cpu_ns;
    return active;
}

static void call_look(void *opaque, struct vcpu *vcpu)
{
    struct verdict *verdict = opaque;
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_regs regs = {0};

    vcpu->idle.read_failed = kvm_get_mp_state(kvm, vcpu->fd, &vcpu->idle.mp_state) != 0 ||
                             kvm_get_regs(kvm, vcpu->fd, &regs) != 0;
    vcpu->idle.interruptible = (regs.rflags & RFLAGS_IF) != 0;
    if (vcpu->index == 0) {
        vcpu_read_state(vcpu, verdict);
    }
}

static bool is_stuck(const struct vcpu_idle *idle)
{
    return !idle->read_failed && (idle->mp_state == KVM_MP_STATE_UNINITIALIZED ||
                                  idle->mp_state == KVM_MP_STATE_INIT_RECEIVED ||
                                  (idle->mp_state == KVM_MP_STATE_HALTED && !idle->interruptible));
}

bool vcpu_group_is_hung(struct vcpu_group *group, struct verdict *verdict)
{
    bool active = false, stuck = true;
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        active |= was_active(&group->vcpus[i]);
    }
    if (active) {
        group->idle_calls = group->idle_wait = 0;
        return false;
    }
    if (++group->idle_calls < group->idle_wait) {
        return false;
    }
    group->idle_calls = 0;
    group->idle_wait = group->idle_wait < IDLE_WAIT_MAX ? 2 * group->idle_wait + 1 : IDLE_WAIT_MAX;
    verdict_make(verdict, VERDICT_IDLE_HANG,
                 "guest hangs: every CPU is halted with interrupts off, or was never started");
    vcpu_group_call(group, call_look, verdict);
    for (i = 0; i < group->config.num; i++) {
        (void)was_active(&group->vcpus[i]); /* our own kick is no activity */
        stuck &= is_stuck(&group->vcpus[i].idle);
    }
    return stuck;
}
