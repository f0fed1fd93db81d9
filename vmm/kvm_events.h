/*
 * kvm_events.h - ioeventfds and coalesced zones of an address space, kept in KVM in step with it.
 *
 * A MemoryListener for each of system_memory and system_io. Deletions come before additions; a
 * failure puts back what was there.
 * Context: a commit's (the core lock is held); kvm_events_signal() any thread.
 * Source: api.rst 4.59 KVM_IOEVENTFD, 4.116 KVM_(UN)REGISTER_COALESCED_MMIO.
 */
#ifndef ACRE_VMM_KVM_EVENTS_H
#define ACRE_VMM_KVM_EVENTS_H

#include "memory/memory.h"
#include "vmm/kvm.h"

struct kvm_events {
    /* private */
    MemoryListener listener;
    struct kvm *kvm;
    bool pio;
    bool zones; /* this KVM coalesces here */
    bool registered, forgetting;
    size_t done; /* steps of the commit at hand */
};

/*
 * @pio     the space is that of the ports.
 * Returns: 0; -errno of an ioctl (-ENOSPC: more than KVM's 1000 devices), nothing is left then.
 */
int kvm_events_init(struct kvm_events *events, struct kvm *kvm, AddressSpace *as, bool pio)
    __attribute__((warn_unused_result));
/* @forget  true: the VM is about to be closed; issue no ioctl. Accepts a zeroed one. */
void kvm_events_finish(struct kvm_events *events, bool forget);

/*
 * Signals one, for writes that reached dispatch (memory_core_config.signal_eventfd): those that
 * came out of KVM_RUN while a commit had taken the eventfd from KVM, and those of acre itself.
 */
void kvm_events_signal(void *opaque, int fd);

#endif
