/*
 * owner.h - who a region belongs to: the lock it is served under, and the guard against re-entry.
 *
 * A device has one MemoryOwner and names it at the init of each of its regions. Dispatch takes the
 * owner's lock around every callback; vmm takes it around timers and back-end calls into the
 * device. There is no big lock, and lookups take none.
 *
 * Lock order: an owner's lock, then the core's. A thread that already holds an owner's lock takes
 * another only by trylock: when that fails the nested access ends with MEMTX_ACCESS_ERROR and is
 * counted, so that two CPUs that start A->DMA->B and B->DMA->A cannot deadlock. A thread that
 * comes back to an owner it is already inside (mmio -> dma -> mmio, timer -> dma -> mmio) is
 * refused likewise, unless the region opted out (memory_region_set_reentrant).
 */
#ifndef ACRE_MEMORY_OWNER_H
#define ACRE_MEMORY_OWNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct MemoryOwner MemoryOwner;
struct MemoryOwner {
    const char *name; /* for logs and listings; the caller's, lives as long as the owner */
    pthread_mutex_t lock;
    _Atomic uint64_t blocked_reentry;  /* accesses refused because the chain was already inside */
    _Atomic uint64_t blocked_deadlock; /* accesses refused because the trylock failed */
};

/*
 * One link of this thread's chain of owners, on the stack of the function that entered.
 */
struct memory_owner_frame {
    MemoryOwner *owner;
    struct memory_owner_frame *outer;
    bool locked; /* by this frame */
};

/* Context: any thread. The owner must outlive its regions. */
void memory_owner_init(MemoryOwner *owner, const char *name);
/* Context: nobody is inside the owner. Accepts a zeroed owner. */
void memory_owner_finish(MemoryOwner *owner);

/*
 * Enter and leave an owner from outside a dispatch: timers, back ends, reset. Blocks when this
 * thread is inside no owner; else as the lock order says.
 * @frame  caller's stack, kept until leave.
 * Returns: true when entered; false when refused (counted), then leave must not be called.
 */
bool memory_owner_enter(MemoryOwner *owner, struct memory_owner_frame *frame);
void memory_owner_leave(struct memory_owner_frame *frame);

/* True when this thread is inside any owner (it may then not wait for another device). */
bool memory_owner_inside(void);

#endif
