/*
 * kvm_dirty_ring.h - KVM's dirty rings: each vCPU logs the pages that it writes in a ring of its
 * own, instead of a bitmap a slot.
 *
 * An entry names a slot and a page of it. Harvesting gives the entries back, has KVM watch their
 * pages again (KVM_RESET_DIRTY_RINGS), and marks them then in the blocks that the slots show. Not
 * before: a client that took the bit in between would not learn of a write that came before the
 * watch. A vCPU whose ring is nearly full leaves
 * the guest (KVM_EXIT_DIRTY_RING_FULL) until somebody harvests.
 *
 * Rings exclude KVM_GET_DIRTY_LOG and manual protection.
 * Lock: the rings' own, taken inside; inside the core lock, and nothing is taken inside it.
 * Source: api.rst 8.29 KVM_CAP_DIRTY_LOG_RING/KVM_CAP_DIRTY_LOG_RING_ACQ_REL.
 */
#ifndef ACRE_VMM_KVM_DIRTY_RING_H
#define ACRE_VMM_KVM_DIRTY_RING_H

#include <pthread.h>

#include "memory/memory.h"
#include "vmm/kvm.h"

/* Entries of a ring: a power of two; KVM may want more than the least (1024 with Intel's PML). */
enum { KVM_DIRTY_RING_MIN = 256, KVM_DIRTY_RING_MAX = 65536 };

struct kvm_dirty_ring {
    struct kvm_dirty_gfn *entries;
    uint32_t next; /* to be harvested */
};

/* What a slot shows. */
struct kvm_dirty_slot {
    RAMBlock *block; /* NULL: no such slot */
    uint64_t offset; /* in the block, of the slot's first page */
    uint64_t pages;
};

struct kvm_dirty_rings {
    /* private */
    pthread_mutex_t lock;
    struct kvm *kvm;
    uint32_t size; /* entries of each */
    struct kvm_dirty_ring *rings;
    unsigned num;                /* vCPUs so far */
    struct kvm_dirty_gfn *taken; /* room for all entries */
    struct kvm_dirty_slot *slots;
    unsigned slot_num;
};

/*
 * Runs a small guest in a VM of its own until its ring has been full several times. Some KVMs offer
 * rings and let them overflow, after which the vCPU never gets on.
 * @kvm   opened; its VM, if any, is not touched.
 * @size  of the rings to come, entries.
 * Returns: 0 sound; -ENOTSUP not offered, not that size, or not sound (err says which); -errno.
 * Cost: some 20 ioctls, and a page fault for each of 4 * min(size, 1024) pages.
 */
int kvm_dirty_ring_probe(struct kvm *kvm, uint32_t size, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Switches the VM to rings. Context: before its first vCPU.
 * Returns: 0; -ENOTSUP KVM has none, or not of that size; -ENOMEM. After a failure nothing is left.
 */
int kvm_dirty_rings_init(struct kvm_dirty_rings *rings, struct kvm *kvm, uint32_t size,
                         struct error *err) __attribute__((warn_unused_result));
/* Unmaps the rings. Accepts zeroed ones. */
void kvm_dirty_rings_finish(struct kvm_dirty_rings *rings);
/* Maps a new vCPU's ring. Context: before any vCPU runs. Returns: 0 or -errno. */
int kvm_dirty_rings_add(struct kvm_dirty_rings *rings, int vcpu_fd)
    __attribute__((warn_unused_result));

/*
 * From now on entries of slot `id` are pages of `block` from byte `offset` on.
 * @block  NULL: the slot goes. Harvest first, with the vCPUs out of the guest.
 */
void kvm_dirty_rings_set_slot(struct kvm_dirty_rings *rings, uint32_t id, RAMBlock *block,
                              uint64_t offset, uint64_t pages);
/*
 * Takes what all rings hold. Complete for what was written before only with the vCPUs out of the
 * guest (a CPU may hold back entries of its own).
 * Returns: how many entries were taken; -EPROTO KVM did not take them back; -errno of the ioctl.
 * After a failure pages may be unwatched. Context: any thread.
 */
int kvm_dirty_rings_harvest(struct kvm_dirty_rings *rings);
/* Marks every page of every slot: for when a harvest failed. */
void kvm_dirty_rings_mark_all(struct kvm_dirty_rings *rings);

#endif
