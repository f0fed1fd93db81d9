/*
 * vclock.c - a list of timers in order of deadline (a machine has a handful), and one timerfd for
 * the earliest. A timer that is due is looked up again under its owner's lock before it runs, so
 * that a device that disarmed it in between is not called.
 */
#include "vmm/vclock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "memory/owner.h"

static uint64_t monotonic_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Context: locked. */
static uint64_t now_locked(const struct vclock *vclock)
{
    return vclock->stopped ? vclock->stopped_ns : monotonic_ns() - vclock->epoch_ns;
}

static void tick(void *opaque, uint32_t events);

/* Context: locked. A clock that cannot have a timerfd keeps time but expires nothing. */
static bool make_timerfd(struct vclock *vclock)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0) {
        return false;
    }
    vclock->source =
        (struct loop_source){.fd = fd, .events = EPOLLIN, .ready = tick, .opaque = vclock};
    if (loop_add(vclock->loop, &vclock->source) < 0) {
        (void)close(fd);
        vclock->source.fd = 0;
        return false;
    }
    return true;
}

/* Sets the timerfd to the earliest deadline if it is not. Context: locked. */
static void program(struct vclock *vclock)
{
    uint64_t wanted_ns =
        vclock->first && !vclock->stopped ? vclock->first->deadline_ns : UINT64_MAX;
    struct itimerspec spec = {.it_value.tv_sec = 0};
    uint64_t host_ns;

    if (wanted_ns == vclock->programmed_ns) {
        return;
    }
    if (vclock->source.fd == 0 && !make_timerfd(vclock)) {
        return;
    }
    if (wanted_ns != UINT64_MAX) {
        if (__builtin_add_overflow(wanted_ns, vclock->epoch_ns, &host_ns) || host_ns > INT64_MAX) {
            host_ns = INT64_MAX;
        }
        spec.it_value.tv_sec = (time_t)(host_ns / 1000000000);
        spec.it_value.tv_nsec = (long)(host_ns % 1000000000);
        if (host_ns == 0) {
            spec.it_value.tv_nsec = 1; /* all zero would disarm it */
        }
    }
    (void)timerfd_settime(vclock->source.fd, TFD_TIMER_ABSTIME, &spec, NULL);
    vclock->programmed_ns = wanted_ns;
}

/* Context: locked. */
static void unlink_timer(struct vclock *vclock, struct device_timer *timer)
{
    struct device_timer **link = &vclock->first;

    while (*link && *link != timer) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = timer->next;
    }
    timer->next = NULL;
    timer->armed = false;
}

static void arm(struct device_clock *clock, struct device_timer *timer, uint64_t deadline_ns)
{
    struct vclock *vclock = (struct vclock *)(void *)clock;
    struct device_timer **link = &vclock->first;

    pthread_mutex_lock(&vclock->lock);
    if (timer->armed) {
        unlink_timer(vclock, timer);
    }
    timer->deadline_ns = deadline_ns;
    timer->armed = true;
    while (*link && (*link)->deadline_ns <= deadline_ns) {
        link = &(*link)->next;
    }
    timer->next = *link;
    *link = timer;
    program(vclock);
    pthread_mutex_unlock(&vclock->lock);
}

static void disarm(struct device_clock *clock, struct device_timer *timer)
{
    struct vclock *vclock = (struct vclock *)(void *)clock;

    /* The timerfd is left as it is: a tick with nothing due costs less than setting it. */
    pthread_mutex_lock(&vclock->lock);
    if (timer->armed) {
        unlink_timer(vclock, timer);
    }
    pthread_mutex_unlock(&vclock->lock);
}

static uint64_t now_ns(struct device_clock *clock)
{
    return vclock_now_ns((struct vclock *)(void *)clock);
}

/* The timer that is due first, or NULL. Context: locked. */
static struct device_timer *due(struct vclock *vclock)
{
    struct device_timer *timer = vclock->first;

    if (!timer || vclock->stopped || timer->deadline_ns > now_locked(vclock)) {
        return NULL;
    }
    return timer;
}

/* Runs `timer` under its owner's lock if it is due by then. */
static void expire(struct vclock *vclock, struct device_timer *timer)
{
    struct memory_owner_frame frame;
    MemoryOwner *owner = timer->owner;
    bool run;

    if (owner && !memory_owner_enter(owner, &frame)) {
        return; /* the loop's thread is inside no owner, so that this does not happen */
    }
    pthread_mutex_lock(&vclock->lock);
    run = timer->armed && !vclock->stopped && timer->deadline_ns <= now_locked(vclock);
    if (run) {
        unlink_timer(vclock, timer);
    }
    pthread_mutex_unlock(&vclock->lock);
    if (run) {
        timer->expired(timer->opaque);
    }
    if (owner) {
        memory_owner_leave(&frame);
    }
}

static void tick(void *opaque, uint32_t events)
{
    /* A device that arms itself in the past must not keep the loop from everything else. */
    enum { EXPIRED_PER_TICK = 64 };
    struct vclock *vclock = opaque;
    struct device_timer *timer;
    uint64_t count;
    int left;

    (void)events;
    if (read(vclock->source.fd, &count, sizeof(count)) < 0 && errno != EAGAIN) {
        return;
    }
    for (left = EXPIRED_PER_TICK; left > 0; left--) {
        pthread_mutex_lock(&vclock->lock);
        timer = due(vclock);
        pthread_mutex_unlock(&vclock->lock);
        if (!timer) {
            break;
        }
        expire(vclock, timer);
    }
    pthread_mutex_lock(&vclock->lock);
    vclock->programmed_ns = UINT64_MAX; /* it fired, so it is not set any more */
    program(vclock);
    pthread_mutex_unlock(&vclock->lock);
}

void vclock_init(struct vclock *vclock, struct loop *loop)
{
    memset(vclock, 0, sizeof(*vclock));
    vclock->clock = (struct device_clock){.now_ns = now_ns, .arm = arm, .disarm = disarm};
    vclock->loop = loop;
    (void)pthread_mutex_init(&vclock->lock, NULL);
    vclock->programmed_ns = UINT64_MAX;
    vclock->epoch_ns = monotonic_ns();
}

void vclock_finish(struct vclock *vclock)
{
    if (!vclock->loop) {
        return;
    }
    if (vclock->source.fd > 0) {
        loop_remove(vclock->loop, &vclock->source);
        (void)close(vclock->source.fd);
    }
    (void)pthread_mutex_destroy(&vclock->lock);
    memset(vclock, 0, sizeof(*vclock));
}

uint64_t vclock_now_ns(struct vclock *vclock)
{
    uint64_t now;

    pthread_mutex_lock(&vclock->lock);
    now = now_locked(vclock);
    pthread_mutex_unlock(&vclock->lock);
    return now;
}

void vclock_stop(struct vclock *vclock)
{
    pthread_mutex_lock(&vclock->lock);
    if (!vclock->stopped) {
        vclock->stopped_ns = now_locked(vclock);
        vclock->stopped = true;
        program(vclock);
    }
    pthread_mutex_unlock(&vclock->lock);
}

void vclock_resume(struct vclock *vclock)
{
    pthread_mutex_lock(&vclock->lock);
    if (vclock->stopped) {
        vclock->epoch_ns = monotonic_ns() - vclock->stopped_ns;
        vclock->stopped = false;
        program(vclock);
    }
    pthread_mutex_unlock(&vclock->lock);
}
