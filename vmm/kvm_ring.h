/*
 * kvm_ring.h - the ring in which KVM holds back writes to coalesced zones.
 *
 * One ring for a VM, in the mapping of its first vCPU. KVM adds at `last`, we take at `first`.
 * Drained right after each KVM_RUN, at timer ticks, before accesses that must observe the writes,
 * and when the VM ends.
 *
 * Context: any thread registered with memory/, no lock of memory/ held. Entries are delivered in
 * order by one thread at a time; a thread that comes while another drains waits for it. One that is
 * inside a device, or comes back from its own delivery, delivers nothing and returns at once.
 * Source: api.rst 4.116; struct kvm_coalesced_mmio_ring.
 */
#ifndef ACRE_VMM_KVM_RING_H
#define ACRE_VMM_KVM_RING_H

#include <pthread.h>

#include "memory/memory.h"
#include "vmm/kvm.h"

enum { KVM_RING_PAGE = 4096 };

struct kvm_ring {
    struct kvm_coalesced_mmio_ring *ring; /* NULL: none, drains do nothing */
    uint32_t entry_num;                   /* places in the page */
    AddressSpace *memory, *io;
    pthread_mutex_t lock;       /* held while delivering; before owners' locks */
    _Atomic(pthread_t) drainer; /* who holds it; 0: nobody */
    _Atomic uint64_t delivered;
};

/* @page  KVM's page of the first vCPU's mapping, or NULL. */
void kvm_ring_init(struct kvm_ring *ring, void *page, AddressSpace *memory, AddressSpace *io);
void kvm_ring_finish(struct kvm_ring *ring);

void kvm_ring_drain_slow(struct kvm_ring *ring);

/* Delivers what waits; at most one ring's length. Cost: two loads when it is empty. */
static inline void kvm_ring_drain(struct kvm_ring *ring)
{
    struct kvm_coalesced_mmio_ring *shared = ring->ring;

    if (shared && __atomic_load_n(&shared->first, __ATOMIC_RELAXED) !=
                      __atomic_load_n(&shared->last, __ATOMIC_RELAXED)) {
        kvm_ring_drain_slow(ring);
    }
}

#endif
