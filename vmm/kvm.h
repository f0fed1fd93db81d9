/*
 * kvm.h - the kernel's KVM interface: every ioctl acre uses, as a function that gives -errno, and
 * the table of capabilities.
 *
 * One struct kvm is one VM. All but KVM_RUN goes through `kvm->call`, so that tests put a model of
 * the kernel's contract in its place and can make the n-th call fail. Whether this machine can run
 * guests is asked of /dev/kvm, never of CPUID's vmx and svm bits.
 *
 * Source: Documentation/virt/kvm/api.rst.
 */
#ifndef ACRE_VMM_KVM_H
#define ACRE_VMM_KVM_H

#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "vmm/error.h"

/* What acre asks of a kernel; order of kvm_capabilities. */
enum kvm_capability_id {
    KVM_HAS_USER_MEMORY,
    KVM_HAS_IMMEDIATE_EXIT,
    KVM_HAS_READONLY_MEM,
    KVM_HAS_IRQCHIP,
    KVM_HAS_MP_STATE,
    KVM_HAS_NR_MEMSLOTS,
    KVM_HAS_COALESCED_MMIO,
    KVM_HAS_COALESCED_PIO,
    KVM_HAS_IOEVENTFD,
    KVM_HAS_DIRTY_LOG_PROTECT,
    KVM_HAS_TSC_DEADLINE,
    KVM_HAS_TSC_KHZ,
    KVM_HAS_NR_VCPUS,
    KVM_HAS_MAX_VCPUS,
    KVM_HAS_SYNC_REGS,
    KVM_HAS_NUM,
};

enum kvm_need {
    KVM_NEEDED,             /* no guest runs without */
    KVM_NEEDED_IMPLIED,     /* the same; all x86 KVMs with IMMEDIATE_EXIT have it: not asked then */
    KVM_NEEDED_FOR_IRQCHIP, /* boards with interrupts */
    KVM_OPTIONAL,           /* something is slower or absent without */
};

struct kvm_capability {
    const char *name; /* as api.rst calls it: KVM_CAP_... */
    int number;
    enum kvm_need need;
    const char *purpose; /* what acre does with it, or loses without it */
};

extern const struct kvm_capability kvm_capabilities[KVM_HAS_NUM];

struct kvm {
    int sys_fd;      /* /dev/kvm */
    int vm_fd;       /* -1: no VM yet */
    size_t run_size; /* bytes of a vCPU's shared mapping; 0: not asked yet */
    /* Returns: what the ioctl returned, or -errno. */
    int (*call)(struct kvm *kvm, int fd, unsigned long request, void *arg);
    void *opaque;              /* of `call` */
    _Atomic uint64_t calls;    /* ioctls issued, KVM_RUN excluded */
    int16_t caps[KVM_HAS_NUM]; /* KVM_CHECK_EXTENSION's answer + 1, cut at 32767; 0: not asked */
};

/*
 * Opens /dev/kvm and checks its API version; makes no VM.
 * @path  NULL: /dev/kvm.
 * Returns: 0; -ENOENT no such device (no KVM module); -EACCES no permission (err names the group
 * that has it); -ENOTTY not a KVM device; -EPROTO another API version than 12; -errno of open.
 */
int kvm_open(struct kvm *kvm, const char *path, struct error *err)
    __attribute__((warn_unused_result));
/*
 * Makes the VM, after checking what it needs.
 * @irqchip  capabilities that only an interrupt controller needs are needed.
 * Returns: 0; -ENOTSUP a needed capability is missing (err names it and its purpose); -errno.
 */
int kvm_create_vm(struct kvm *kvm, bool irqchip, struct error *err)
    __attribute__((warn_unused_result));
/* Closes both descriptors. Accepts a zeroed one. */
void kvm_close(struct kvm *kvm);

/*
 * The value of a capability, 0 where absent. Asked of the kernel once, of the VM when there is one.
 * Context: one thread.
 */
int kvm_has(struct kvm *kvm, enum kvm_capability_id id);

/* VM ioctls. Returns: 0 (or the value api.rst gives) or -errno. */
int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region *region);
/* A capability without arguments but for the first. */
int kvm_enable_cap(struct kvm *kvm, uint32_t number, uint64_t arg);
/*
 * The pages of a slot that were written, as a bitmap, bit 0 of word 0 first. With manual protection
 * the kernel keeps them until they are cleared; without, it starts anew.
 * @bitmap  whole words of 64 pages, as many as the slot has.
 */
int kvm_get_dirty_log(struct kvm *kvm, uint32_t slot, uint64_t *bitmap);
/*
 * Manual protection only: forgets those pages of the slot whose bits are set, and watches them
 * again.
 * @first_page  a multiple of 64.   @page_num  a multiple of 64, or up to the slot's end.
 */
int kvm_clear_dirty_log(struct kvm *kvm, uint32_t slot, uint64_t first_page, uint32_t page_num,
                        uint64_t *bitmap);
