/*
 * kvm_slots_plan.h - which slots a commit removes, adds and re-flags. Private to kvm_slots*.c.
 *
 * Context: as prepare().
 */
#ifndef ACRE_VMM_KVM_SLOTS_PLAN_H
#define ACRE_VMM_KVM_SLOTS_PLAN_H

#include "vmm/kvm_slots.h"

/* A piece of guest-physical space and the memory behind it, whole pages. */
struct slot_piece {
    hwaddr first, last;
    uint64_t hva; /* of first */
    uint32_t flags;
    bool mapped; /* false: no memory here */
    MemoryRegion *mr;
};

struct slot_pieces {
    struct slot_piece *items;
    size_t num, room;
};

struct slot_list {
    struct kvm_slot *first, *last;
    unsigned num;
};

struct kvm_slots_plan {
    struct slot_list removed;                        /* in the tree until apply; then the plan's */
    struct slot_list added;                          /* the plan's until apply; then in the tree */
    struct slot_list changed;                        /* copies with the new flags; the plan's */
    struct slot_pieces renamed;                      /* same memory, another region */
    unsigned removed_done, added_done, changed_done; /* how far apply came */
    unsigned ids_taken; /* the last so many of `added` have ids of their own */
    unsigned ioctls;
    bool compact; /* split points were given up */
    bool applied;
};

/* What a section gives a slot: its whole pages. Returns: false when there are none. */
bool slot_piece_of(const MemoryRegionSection *section, struct slot_piece *piece);
bool slot_piece_of_range(const FlatRange *range, struct slot_piece *piece);

void slot_list_add(struct slot_list *list, struct kvm_slot *slot);

/*
 * Works out a commit's slots into slots->plan, ids included.
 * Returns: 0; -ENOMEM; -ENOSPC. After a failure the plan is empty.
 */
int kvm_slots_plan(struct kvm_slots *slots, const MemoryCommit *commit)
    __attribute__((warn_unused_result));
/* Frees what the plan owns and makes it empty; one not applied gives its ids back. */
void kvm_slots_plan_reset(struct kvm_slots *slots);
/* After success: the cuts that the plan's slots make; ids let go. Allocates nothing it must have.
 */
void kvm_slots_plan_settle(struct kvm_slots *slots);

void kvm_slots_cuts_clear(struct kvm_slots *slots);

#endif
