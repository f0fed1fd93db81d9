/*
 * vclock.h - the machine's virtual clock: nanoseconds since power-on, standing still while the VM
 * is stopped, with timers that expire on the event loop.
 *
 * Timers are kept in order of their deadline; one timerfd serves all, made at the first arm and
 * set anew only when the earliest deadline changes.
 *
 * Lock order: a timer's owner, then the clock's lock. `expired` runs under the owner's lock
 * (memory_owner_enter) and without the clock's.
 */
#ifndef ACRE_VMM_VCLOCK_H
#define ACRE_VMM_VCLOCK_H

#include "devices/device.h"
#include "vmm/error.h"
#include "vmm/loop.h"

struct vclock {
    struct device_clock clock; /* what devices get; first, so that it leads back here */
    /* private */
    struct loop *loop;
    struct loop_source source; /* the timerfd; fd 0: none yet */
    pthread_mutex_t lock;
    struct device_timer *first; /* ascending deadlines; equal ones in order of arming */
    uint64_t programmed_ns;     /* what the timerfd waits for; UINT64_MAX: nothing */
    uint64_t epoch_ns;          /* CLOCK_MONOTONIC at virtual time 0 */
    uint64_t stopped_ns;        /* virtual time at the stop */
    bool stopped;
};

/* The clock starts running at 0. Makes no system call. Context of init and finish: no other user.
 */
void vclock_init(struct vclock *vclock, struct loop *loop);
/* Timers still armed are forgotten and not touched: they may be gone. Accepts a zeroed clock. */
void vclock_finish(struct vclock *vclock);

/* Context: any thread. Cost: no system call (vDSO). */
uint64_t vclock_now_ns(struct vclock *vclock);

/*
 * Virtual time stands still between the two; timers wait. Both do nothing when already so.
 * A timer that is expiring on the loop's thread may end after stop returned elsewhere.
 */
void vclock_stop(struct vclock *vclock);
void vclock_resume(struct vclock *vclock);

/* The clock's own deadline function, for vmm's timers (owner NULL: no lock is taken). */
static inline void vclock_arm(struct vclock *vclock, struct device_timer *timer,
                              uint64_t deadline_ns)
{
    vclock->clock.arm(&vclock->clock, timer, deadline_ns);
}
static inline void vclock_disarm(struct vclock *vclock, struct device_timer *timer)
{
    vclock->clock.disarm(&vclock->clock, timer);
}

#endif