/* Watches afresh what the dirty rings gave back. Returns: how many entries, or -errno. */
int kvm_reset_dirty_rings(struct kvm *kvm);
int kvm_create_irqchip(struct kvm *kvm);
int kvm_set_tss_addr(struct kvm *kvm, uint64_t gpa);
int kvm_irq_line(struct kvm *kvm, uint32_t gsi, bool level);
int kvm_ioeventfd(struct kvm *kvm, const struct kvm_ioeventfd *eventfd);
int kvm_coalesced_zone(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone, bool add);
/* Returns: a descriptor, or -errno. */
int kvm_create_vcpu(struct kvm *kvm, unsigned index);
/* Returns: bytes of the vCPU mapping, or -errno. */
int kvm_vcpu_mmap_size(struct kvm *kvm);
/* @chip  its `chip_id` says which one. */
int kvm_get_irqchip(struct kvm *kvm, struct kvm_irqchip *chip);
int kvm_set_irqchip(struct kvm *kvm, const struct kvm_irqchip *chip);
/* @list  its `nmsrs` is room on entry and the number filled on return; -E2BIG: too little. */
int kvm_get_msr_index_list(struct kvm *kvm, struct kvm_msr_list *list);
/* @cpuid  its `nent` is room on entry and the number filled on return; -E2BIG: too little. */
int kvm_get_supported_cpuid(struct kvm *kvm, struct kvm_cpuid2 *cpuid);

/* vCPU ioctls: by the vCPU's own thread once it runs. Returns: 0 or -errno. */
int kvm_get_regs(struct kvm *kvm, int fd, struct kvm_regs *regs);
int kvm_set_regs(struct kvm *kvm, int fd, const struct kvm_regs *regs);
int kvm_get_sregs(struct kvm *kvm, int fd, struct kvm_sregs *sregs);
int kvm_set_sregs(struct kvm *kvm, int fd, const struct kvm_sregs *sregs);
/* With what a CPU in PAE paging holds of its PDPTEs. -ENOTTY: KVM before 5.14. */
int kvm_get_sregs2(struct kvm *kvm, int fd, struct kvm_sregs2 *sregs);
/* @cpuid  as for kvm_get_supported_cpuid(). */
int kvm_get_cpuid(struct kvm *kvm, int fd, struct kvm_cpuid2 *cpuid);
int kvm_set_cpuid(struct kvm *kvm, int fd, const struct kvm_cpuid2 *cpuid);
/* Returns: how many of msrs->nmsrs were set (the first that was refused ends it), or -errno. */
int kvm_set_msrs(struct kvm *kvm, int fd, const struct kvm_msrs *msrs);
/* Returns: how many of msrs->nmsrs were read, or -errno. */
int kvm_get_msrs(struct kvm *kvm, int fd, struct kvm_msrs *msrs);
int kvm_get_mp_state(struct kvm *kvm, int fd, uint32_t *state);
int kvm_set_mp_state(struct kvm *kvm, int fd, uint32_t state);
int kvm_get_lapic(struct kvm *kvm, int fd, struct kvm_lapic_state *lapic);
int kvm_set_lapic(struct kvm *kvm, int fd, const struct kvm_lapic_state *lapic);
int kvm_get_debugregs(struct kvm *kvm, int fd, struct kvm_debugregs *regs);
int kvm_set_debugregs(struct kvm *kvm, int fd, const struct kvm_debugregs *regs);
int kvm_get_xcrs(struct kvm *kvm, int fd, struct kvm_xcrs *xcrs);
int kvm_set_xcrs(struct kvm *kvm, int fd, const struct kvm_xcrs *xcrs);
int kvm_get_xsave(struct kvm *kvm, int fd, struct kvm_xsave *xsave);
int kvm_set_xsave(struct kvm *kvm, int fd, const struct kvm_xsave *xsave);
int kvm_get_vcpu_events(struct kvm *kvm, int fd, struct kvm_vcpu_events *events);
int kvm_set_vcpu_events(struct kvm *kvm, int fd, const struct kvm_vcpu_events *events);
int kvm_get_fpu(struct kvm *kvm, int fd, struct kvm_fpu *fpu);
int kvm_set_fpu(struct kvm *kvm, int fd, const struct kvm_fpu *fpu);
int kvm_set_guest_debug(struct kvm *kvm, int fd, const struct kvm_guest_debug *debug);
/* A non-maskable interrupt; it waits until the vCPU can take it. */
int kvm_nmi(struct kvm *kvm, int fd);
/* An interrupt, in a VM without controllers, to a vCPU that can take it. */
int kvm_interrupt(struct kvm *kvm, int fd, uint32_t vector);
/* Linear to guest-physical. Returns: 0; -EFAULT not mapped; -errno. */
int kvm_translate(struct kvm *kvm, int fd, uint64_t linear, uint64_t *gpa);
/* The descriptor of what KVM counts. @fd  the VM's or a vCPU's. Returns: it, or -errno. */
int kvm_get_stats_fd(struct kvm *kvm, int fd);
/* Returns: kHz, or -errno. */
int kvm_get_tsc_khz(struct kvm *kvm, int fd);

#endif
