/*
 * listener.h - who must know when an address space changes.
 *
 * A commit of one address space is one batch. First the part that can fail, while the old view is
 * still the published one:
 *   prepare (ascending priority)  look at the change, reserve what apply needs; may refuse
 *   apply   (ascending)           carry it out where it can fail (KVM slots, eventfds, zones)
 * and when one fails: undo (descending) for those whose apply succeeded, then cancel (descending)
 * for all whose prepare succeeded, the undone ones too: it releases what prepare reserved. Else
 * the new view is published, and the part that cannot fail follows: begin; region_del (each
 * ascending in address, listeners descending); region_add, region_nop, log_start, log_stop,
 * coalesced and eventfd callbacks; commit (ascending). Any callback may be NULL. Registration
 * replays the current view (as a MemoryCommit that adds everything), removal its mirror image;
 * while all RAM is logged (dirty.h), log_global_start comes before it, log_global_stop after.
 *
 * Context: the committing thread, with the core lock held. Callbacks must not change any tree
 * (the setters give -EBUSY).
 */
#ifndef ACRE_MEMORY_LISTENER_H
#define ACRE_MEMORY_LISTENER_H

#include "memory/address_space.h"
#include "memory/flatview.h"

typedef struct MemoryListener MemoryListener;

/* One eventfd as an address space shows it: `addr` is absolute here. */
typedef MemoryRegionIoeventfd MemoryEventfd;

/* One coalesced zone, cut to the flat range it shows in. */
typedef struct MemoryCoalescedZone {
    hwaddr first, last;
} MemoryCoalescedZone;

/* An unchanged section whose dirty-log mask changed. */
typedef struct MemoryLogChange {
    MemoryRegionSection section;
    uint8_t old_mask, new_mask;
} MemoryLogChange;

/* What one commit does to one address space. Arrays are in ascending address order. */
typedef struct MemoryCommit {
    AddressSpace *as;
    const FlatView *old_view, *new_view;
    const MemoryRegionSection *del, *add, *nop; /* nop: unchanged, but touching a dirty window */
    size_t del_num, add_num, nop_num;
    const MemoryLogChange *log;
    size_t log_num;
    const MemoryEventfd *eventfd_del, *eventfd_add;
    size_t eventfd_del_num, eventfd_add_num;
    const MemoryCoalescedZone *coalesced_del, *coalesced_add;
    size_t coalesced_del_num, coalesced_add_num;
    const char *cause; /* the setter that opened the change, and its region; for traces */
    const char *cause_region;
    bool park; /* set by a prepare that will take memory from running vCPUs: the core parks them
                  before the first apply and lets them go after the last commit callback */
} MemoryCommit;

struct MemoryListener {
    const char *name;
    int priority;
    void *opaque; /* the listener's own */
    int (*prepare)(MemoryListener *listener, MemoryCommit *commit);
    void (*cancel)(MemoryListener *listener, const MemoryCommit *commit);
    /* On failure it puts back what it had done, or else calls memory_core_break(). */
    int (*apply)(MemoryListener *listener, const MemoryCommit *commit);
    /* 0, or -errno when the old state could not be had back: the core then counts as broken. */
    int (*undo)(MemoryListener *listener, const MemoryCommit *commit);
    void (*begin)(MemoryListener *listener);
    void (*region_del)(MemoryListener *listener, const MemoryRegionSection *section);
    void (*region_add)(MemoryListener *listener, const MemoryRegionSection *section);
    void (*region_nop)(MemoryListener *listener, const MemoryRegionSection *section);
    void (*log_start)(MemoryListener *listener, const MemoryRegionSection *section,
                      uint8_t old_mask, uint8_t new_mask);
    void (*log_stop)(MemoryListener *listener, const MemoryRegionSection *section, uint8_t old_mask,
                     uint8_t new_mask);
    /* Bring into the blocks' bitmaps what was logged for the section (dirty.h). */
    void (*log_sync)(MemoryListener *listener, const MemoryRegionSection *section);
    /* A client took the section's bits: forget those brought in so far, log those pages afresh. */
    void (*log_clear)(MemoryListener *listener, const MemoryRegionSection *section);
    /* All RAM is logged from now on (may refuse with -errno), or no longer. */
    int (*log_global_start)(MemoryListener *listener);
    void (*log_global_stop)(MemoryListener *listener);
    void (*eventfd_add)(MemoryListener *listener, const MemoryEventfd *eventfd);
    void (*eventfd_del)(MemoryListener *listener, const MemoryEventfd *eventfd);
    void (*coalesced_io_add)(MemoryListener *listener, const MemoryCoalescedZone *zone);
    void (*coalesced_io_del)(MemoryListener *listener, const MemoryCoalescedZone *zone);
    void (*commit)(MemoryListener *listener, const MemoryCommit *commit);
    /* private to memory/ */
    AddressSpace *as;
    MemoryListener *next;
};

/*
 * The listener is the caller's and stays until unregistered.
 * Returns: 0, or what log_global_start, prepare or apply said (then it is not registered); -EBUSY
 * inside a transaction or a callback; -EINVAL prepare without cancel, or apply without undo.
 */
int memory_listener_register(MemoryListener *listener, AddressSpace *as)
    __attribute__((warn_unused_result));
/*
 * Replays the removal of everything; failures of apply are ignored. Accepts an unregistered one.
 * Context: not in a callback; in a transaction, what it is told is the map before that.
 */
void memory_listener_unregister(MemoryListener *listener);

#endif
