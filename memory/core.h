/*
 * core.h - struct memory_core: what one VM's memory shares. One lock, the RAM blocks, the address
 * spaces, the open transaction. There is no global: two VMs live in one process.
 */
#ifndef ACRE_MEMORY_CORE_H
#define ACRE_MEMORY_CORE_H

#include "memory/address_space.h"
#include "memory/ram.h"

/* All may be NULL. */
struct memory_core_config {
    void (*park)(void *opaque);   /* keep vCPUs out of KVM_RUN; returns when all are out */
    void (*unpark)(void *opaque); /* let them go */
    /* Deliver writes that were held back (coalesced ring). Called before an access to a region
     * that must observe them, with no lock of memory/ held. */
    void (*flush_coalesced)(void *opaque);
    /* Signal an eventfd that a dispatched write matched (KVM signals its own). */
    void (*signal_eventfd)(void *opaque, int fd);
    /* A failed commit could not be undone: the map is not to be trusted, no vCPU may run again (the
     * core has parked them and does not unpark). Called once, with the core lock held. */
    void (*broken)(void *opaque, int apply_error, int undo_error);
    /* A line for the user, without newline: what a guest provoked (the receiver limits its rate).
     */
    void (*log)(void *opaque, const char *line);
    void *opaque;
};

/* What a commit did; asserted by tests as c log n. Only ever grow. */
struct memory_counters {
    uint64_t commits;        /* outermost commits that changed a view */
    uint64_t ranges_visited; /* flat ranges and tree nodes looked at while rendering and diffing */
    uint64_t nodes_copied;   /* flat view nodes */
    uint64_t callbacks;      /* calls into listeners */
    _Atomic uint64_t views_pending; /* old views not yet reclaimed (goes down, too) */
    uint64_t views_pending_max;
};

struct memory_core {
    /* private to memory/ */
    pthread_mutex_t lock; /* recursive; after owners' locks, never before */
    struct memory_core_config config;
    RAMList ram;
    AddressSpace *spaces, **spaces_tail;
    struct memory_transaction *transaction; /* NULL: none open */
    unsigned depth;
    uint64_t seq;
    _Atomic uintptr_t holder; /* the thread inside a transaction; 0: none */
    _Atomic uintptr_t keeper; /* the thread between freeze and thaw; 0: none */
    unsigned keeps;           /* how often it froze */
    bool in_commit;           /* a listener's callback runs */
    _Atomic uint64_t dying;   /* regions whose destructor is queued */
    unsigned global_log;      /* count of those who want all RAM logged */
    _Atomic bool broken;      /* an undo failed: no vCPU may run again */
    int broken_apply, broken_undo;
    uint64_t fail_alloc; /* tests: the n-th allocation from now fails; 0: none */
    struct memory_counters counters;
    pthread_mutex_t retire_lock;    /* a leaf */
    FlatView *retired;              /* old views, newest first, whose readers may not have left */
    struct memory_reclaim *reclaim; /* those that the RCU worker has in hand */
};

/* Returns: 0, -ENOMEM. */
int memory_core_init(struct memory_core *core, const struct memory_core_config *config)
    __attribute__((warn_unused_result));
/*
 * Waits for every destructor (RCU barrier). All regions, blocks and spaces must have been let go.
 * Accepts a zeroed core.
 */
void memory_core_finish(struct memory_core *core);

/*
 * A transaction: setters between begin and the outermost commit take effect together, or not at
 * all. Nests; inner commits return 0 and do nothing. The core lock is held from the outermost begin
 * to its commit or abort: a thread opens one only when it may take that lock.
 */
void memory_region_transaction_begin(struct memory_core *core);
/*
 * Returns: 0; -errno of the listener that refused or failed, or -ENOMEM: then every setter since
 * the outermost begin is undone, and tree, views, slots, eventfds and zones are as before.
 * -EINVAL: no transaction is open.
 * Cost: O(c log n): c what the change touches (windows, the ranges in them), n the ranges.
 */
int memory_region_transaction_commit(struct memory_core *core) __attribute__((warn_unused_result));
/* Undoes everything since the outermost begin and closes all levels. */
void memory_region_transaction_abort(struct memory_core *core);

/*
 * Keeps other threads from committing until thaw; this one may. Nests. For who must change the map,
 * let a vCPU run on it while all others stand still, and change it back.
 * Context: no owner's lock is held, nor taken before thaw.
 */
void memory_core_freeze(struct memory_core *core);
void memory_core_thaw(struct memory_core *core);

/*
 * When many old views wait to be reclaimed, wait for the readers of the oldest. Cheap otherwise.
 * Context: outside any RCU read section and any owner's lock (vmm: before it re-enters KVM_RUN).
 */
void memory_core_throttle(struct memory_core *core);

/*
 * Starts the RCU worker, which otherwise starts when it first has something to do: for who is about
 * to forbid new threads. Returns: 0, -EAGAIN.
 */
int memory_worker_start(void) __attribute__((warn_unused_result));

/* Every thread that accesses an address space, between these two, once. */
void memory_thread_register(void);
void memory_thread_unregister(void);

/*
 * For a listener whose apply failed and cannot put back what it had done: marks the core broken
 * (the first call counts) and tells config.broken. Context: in apply or undo.
 */
void memory_core_break(struct memory_core *core, int apply_error, int undo_error);
/* True when the undo of a failed commit failed too: the map is not to be trusted any more. */
bool memory_core_is_broken(const struct memory_core *core, int *apply_error, int *undo_error);

#endif
