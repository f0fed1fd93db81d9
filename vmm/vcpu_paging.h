/*
 * vcpu_paging.h - how one vCPU translates linear addresses now, and walks through its page tables
 * in guest memory.
 *
 * Source: Intel SDM vol. 3A ch. 4 (4.4.1 PDPTE registers), vol. 2A CPUID leaf 80000008H; api.rst
 * 4.142 KVM_GET_SREGS2.
 */
#ifndef ACRE_VMM_VCPU_PAGING_H
#define ACRE_VMM_VCPU_PAGING_H

#include "vmm/vcpu.h"
#include "vmm/x86_walk.h"

enum { VCPU_PDPTE_NUM = 4 };

struct vcpu_paging {
    struct x86_paging regs;
    /* PAE: the CPU walks from what it loaded with CR3, whatever is in memory by now. */
    bool pdptes_loaded;
    uint64_t pdptes[VCPU_PDPTE_NUM];
};

/*
 * Context: the vCPU's thread, outside the guest (vcpu_group_call()).
 * Returns: 0; -errno of KVM_GET_SREGS. Where KVM does not say, pdptes_loaded is false, and the
 * physical address width is the widest there is.
 */
int vcpu_paging_read(struct vcpu *vcpu, struct vcpu_paging *paging)
    __attribute__((warn_unused_result));

/*
 * As x86_walk(), through memory alone: what is no RAM or ROM is no page table.
 * Context: a registered thread. Cost: at most five lookups.
 */
void vcpu_paging_walk(const struct vcpu_paging *paging, AddressSpace *memory, uint64_t linear,
                      struct x86_walk *walk);

#endif
