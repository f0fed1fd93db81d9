/*
 * gdb_step.c - what KVM's stepping leaves to be done after each instruction, found on both kinds of
 * KVM that there are. Stepping is a trap flag that KVM sets in the guest's RFLAGS:
 *
 * - it is lost with every instruction that KVM emulates, so it is asked for again each time;
 * - an interrupt pushes it for the guest to see, and after the return from it, when the CPU is not
 *   stepped any more, it would be the guest that is trapped: it is taken out of the frame.
 */
#include "vmm/gdb.h"

#include <string.h>

#include "vmm/log.h"
#include "vmm/peek.h"

#define RFLAGS_FIXED UINT64_C(0x2)
#define RFLAGS_TF UINT64_C(0x100)
#define RFLAGS_LAST UINT64_C(0x3fffff)

enum { INSTRUCTION_MAX = 15, PUSHED_MAX = 3 /* before the first step in a handler is told */ };

/* Where an interrupt may have left its frame: items of `size` bytes from the stack's top. */
struct stack {
    uint64_t sp;   /* linear */
    unsigned size; /* 2, 4, 8 */
    uint8_t data[(PUSHED_MAX + 2) * sizeof(uint64_t)];
};

static bool read_stack(struct vcpu *vcpu, struct stack *stack)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct vcpu_paging paging;
    const struct peek peek = {.memory = vcpu->group->config.memory, .paging = &paging};
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    uint64_t bad;

    if (kvm_get_regs(kvm, vcpu->fd, &regs) < 0 || kvm_get_sregs(kvm, vcpu->fd, &sregs) < 0 ||
        vcpu_paging_read(vcpu, &paging) < 0) {
        return false;
    }
    stack->size = sregs.cs.l ? 8 : sregs.cs.db ? 4 : 2;
    stack->sp =
        sregs.cs.l ? regs.rsp : sregs.ss.base + (sregs.ss.db ? regs.rsp : (uint16_t)regs.rsp);
    return peek_read(&peek, stack->sp, stack->data, (size_t)(PUSHED_MAX + 2) * stack->size, &bad) ==
           0;
}

static uint64_t item(const struct stack *stack, unsigned index)
{
    uint64_t value = 0;

    memcpy(&value, stack->data + (size_t)index * stack->size, stack->size);
    return value;
}

/* Are these items the frame of an interrupt that came at `from`, with the flag in it? */
static bool is_frame(const struct stack *stack, unsigned index, uint64_t from)
{
    uint64_t ip = item(stack, index), cs = item(stack, index + 1), flags = item(stack, index + 2);

    if (stack->size == 2) {
        ip += cs << 4;
    }
    return ip == from && cs <= UINT16_MAX && flags <= RFLAGS_LAST && (flags & RFLAGS_FIXED) &&
           (flags & RFLAGS_TF);
}

static void clear_flag(struct vcpu *vcpu, const struct stack *stack, unsigned index)
{
    uint64_t flags = item(stack, index) & ~RFLAGS_TF, gpa;
    uint64_t addr = stack->sp + (uint64_t)index * stack->size;
    const MemTxAttrs attrs = {.memory = true};

    if (kvm_translate(vcpu->group->config.kvm, vcpu->fd, addr, &gpa) == 0) {
        (void)address_space_write(vcpu->group->config.memory, gpa, attrs, &flags, stack->size);
    }
}

void gdb_step_clean(struct vcpu *vcpu, uint64_t from, uint64_t pc)
{
    struct stack stack;
    unsigned i;

    if (pc - from <= INSTRUCTION_MAX || !read_stack(vcpu, &stack)) {
        return; /* the next instruction */
    }
    for (i = 0; i < PUSHED_MAX; i++) {
        if (is_frame(&stack, i, from)) {
            clear_flag(vcpu, &stack, i + 2);
            return;
        }
    }
}

/* ---- HLT ---- */

static bool is_hlt(struct vcpu *vcpu, uint64_t pc)
{
    const MemTxAttrs look = {.memory = true, .debug = true};
    uint8_t byte = 0;
    uint64_t gpa;

    return kvm_translate(vcpu->group->config.kvm, vcpu->fd, pc, &gpa) == 0 &&
           address_space_read(vcpu->group->config.memory, gpa, look, &byte, 1) == MEMTX_OK &&
           byte == 0xf4;
}

/* Halted behind it, and no more in the shadow of the STI that may have come before. */
static bool skip_hlt(struct vcpu *vcpu)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_vcpu_events events;
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    if (kvm_get_sregs(kvm, vcpu->fd, &sregs) < 0 || sregs.ss.dpl != 0 ||
        kvm_get_regs(kvm, vcpu->fd, &regs) < 0 || kvm_get_vcpu_events(kvm, vcpu->fd, &events) < 0) {
        return false; /* not allowed: KVM does that right */
    }
    regs.rip++;
    events.interrupt.shadow = 0;
    events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
    return kvm_set_regs(kvm, vcpu->fd, &regs) == 0 &&
           kvm_set_vcpu_events(kvm, vcpu->fd, &events) == 0 &&
           kvm_set_mp_state(kvm, vcpu->fd, KVM_MP_STATE_HALTED) == 0;
}

bool gdb_step_halts(const struct gdb *gdb, struct vcpu *vcpu, uint64_t pc)
{
    return gdb->means.halts_late && vcpu->group->config.irqchip && is_hlt(vcpu, pc) &&
           skip_hlt(vcpu);
}

void gdb_step_again(struct vcpu *vcpu)
{
    const struct vcpu_debug debug = vcpu->debug;

    if (vcpu_set_debug(vcpu, &debug) < 0) {
        log_warn("gdb: cpu %u: KVM does not step on", vcpu->index);
    }
}
