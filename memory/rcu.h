/*
 * rcu.h - liburcu's memb flavour as acre uses it; nothing else in acre includes liburcu.
 *
 * Under ThreadSanitizer each publish, dereference, unlock and reclaim is told to it, since
 * Debian's liburcu is not instrumented and would look like a race.
 * The read lock is liburcu's own inline one: its header allows those two functions (under ten
 * lines) in code of any licence; calls through a library would cost more than the lookups they
 * guard. Source: liburcu 0.13 (urcu-api.md, rcu-api.md; urcu/static/urcu-memb.h).
 */
#ifndef ACRE_MEMORY_RCU_H
#define ACRE_MEMORY_RCU_H

#if defined(__SANITIZE_THREAD__)
#define ACRE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACRE_TSAN 1
#endif
#endif

#ifndef ACRE_TSAN    /* it would see one half of a pair whose other half is in the library */
#define _LGPL_SOURCE /* inline urcu_memb_read_lock, _unlock */
#endif
#include <urcu/urcu-memb.h>
#undef _LGPL_SOURCE

#include <pthread.h>
#include <stdbool.h>

#ifdef ACRE_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
/* One address stands for "all readers before the grace period". */
#define RCU_TSAN_SYNC ((void *)&urcu_memb_register_thread)
#define rcu_tsan_acquire() __tsan_acquire(RCU_TSAN_SYNC)
#define rcu_tsan_release() __tsan_release(RCU_TSAN_SYNC)
#else
#define rcu_tsan_acquire() ((void)0)
#define rcu_tsan_release() ((void)0)
#endif

static inline void rcu_lock(void)
{
    urcu_memb_read_lock();
}

static inline void rcu_unlock(void)
{
    rcu_tsan_release();
    urcu_memb_read_unlock();
}

/* Acquire, not consume: no compiler implements consume, and on x86 it is a plain load. */
#define rcu_load(ptr) __atomic_load_n(&(ptr), __ATOMIC_ACQUIRE)
#define rcu_publish(ptr, value) __atomic_store_n(&(ptr), (value), __ATOMIC_RELEASE)

/* Runs callback on the RCU worker once all present readers have left. Never blocks. */
static inline void rcu_defer(struct rcu_head *head, void (*callback)(struct rcu_head *head))
{
    rcu_tsan_release();
    urcu_memb_call_rcu(head, callback);
}

/* Starts the worker. Returns: false when it cannot. */
static inline bool rcu_worker_start(void)
{
    return urcu_memb_get_default_call_rcu_data() != NULL;
}

/* Waits until all present readers have left. Context: outside read sections. */
static inline void rcu_wait(void)
{
    urcu_memb_synchronize_rcu();
    rcu_tsan_acquire();
}

struct rcu_drain {
    struct rcu_head head;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static inline void rcu_drained(struct rcu_head *head)
{
    struct rcu_drain *drain = (struct rcu_drain *)(void *)head; /* its first member */

    rcu_tsan_acquire();
    pthread_mutex_lock(&drain->lock);
    drain->is_done = true;
    pthread_cond_signal(&drain->done);
    pthread_mutex_unlock(&drain->lock);
}

/*
 * Waits for all callbacks deferred so far: the worker takes them in order, so one more that tells
 * when it is reached will do. (urcu_memb_barrier() does the same for any number of workers, but
 * ThreadSanitizer cannot see into it.) Context: outside read sections.
 */
static inline void rcu_drain(void)
{
    struct rcu_drain drain = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
    };

    rcu_defer(&drain.head, rcu_drained);
    pthread_mutex_lock(&drain.lock);
    while (!drain.is_done) {
        pthread_cond_wait(&drain.done, &drain.lock);
    }
    pthread_mutex_unlock(&drain.lock);
    rcu_tsan_acquire();
}

/* First thing in every reclaim callback. */
static inline void rcu_reclaim_begins(void)
{
    rcu_tsan_acquire();
}

/* Last thing in every reclaim callback: rcu_drain's callers see what it did. */
static inline void rcu_reclaim_ends(void)
{
    rcu_tsan_release();
}

#endif
