/*
 * vcpu_debug.c - a debugger's wishes as KVM_SET_GUEST_DEBUG takes them: DR7 is put together here.
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <sys/ioctl.h>

#define DR7_RESERVED_1 UINT64_C(0x400)
#define DR7_EXACT UINT64_C(0x300) /* LE and GE, which new CPUs ignore */

/* DR7's two bits for a length. Returns: -1 when there is none. */
static int length_bits(const struct vcpu_breakpoint *breakpoint)
{
    if (breakpoint->type == VCPU_BREAK_EXECUTE) {
        return breakpoint->size == 1 ? 0 : -1;
    }
    switch (breakpoint->size) {
    case 1:
        return 0;
    case 2:
        return 1;
    case 4:
        return 3;
    case 8:
        return 2;
    default:
        return -1;
    }
}

static int add_breakpoint(struct kvm_guest_debug *debug, unsigned index,
                          const struct vcpu_breakpoint *breakpoint)
{
    int length = length_bits(breakpoint);
    uint64_t bits;

    if (length < 0 || breakpoint->addr % breakpoint->size != 0) {
        return -EINVAL;
    }
    bits = (uint64_t)breakpoint->type | (uint64_t)length << 2;
    debug->arch.debugreg[index] = breakpoint->addr;
    debug->arch.debugreg[7] |= UINT64_C(2) << (2 * index) | bits << (16 + 4 * index);
    return 0;
}

/* @control  what is wanted besides */
static int apply(struct vcpu *vcpu, const struct vcpu_debug *debug, uint32_t control)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_guest_debug guest = {.control = control};
    unsigned i;
    int result = debug->breakpoint_num <= VCPU_BREAKPOINT_MAX ? 0 : -EINVAL;

    if (debug->step) {
        guest.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
        guest.control |= debug->block_irqs ? KVM_GUESTDBG_BLOCKIRQ : 0;
    }
    if (debug->software) {
        guest.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
    }
    if (debug->breakpoint_num > 0) {
        guest.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
        guest.arch.debugreg[7] = DR7_RESERVED_1 | DR7_EXACT;
    }
    for (i = 0; i < debug->breakpoint_num && result == 0; i++) {
        result = add_breakpoint(&guest, i, &debug->breakpoints[i]);
    }
    if (result == 0) {
        result = kvm_set_guest_debug(kvm, vcpu->fd, &guest);
    }
    if (result == -EINVAL && (guest.control & KVM_GUESTDBG_BLOCKIRQ)) { /* KVM before 5.16 */
        guest.control &= ~(uint32_t)KVM_GUESTDBG_BLOCKIRQ;
        result = kvm_set_guest_debug(kvm, vcpu->fd, &guest);
    }
    return result;
}

int vcpu_set_debug(struct vcpu *vcpu, const struct vcpu_debug *debug)
{
    int result = apply(vcpu, debug, 0);

    if (result == 0) {
        vcpu->debug = *debug;
    }
    return result;
}

int vcpu_reflect_breakpoint(struct vcpu *vcpu)
{
    return apply(vcpu, &vcpu->debug, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP);
}

/* Returns: 0 the instruction is done; 1 another exit; -EAGAIN go on; -errno. */
static int step_on(struct vcpu *vcpu, void (*serving)(void *opaque, bool begins), void *opaque)
{
    int result;

    __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
    atomic_store(&vcpu->in_guest, true);
    if (atomic_load(&vcpu->requests) & VCPU_REQUEST_STOP) {
        atomic_store(&vcpu->in_guest, false);
        return -EINTR;
    }
    result = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? -errno : 0;
    atomic_store(&vcpu->in_guest, false);
    vcpu_group_left_guest(vcpu);
    if (result == -EINTR || result == -EAGAIN) {
        return -EAGAIN;
    }
    if (result < 0) {
        return result;
    }
    switch (vcpu->run->exit_reason) {
    case KVM_EXIT_DEBUG:
        return vcpu->run->debug.arch.exception == VCPU_EXCEPTION_BREAKPOINT;
    case KVM_EXIT_IO:
    case KVM_EXIT_MMIO:
        serving(opaque, true);
        kvm_ring_drain(vcpu->group->config.ring);
        vcpu_serve_exit(vcpu);
        serving(opaque, false);
        return -EAGAIN;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        return -EAGAIN;
    default:
        return 1;
    }
}

/*
 * KVM may come out for something else and then forget to say that the instruction is done; and one
 * that raised an exception is over, but the handler is not stepped: it runs until a kick.
 */
static bool has_gone_on(struct vcpu *vcpu, uint64_t rip)
{
    struct kvm_regs regs;

    return kvm_get_regs(vcpu->group->config.kvm, vcpu->fd, &regs) == 0 && regs.rip != rip;
}

int vcpu_step(struct vcpu *vcpu, void (*serving)(void *opaque, bool begins), void *opaque)
{
    const struct vcpu_debug step = {
        .step = true, .block_irqs = true, .software = vcpu->debug.software};
    struct kvm_regs regs;
    int result = kvm_get_regs(vcpu->group->config.kvm, vcpu->fd, &regs), restored;

    result = result < 0 ? result : apply(vcpu, &step, 0);
    if (result < 0) {
        return result;
    }
    do {
        result = step_on(vcpu, serving, opaque);
        if (result == -EAGAIN) {
            vcpu_complete_access(vcpu, serving, opaque);
            result = has_gone_on(vcpu, regs.rip) ? 0 : -EAGAIN;
        }
    } while (result == -EAGAIN);
    restored = apply(vcpu, &vcpu->debug, 0);
    if (result == 0 && restored == 0 && vcpu->debug.step && vcpu->group->config.debugged) {
        vcpu->group->config.debugged(vcpu->group->config.opaque, vcpu); /* it was a step for both */
    }
    return result < 0 || restored == 0 ? result : restored;
}
