/*
 * x86.h - the state an x86 vCPU starts in: CPUID, segment and control registers, MSRs, LAPIC.
 *
 * Source: Intel SDM vol. 2A CPUID, vol. 3A ch. 3, 9, 11; api.rst (KVM_SET_CPUID2, KVM_SET_SREGS);
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#ifndef ACRE_VMM_X86_H
#define ACRE_VMM_X86_H

#include "vmm/kvm.h"
#include "vmm/load.h"

enum { X86_CPUID_MAX = 256 };

/* True on CPUs whose KVM may want pages of the guest's space (Intel's). No system call. */
bool x86_needs_kvm_pages(void);

/* Room for every leaf KVM may report. */
struct x86_cpuid {
    uint32_t nent, padding; /* as struct kvm_cpuid2 begins */
    struct kvm_cpuid_entry2 entries[X86_CPUID_MAX];
};

/* What a guest's CPUID says beyond what KVM supports. */
struct x86_cpuid_config {
    unsigned index;   /* of the vCPU: its APIC id */
    unsigned cpu_num; /* 1..; one socket, one thread a core */
    bool irqchip;     /* LAPIC in the kernel; without: no APIC, x2APIC, TSC deadline */
    bool tsc_deadline;
    uint32_t tsc_khz; /* 0: not known, no frequency leaf */
};

/*
 * Edits what KVM_GET_SUPPORTED_CPUID gave into what one vCPU shows. May be applied again to its own
 * result with another index. Entries are changed in place; a missing leaf is added while there is
 * room.
 */
void x86_cpuid_edit(struct x86_cpuid *cpuid, const struct x86_cpuid_config *config);

/* The entry of a leaf and subleaf, or NULL. */
struct kvm_cpuid_entry2 *x86_cpuid_find(struct x86_cpuid *cpuid, uint32_t function, uint32_t index);

/*
 * The first CPU's registers from how the kernel wants to be entered.
 * @sregs  on entry what KVM gave at reset (the APIC base is kept).
 */
void x86_entry_state(const struct boot_entry *entry, struct kvm_regs *regs,
                     struct kvm_sregs *sregs);

enum { X86_MSR_NUM_MAX = 512, X86_IRQCHIP_NUM = 3 };

/* struct kvm_msrs with room behind it. */
struct x86_msrs {
    uint32_t nmsrs, pad;
    struct kvm_msr_entry entries[X86_MSR_NUM_MAX];
};

/* What a vCPU was at reset, so that a restart can put it back. */
struct x86_reset_state {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_vcpu_events events;
    struct kvm_debugregs debugregs;
    struct kvm_lapic_state lapic; /* irqchip only */
    bool has_xsave;               /* xcrs and xsave; not where the host's CPU lacks XSAVE */
    struct kvm_xcrs xcrs;
    struct x86_msrs msrs;   /* all that KVM lists and can read */
    struct kvm_xsave xsave; /* last: it ends in an array of open length */
};

/* Reads it, right after KVM_CREATE_VCPU and KVM_SET_CPUID2. Returns: 0 or -errno. */
int x86_reset_read(struct kvm *kvm, int fd, bool irqchip, struct x86_reset_state *state)
    __attribute__((warn_unused_result));
/*
 * Puts it back, MP state included. No access may be waiting to be finished in KVM
 * (vcpu_finish_access()).
 * @refused  called for each MSR that the guest has changed and KVM does not let us put back.
 * Returns: 0 or -errno.
 */
int x86_reset_write(struct kvm *kvm, int fd, bool irqchip, bool boot_cpu,
                    const struct x86_reset_state *state,
                    void (*refused)(void *opaque, uint32_t msr), void *opaque)
    __attribute__((warn_unused_result));

/* Both PICs and the IO-APIC, as KVM_CREATE_IRQCHIP left them. */
struct x86_irqchips {
    struct kvm_irqchip chips[X86_IRQCHIP_NUM];
};

/* Returns, both: 0 or -errno. Context of write: every vCPU outside KVM_RUN. */
int x86_irqchips_read(struct kvm *kvm, struct x86_irqchips *state)
    __attribute__((warn_unused_result));
int x86_irqchips_write(struct kvm *kvm, const struct x86_irqchips *state)
    __attribute__((warn_unused_result));

/* Does the CPU stand where a reset leaves it? Source: Intel SDM vol. 3A 9.1.4. */
bool x86_is_power_on(const struct kvm_regs *regs, const struct kvm_sregs *sregs);

#endif
