/*
 * fake_cpu.h - vCPUs of a few instructions on threads of their own, in place of KVM_RUN, and the
 * ioctls that a debugger needs; with debug registers and int3 as KVM delivers them where it does:
 * before the instruction, and again if nothing was done about it.
 *
 * Instructions: nop; jmp rel8; mov byte [disp32], imm8; mov dword [disp32], imm32; out imm8, al;
 * hlt; int3, whose handler only returns; 16-bit iret. Anything else is a triple fault. Addresses
 * are linear, through whatever page tables the control registers name; CS and SS have base 0.
 */
#ifndef ACRE_TESTS_UNIT_FAKE_CPU_H
#define ACRE_TESTS_UNIT_FAKE_CPU_H

#include "memory/memory.h"
#include "vmm/vcpu.h"

enum { FAKE_CPU_MAX = 3, FAKE_CODE_MAX = 10 };

struct fake_cpu {
    struct kvm_run run;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    uint32_t xsave[1024]; /* struct kvm_xsave's region */
    uint64_t kernel_gs_base;
    struct kvm_vcpu_events events;
    _Atomic uint32_t mp_state;
    uint16_t handler; /* an interrupt comes: where it goes; 0: none */
    bool forgot;      /* that it is to step */
    bool late;        /* it halts at the next instruction that is not stepped */
    struct kvm_guest_debug debug;
    bool injected;                 /* #BP is delivered next */
    _Atomic unsigned breakpoints;  /* #BPs that the guest had */
    _Atomic unsigned traps;        /* #DBs of a flag that was left in its RFLAGS */
    _Atomic unsigned instructions; /* done */
    _Atomic unsigned counted;      /* done at fake_kvm.counted_pc */
};

struct fake_kvm {
    AddressSpace *memory;
    struct fake_cpu cpus[FAKE_CPU_MAX];
    unsigned num;
    uint64_t counted_pc;    /* chosen by the test */
    uint32_t refused;       /* KVM_GUESTDBG_ bits that make KVM_SET_GUEST_DEBUG fail */
    bool forgets;           /* each step must be asked for anew */
    bool halts_late;        /* a HLT that is stepped over is done later */
    int inject_error;       /* what KVM_GUESTDBG_INJECT_BP fails with; 0: it works */
    _Atomic uint32_t asked; /* KVM_GUESTDBG_ bits that anybody ever asked for */
};

/* kvm->call, with a struct fake_kvm as opaque: vCPUs are told apart by their descriptors. */
int fake_kvm_call(struct kvm *kvm, int fd, unsigned long request, void *arg);
/* Starts the threads of the group, whose config is filled in. Its vcpus are made here. */
void fake_cpus_start(struct fake_kvm *fake, struct vcpu_group *group);
/* After vcpu_group_stop() and vcpu_group_join(). */
void fake_cpus_finish(struct vcpu_group *group);

#endif
