/*
 * owner.c - locks of devices, and the chain of those that this thread is inside.
 *
 * The chain is a list of stack frames that hangs on one thread-local pointer: the only mutable
 * file-scope state of memory/. It has to be per thread and cross machines: the question it answers
 * is "what does this call stack hold".
 */
#include "memory/internal.h"

_Thread_local struct memory_owner_frame *memory_owner_chain;

void memory_owner_init(MemoryOwner *owner, const char *name)
{
    *owner = (MemoryOwner){.name = name};
    pthread_mutex_init(&owner->lock, NULL);
}

void memory_owner_finish(MemoryOwner *owner)
{
    if (owner->name) {
        pthread_mutex_destroy(&owner->lock);
        owner->name = NULL;
    }
}

enum owner_entry owner_enter_nested(MemoryOwner *owner, struct memory_owner_frame *frame,
                                    bool lockless, bool reentrant)
{
    struct memory_owner_frame *outer;
    bool holds_any = false, holds_this = false;

    for (outer = memory_owner_chain; outer; outer = outer->outer) {
        if (outer->owner == owner) {
            if (!reentrant) {
                atomic_fetch_add_explicit(&owner->blocked_reentry, 1, memory_order_relaxed);
                return OWNER_REENTRY;
            }
            holds_this |= outer->locked;
        }
        holds_any |= outer->locked;
    }
    *frame = (struct memory_owner_frame){.owner = owner, .outer = memory_owner_chain};
    if (!lockless && !holds_this) {
        if (!holds_any) {
            pthread_mutex_lock(&owner->lock);
        } else if (pthread_mutex_trylock(&owner->lock) != 0) {
            atomic_fetch_add_explicit(&owner->blocked_deadlock, 1, memory_order_relaxed);
            return OWNER_DEADLOCK;
        }
        frame->locked = true;
    }
    memory_owner_chain = frame;
    return OWNER_ENTERED;
}

bool memory_owner_enter(MemoryOwner *owner, struct memory_owner_frame *frame)
{
    return (memory_owner_chain ? owner_enter_nested(owner, frame, false, false)
                               : owner_enter_first(owner, frame, false)) == OWNER_ENTERED;
}

void memory_owner_leave(struct memory_owner_frame *frame)
{
    owner_leave(frame);
}

bool memory_owner_inside(void)
{
    return memory_owner_chain != NULL;
}
