/*
 * vcpu_paging.c - registers by KVM_GET_SREGS, the width of physical addresses by KVM_GET_CPUID2;
 * tables by debug reads, but for the first entry of a PAE walk, which is in the CPU.
 */
#include "vmm/vcpu_paging.h"

#include <errno.h>
#include <string.h>

enum { CPUID_ADDRESS_SIZES = (int)0x80000008U };

/* Returns: MAXPHYADDR; 0 not known. */
static unsigned physical_bits(struct vcpu *vcpu)
{
    struct x86_cpuid cpuid = {.nent = X86_CPUID_MAX};
    const struct kvm_cpuid_entry2 *entry = NULL;

    if (kvm_get_cpuid(vcpu->group->config.kvm, vcpu->fd, (struct kvm_cpuid2 *)&cpuid) == 0) {
        entry = x86_cpuid_find(&cpuid, (uint32_t)CPUID_ADDRESS_SIZES, 0);
    }
    return entry ? entry->eax & 0xff : 0;
}

int vcpu_paging_read(struct vcpu *vcpu, struct vcpu_paging *paging)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_sregs sregs;
    struct kvm_sregs2 loaded = {.flags = 0};
    int result = kvm_get_sregs(kvm, vcpu->fd, &sregs);
    unsigned i;

    if (result < 0) {
        return result;
    }
    *paging = (struct vcpu_paging){
        .regs =
            {
                .cr0 = sregs.cr0,
                .cr3 = sregs.cr3,
                .cr4 = sregs.cr4,
                .efer = sregs.efer,
                .physical_bits = physical_bits(vcpu),
            },
    };
    if (x86_paging_mode(&paging->regs) == X86_PAGING_PAE &&
        kvm_get_sregs2(kvm, vcpu->fd, &loaded) == 0 &&
        (loaded.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID)) {
        paging->pdptes_loaded = true;
        for (i = 0; i < VCPU_PDPTE_NUM; i++) {
            paging->pdptes[i] = loaded.pdptrs[i];
        }
    }
    return 0;
}

struct reader {
    const struct vcpu_paging *paging;
    AddressSpace *memory;
    bool begun;
};

static int read_entry(void *opaque, uint64_t gpa, void *buf, unsigned len)
{
    struct reader *reader = opaque;
    const struct vcpu_paging *paging = reader->paging;
    const MemTxAttrs attrs = {.memory = true, .debug = true};

    if (!reader->begun && paging->pdptes_loaded) {
        memcpy(buf, &paging->pdptes[gpa / sizeof(uint64_t) % VCPU_PDPTE_NUM], len);
        reader->begun = true;
        return 0;
    }
    return address_space_read(reader->memory, gpa, attrs, buf, len) == MEMTX_OK ? 0 : -EFAULT;
}

void vcpu_paging_walk(const struct vcpu_paging *paging, AddressSpace *memory, uint64_t linear,
                      struct x86_walk *walk)
{
    struct reader reader = {.paging = paging, .memory = memory};

    x86_walk(&paging->regs, linear, read_entry, &reader, walk);
}
