/*
 * kvm_slots.h - the RAM-like parts of an address space as KVM memory slots.
 *
 * A MemoryListener on system_memory. Slots tile the whole pages of every RAM, ROM and romd range,
 * with the section's effective READONLY; a partial page, or one whose guest and host addresses
 * differ modulo 4096, has none and traps. prepare() works out which slots go and come and
 * allocates all that apply() needs; apply() deletes, then adds; undo() brings the old slots back.
 * A slot whose (gpa, size, hva, flags) the commit leaves alone is never touched.
 *
 * Split points are sticky: where a window once cut a range, the tiles stay apart after the window
 * has gone, so that showing it again costs a delete and/or a create. They are given up, all at
 * once, only when slot ids run short.
 *
 * Where a region is logged (dirty.h) its slots carry KVM_MEM_LOG_DIRTY_PAGES, switched in place.
 * What KVM logged is brought in at each sync, and, with the vCPUs parked, before a slot goes or is
 * logged no longer: no bit is lost, and none invented (but a page counts as written when KVM fails
 * to say). Taken bits are cleared in KVM page by page (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2), so that
 * a sync does not watch all memory anew; without that capability a sync does. Or vCPUs log in rings
 * (kvm_dirty_ring.h): then each sync harvests them all, with the vCPUs parked.
 *
 * Context: as listeners; lookups and the audit under the core lock or where no commit can run.
 * Source: api.rst 4.35 KVM_SET_USER_MEMORY_REGION, 4.8 KVM_GET_DIRTY_LOG, 4.117
 * KVM_CLEAR_DIRTY_LOG.
 */
#ifndef ACRE_VMM_KVM_SLOTS_H
#define ACRE_VMM_KVM_SLOTS_H

#include "memory/memory.h"
#include "vmm/kvm.h"
#include "vmm/kvm_dirty_ring.h"

enum { KVM_SLOTS_PAGE = 4096 };
#define KVM_SLOT_PAGES_MAX UINT64_C(0x7fffffff) /* the kernel's limit, in pages */

struct kvm_slot {
    struct itree_node node; /* [first, last] in guest-physical bytes */
    uint32_t id;
    uint32_t flags;        /* KVM_MEM_* */
    uint64_t hva;          /* host address of the first byte */
    MemoryRegion *mr;      /* what it shows; referenced by the view */
    uint64_t ioctl_ns;     /* what its last ioctl took */
    struct kvm_slot *next; /* private: in a delta's list */
    bool going;            /* private: the commit at hand deletes it */
    uint64_t *synced;      /* private: a bit a page, what KVM reported and was not told to forget */
};

/* What the last commit did to the slots; lists in order of issue. */
struct kvm_slots_delta {
    const struct kvm_slot *removed; /* by ->next */
    const struct kvm_slot *added;
    const struct kvm_slot *changed; /* flags only: new flags */
    unsigned removed_num, added_num, changed_num;
    unsigned ioctls;   /* issued, those of a roll-back included */
    uint64_t ioctl_ns; /* what they took */
};

struct kvm_slots_config {
    unsigned slots_max; /* ids 0..slots_max-1; 0: what KVM_CAP_NR_MEMSLOTS says */
    /* Keep vCPUs out of KVM_RUN while a roll-back deletes slots; nests. May be NULL. */
    void (*park)(void *opaque);
    void (*unpark)(void *opaque);
    void *opaque;
    struct kvm_dirty_rings *rings; /* of the VM, outlive us; NULL: bitmaps */
};

struct kvm_slots_plan; /* private */

struct kvm_slots {
    /* private, but for lookups below */
    MemoryListener listener;
    struct kvm *kvm;
    struct kvm_slots_config config;
    struct itree slots;          /* what KVM has */
    struct itree cuts;           /* split points: [gpa, gpa] */
    uint64_t *ids;               /* bitmap of ids in use */
    unsigned id_max, id_room;    /* the limit; bits there is room for */
    uint64_t *log;               /* room for the log of any slot that is logged */
    size_t log_room;             /* words */
    bool log_used, log_manual;   /* a slot was logged; KVM leaves the clearing to us */
    uint64_t fail_alloc;         /* tests: the n-th allocation from now fails; 0: none */
    bool forgetting;             /* the VM goes away with all its slots: no ioctls */
    struct kvm_slots_plan *plan; /* of the commit at hand, then what the last one did */
    /* The last slot that KVM would not make; 0 and 0: there was none. */
    hwaddr refused_first, refused_last;
};

/*
 * Registers with `as`; its present RAM becomes slots.
 * @config  NULL: all defaults.
 * Returns: 0; -ENOMEM; -ENOSPC more slots than KVM has; -errno of the ioctl that failed. After a
 * failure nothing is left but what is said of the slot that KVM would not make.
 */
int kvm_slots_init(struct kvm_slots *slots, struct kvm *kvm, AddressSpace *as,
                   const struct kvm_slots_config *config) __attribute__((warn_unused_result));
/*
 * Leaves the address space.
 * @forget  true: the VM is about to be closed, which ends all slots; issue no ioctl.
 * Accepts a zeroed one.
 */
void kvm_slots_finish(struct kvm_slots *slots, bool forget);

/* The slot that covers `gpa`, or NULL. Cost: O(log n). */
const struct kvm_slot *kvm_slots_lookup(const struct kvm_slots *slots, hwaddr gpa);
/* In ascending gpa. */
void kvm_slots_for_each(const struct kvm_slots *slots,
                        void (*each)(void *opaque, const struct kvm_slot *slot), void *opaque);
size_t kvm_slots_num(const struct kvm_slots *slots);
/*
 * Memory of the view that no slot has, since it is no whole page of the host's: each access to it
 * traps. Pieces of ranges, ascending. @range  lives as the view does.
 */
void kvm_slots_for_each_trap(const struct kvm_slots *slots, const FlatView *view,
                             void (*each)(void *opaque, const FlatRange *range, hwaddr first,
                                          hwaddr last),
                             void *opaque);
/* Valid until the next commit that changes slots; empty when the last commit changed none. */
struct kvm_slots_delta kvm_slots_last_delta(const struct kvm_slots *slots);

/*
 * True when the slots are exactly the whole pages of the RAM-like part of `view`: each of its pages
 * in one slot, with its host address and flags, and no slot shows anything else.
 * @why  caller's buffer for the first difference.
 * Cost: O(n log n).
 */
bool kvm_slots_audit(const struct kvm_slots *slots, const FlatView *view, char *why,
                     size_t why_size);

#endif
