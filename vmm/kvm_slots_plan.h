/*
 * kvm_slots_plan.h - what the files of kvm_slots share. Private to them.
 *
 * kvm_slots_pieces.c says what memory a commit changes, kvm_slots_plan.c which slots that removes,
 * adds and re-flags, kvm_slots.c issues the ioctls and takes them back, kvm_slots_log.c keeps the
 * dirty logs.
 *
 * Context: as prepare(), but where said.
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

/* What a commit does to the memory that slots show. Each in ascending order. */
struct slot_diff {
    struct slot_pieces changes; /* other memory now, or none; or other rights */
    struct slot_pieces relogs;  /* the same, but for KVM_MEM_LOG_DIRTY_PAGES */
    struct slot_pieces renamed; /* the same, but another region shows it */
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
    uint64_t ioctl_ns;
    bool stops_log; /* a slot that stays is logged no longer */
    bool compact;   /* split points were given up */
    bool applied;
};

static inline uint64_t kvm_slot_pages(const struct kvm_slot *slot)
{
    return (slot->node.last - slot->node.first) / KVM_SLOTS_PAGE + 1;
}

/* reallocarray, which tests can make fail (slots->fail_alloc). */
void *kvm_slots_alloc(struct kvm_slots *slots, void *old, size_t num, size_t size);

/* ---- kvm_slots_pieces.c ---- */

/* What a section gives a slot: its whole pages. Returns: false when there are none. */
bool slot_piece_of(const MemoryRegionSection *section, struct slot_piece *piece);
bool slot_piece_of_range(const FlatRange *range, struct slot_piece *piece);
struct slot_piece slot_piece_of_slot(const struct kvm_slot *slot);
/* [first, last] of a piece, by itself. */
struct slot_piece slot_piece_cut(const struct slot_piece *piece, hwaddr first, hwaddr last);
/* The same memory with the same flags, or both none. */
bool slot_piece_same(const struct slot_piece *a, const struct slot_piece *b);

/* Returns: 0, -ENOMEM. */
int slot_pieces_add(struct kvm_slots *slots, struct slot_pieces *pieces,
                    const struct slot_piece *piece);
int slot_pieces_of_view(struct kvm_slots *slots, const FlatView *view, struct slot_pieces *pieces);
/* Sorts, and joins neighbours that continue each other. */
void slot_pieces_join(struct slot_pieces *pieces);

/* @diff  zeroed. To be freed whatever is returned. Returns: 0, -ENOMEM. */
int slot_diff_make(struct kvm_slots *slots, const MemoryCommit *commit, struct slot_diff *diff);
void slot_diff_free(struct slot_diff *diff);

/* ---- kvm_slots_plan.c ---- */

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
void kvm_slot_free(struct kvm_slot *slot);

/* ---- kvm_slots_log.c ---- */

/* Memory for the log of a slot that is to be logged, so that reading it cannot fail for want of
 * some. Returns: 0, -ENOMEM. */
int kvm_slots_log_prepare(struct kvm_slots *slots, struct kvm_slot *slot)
    __attribute__((warn_unused_result));
/* KVM starts a log of the slot, all clean. Nothing for one that is not logged. */
void kvm_slots_log_begin(struct kvm_slots *slots, struct kvm_slot *slot);
/* Rings: what the slot shows is known, by the region it has now; and is not, since it goes. */
void kvm_slots_log_place(struct kvm_slots *slots, const struct kvm_slot *slot);
void kvm_slots_log_end(struct kvm_slots *slots, const struct kvm_slot *slot);
/*
 * Brings what KVM logged for a slot into its block's bitmaps. Nothing for one that is not logged.
 * Returns: 0; -errno of the ioctl, then nothing was brought in.
 */
int kvm_slots_log_read(struct kvm_slots *slots, const struct kvm_slot *slot)
    __attribute__((warn_unused_result));
/* Listener callbacks. */
void kvm_slots_log_sync(MemoryListener *listener, const MemoryRegionSection *section);
void kvm_slots_log_clear(MemoryListener *listener, const MemoryRegionSection *section);

#endif
