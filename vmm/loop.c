/*
 * loop.c - epoll hands out events whose data points at a loop_source; the loop itself keeps no
 * list of them. Work of other threads waits in a list that one eventfd announces.
 */
#include "vmm/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static void wake(struct loop *loop)
{
    const uint64_t one = 1;

    /* Can only fail when the counter is full, and then the loop is awake anyway. */
    if (write(loop->event_fd, &one, sizeof(one)) < 0) {
        return;
    }
}

static void run_work(void *opaque, uint32_t events)
{
    struct loop *loop = opaque;
    struct loop_work *work;
    uint64_t count;

    (void)events;
    pthread_mutex_lock(&loop->lock);
    if (loop->quit && !loop->first) {
        pthread_mutex_unlock(&loop->lock);
        return; /* nobody will wait for the counter again */
    }
    pthread_mutex_unlock(&loop->lock);
    if (read(loop->event_fd, &count, sizeof(count)) < 0) {
        return;
    }
    pthread_mutex_lock(&loop->lock);
    /* What a work item posts runs in the next round, so that descriptors are not starved. */
    work = loop->first;
    loop->first = NULL;
    loop->last = NULL;
    while (work) {
        struct loop_work *next = work->next;

        work->queued = false;
        pthread_mutex_unlock(&loop->lock);
        work->run(work->opaque);
        pthread_mutex_lock(&loop->lock);
        work = next;
    }
    pthread_mutex_unlock(&loop->lock);
}

int loop_init(struct loop *loop, struct error *err)
{
    int ret;

    memset(loop, 0, sizeof(*loop));
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        ret = error_set_errno(err, errno, "epoll_create1");
        goto out_lock;
    }
    loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->event_fd < 0) {
        ret = error_set_errno(err, errno, "eventfd");
        goto out_epoll;
    }
    loop->event_source = (struct loop_source){
        .fd = loop->event_fd, .events = EPOLLIN, .ready = run_work, .opaque = loop};
    ret = loop_add(loop, &loop->event_source);
    if (ret < 0) {
        (void)error_set_errno(err, -ret, "epoll_ctl");
        goto out_event;
    }
    return 0;

out_event:
    (void)close(loop->event_fd);
out_epoll:
    (void)close(loop->epoll_fd);
out_lock:
    (void)pthread_mutex_destroy(&loop->lock);
    memset(loop, 0, sizeof(*loop));
    return ret;
}

void loop_finish(struct loop *loop)
{
    if (loop->epoll_fd == 0) {
        return;
    }
    if (loop->signal_fd > 0) {
        (void)close(loop->signal_fd);
    }
    (void)close(loop->event_fd);
    (void)close(loop->epoll_fd);
    (void)pthread_mutex_destroy(&loop->lock);
    memset(loop, 0, sizeof(*loop));
}

static void read_signals(void *opaque, uint32_t events)
{
    struct loop *loop = opaque;
    struct signalfd_siginfo info;

    (void)events;
    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        loop->signalled(loop->signal_opaque, (int)info.ssi_signo);
    }
}

int loop_signals(struct loop *loop, const sigset_t *set, void (*signalled)(void *opaque, int signo),
                 void *opaque, struct error *err)
{
    sigset_t blocked = *set;
    int ret;

    (void)sigaddset(&blocked, SIGPIPE);
    ret = pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    if (ret != 0) {
        return error_set_errno(err, ret, "pthread_sigmask");
    }
    loop->signalled = signalled;
    loop->signal_opaque = opaque;
    loop->signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0) {
        ret = errno;
        loop->signal_fd = 0;
        return error_set_errno(err, ret, "signalfd");
    }
    loop->signal_source = (struct loop_source){
        .fd = loop->signal_fd, .events = EPOLLIN, .ready = read_signals, .opaque = loop};
    ret = loop_add(loop, &loop->signal_source);
    if (ret < 0) {
        (void)close(loop->signal_fd);
        loop->signal_fd = 0;
        return error_set_errno(err, -ret, "epoll_ctl");
    }
    return 0;
}

static int control(struct loop *loop, int op, struct loop_source *source)
{
    struct epoll_event event = {.events = source->events, .data.ptr = source};

    return epoll_ctl(loop->epoll_fd, op, source->fd, &event) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_source *source)
{
    return control(loop, EPOLL_CTL_ADD, source);
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
    source->events = events;
    return control(loop, EPOLL_CTL_MOD, source);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    size_t i;

    for (i = 0; i < LOOP_BATCH; i++) {
        struct loop_source *ready = source;

        (void)atomic_compare_exchange_strong(&loop->batch[i], &ready, NULL);
    }
    /* ENOENT: it was not watched, which is what the caller wants. */
    (void)control(loop, EPOLL_CTL_DEL, source);
}

void loop_post(struct loop *loop, struct loop_work *work)
{
    bool first = false;

    pthread_mutex_lock(&loop->lock);
    if (!work->queued) {
        work->queued = true;
        work->next = NULL;
        first = !loop->first;
        if (loop->last) {
            loop->last->next = work;
        } else {
            loop->first = work;
        }
        loop->last = work;
    }
    pthread_mutex_unlock(&loop->lock);
    if (first) {
        wake(loop);
    }
}

static bool quitting(struct loop *loop)
{
    bool quit;

    pthread_mutex_lock(&loop->lock);
    quit = loop->quit;
    pthread_mutex_unlock(&loop->lock);
    return quit;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void loop_post_later(struct loop *loop, struct loop_work *work, unsigned delay_ms)
{
    loop->later = work;
    loop->later_ms = now_ms() + delay_ms + 1; /* what is cut off below a millisecond */
}

/* For epoll_wait; -1: for ever. */
static int wait_ms(const struct loop *loop)
{
    int64_t left_ms;

    if (!loop->later) {
        return -1;
    }
    left_ms = loop->later_ms - now_ms();
    return left_ms <= 0 ? 0 : left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static void run_later(struct loop *loop)
{
    struct loop_work *work = loop->later;

    if (work && now_ms() >= loop->later_ms) {
        loop->later = NULL;
        work->run(work->opaque);
    }
}

/* One after the other; what an earlier one removes is not called. */
static void serve(struct loop *loop, const struct epoll_event *events, int num)
{
    struct loop_source *source;
    int i;

    for (i = 0; i < num; i++) {
        atomic_store(&loop->batch[i], events[i].data.ptr);
    }
    for (i = 0; i < num; i++) {
        source = atomic_exchange(&loop->batch[i], NULL);
        if (source) {
            source->ready(source->opaque, events[i].events);
        }
    }
}

int loop_run(struct loop *loop)
{
    struct epoll_event events[LOOP_BATCH];
    int num;

    while (!quitting(loop)) {
        num = epoll_wait(loop->epoll_fd, events, LOOP_BATCH, wait_ms(loop));
        if (num < 0 && errno != EINTR) {
            return -errno;
        }
        serve(loop, events, num);
        run_later(loop);
    }
    return 0;
}

void loop_quit(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->quit = true;
    pthread_mutex_unlock(&loop->lock);
    wake(loop);
}
