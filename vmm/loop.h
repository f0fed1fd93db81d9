/*
 * loop.h - the event loop: epoll over descriptors, signals by signalfd, wake-ups by eventfd.
 *
 * One thread runs it (the process's first); others reach it through loop_post() and loop_quit().
 * Descriptors are made when first needed, so that a short run pays for none it does not use.
 */
#ifndef ACRE_VMM_LOOP_H
#define ACRE_VMM_LOOP_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/error.h"

/*
 * A descriptor that is watched. The caller's storage, from add to remove; the loop does not own
 * the descriptor.
 */
struct loop_source {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT; EPOLLERR and EPOLLHUP always come */
    void (*ready)(void *opaque, uint32_t events);
    void *opaque;
};

/* Something to do on the loop's thread. The caller's storage until it has run. */
struct loop_work {
    void (*run)(void *opaque);
    void *opaque;
    /* private */
    struct loop_work *next;
    bool queued;
};

enum { LOOP_BATCH = 16 /* sources that one look at the kernel may find ready */ };

struct loop {
    /* private */
    int epoll_fd, event_fd, signal_fd; /* 0: none yet */
    struct loop_source event_source, signal_source;
    void (*signalled)(void *opaque, int signo);
    void *signal_opaque;
    pthread_mutex_t lock; /* the fields below; no other lock is taken inside */
    struct loop_work *first, *last;
    bool quit;
    /* Of the loop's thread. */
    struct loop_work *later; /* NULL: none */
    int64_t later_ms;        /* CLOCK_MONOTONIC */
    /* Found ready, and not served yet. */
    _Atomic(struct loop_source *) batch[LOOP_BATCH];
};

/*
 * Makes the epoll instance and the wake-up.
 * Returns: 0; -errno of epoll_create1 or eventfd, err says which.
 */
int loop_init(struct loop *loop, struct error *err) __attribute__((warn_unused_result));
/* Accepts a zeroed loop. Sources must have been removed, or are forgotten. */
void loop_finish(struct loop *loop);

/*
 * Blocks the signals of `set` in the calling thread (call before other threads start, so that
 * they inherit it) and delivers them to `signalled`, on the loop's thread. SIGPIPE is blocked
 * besides and goes nowhere: writers see EPIPE. All others are let in, whatever the parent process
 * had blocked: among them is the one that kicks vCPUs.
 * Returns: 0; -errno.
 */
int loop_signals(struct loop *loop, const sigset_t *set, void (*signalled)(void *opaque, int signo),
                 void *opaque, struct error *err) __attribute__((warn_unused_result));

/*
 * Watch, change what is watched, stop watching. Context: any thread. What the loop's thread has
 * removed gets no call any more, though it was ready, and its storage may go; what another thread
 * removed may still get the call that was on its way.
 * Returns: 0; -EPERM a file that is always ready (regular files, /dev/null); -errno of epoll_ctl.
 */
int loop_add(struct loop *loop, struct loop_source *source) __attribute__((warn_unused_result));
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
    __attribute__((warn_unused_result));
void loop_remove(struct loop *loop, struct loop_source *source);

/* Runs `work` once on the loop's thread; nothing when it waits already. Context: any thread. */
void loop_post(struct loop *loop, struct loop_work *work);

/*
 * Runs `work` once, `delay_ms` (0..) from now or a little later. It is the wait that ends in time:
 * no timer is made, and a loop that ends before has spent nothing on it.
 * Context: the loop's thread, or before it runs. One at a time: none may be pending.
 */
void loop_post_later(struct loop *loop, struct loop_work *work, unsigned delay_ms);

/* Serves sources until loop_quit(); work that is posted by then runs. Returns: 0; -errno. */
int loop_run(struct loop *loop) __attribute__((warn_unused_result));
/* Makes loop_run return, at once if it has not begun. Context: any thread. */
void loop_quit(struct loop *loop);

#endif
