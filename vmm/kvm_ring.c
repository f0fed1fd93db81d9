/*
 * kvm_ring.c - the kernel produces at `last` under its own lock, we consume at `first`. An entry is
 * copied and its place given back before it is delivered, so that a device that is slow, or comes
 * back here, never sees it twice.
 */
#include "vmm/kvm_ring.h"

#include <string.h>

void kvm_ring_init(struct kvm_ring *ring, void *page, AddressSpace *memory, AddressSpace *io)
{
    *ring = (struct kvm_ring){
        .ring = page,
        .entry_num = (KVM_RING_PAGE - sizeof(struct kvm_coalesced_mmio_ring)) /
                     sizeof(struct kvm_coalesced_mmio),
        .memory = memory,
        .io = io,
    };
    (void)pthread_mutex_init(&ring->lock, NULL);
}

void kvm_ring_finish(struct kvm_ring *ring)
{
    if (ring->entry_num) {
        (void)pthread_mutex_destroy(&ring->lock);
    }
    *ring = (struct kvm_ring){0};
}

/* Takes one entry out. Returns: false when there is none (or the indices make no sense). */
static bool take(struct kvm_ring *ring, struct kvm_coalesced_mmio *entry)
{
    struct kvm_coalesced_mmio_ring *shared = ring->ring;
    uint32_t first = __atomic_load_n(&shared->first, __ATOMIC_RELAXED);
    uint32_t last = __atomic_load_n(&shared->last, __ATOMIC_ACQUIRE);

    if (first == last || first >= ring->entry_num) {
        return false;
    }
    *entry = shared->coalesced_mmio[first];
    __atomic_store_n(&shared->first, (first + 1) % ring->entry_num, __ATOMIC_RELEASE);
    return true;
}

void kvm_ring_drain_slow(struct kvm_ring *ring)
{
    struct kvm_coalesced_mmio entry;
    pthread_t self = pthread_self();
    uint32_t budget;

    /* Only this thread can have stored its own id, so the comparison needs no lock. */
    if (!ring->ring || pthread_equal(atomic_load(&ring->drainer), self)) {
        return;
    }
    /*
     * Inside a device nothing can be delivered to that very device, and a write that is refused is
     * lost. What waits comes from other CPUs: this one's own was delivered when it left KVM_RUN.
     */
    if (memory_owner_inside()) {
        return;
    }
    (void)pthread_mutex_lock(&ring->lock);
    atomic_store(&ring->drainer, self);
    for (budget = ring->entry_num; budget > 0 && take(ring, &entry); budget--) {
        uint64_t len = entry.len <= sizeof(entry.data) ? entry.len : sizeof(entry.data);

        (void)address_space_write(entry.pio ? ring->io : ring->memory, entry.phys_addr,
                                  MEMTXATTRS_UNSPECIFIED, entry.data, len);
        atomic_fetch_add_explicit(&ring->delivered, 1, memory_order_relaxed);
    }
    atomic_store(&ring->drainer, (pthread_t)0);
    (void)pthread_mutex_unlock(&ring->lock);
}
