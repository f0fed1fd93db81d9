/*
 * test_runner.h - running many guests, some at a time, each in a process of its own (test_child.h).
 *
 * One thread waits for all of them. SIGINT, SIGTERM, SIGHUP and SIGQUIT end the run: children are
 * killed, and what was done so far stands.
 */
#ifndef ACRE_VMM_TEST_RUNNER_H
#define ACRE_VMM_TEST_RUNNER_H

#include "vmm/test_collect.h"
#include "vmm/test_verdict.h"

enum { TEST_JOBS_MAX = 1024 };

struct test_run {
    const struct test_guests *guests;
    struct test_verdict *results; /* one for each guest, zeroed to start; the caller's */
    unsigned jobs;                /* at a time, 1..TEST_JOBS_MAX; fewer if descriptors are few */
    uint64_t timeout_ns;          /* of guests that say none */
    unsigned retries;             /* of what failed */
    const char *kvm_path;
    const struct test_words *run_options; /* put before each guest's own */
    /* A guest has its result, or (not final) begins. Never both for one event. */
    void (*begun)(void *opaque, size_t index);
    void (*done)(void *opaque, size_t index);
    void *opaque;
    bool stop; /* set by begun() or done(): nobody wants to know any more */
};

/*
 * Returns: 0 when all were run, or it was told to stop; the number of the signal that ended it;
 * -errno when nothing could be run, err filled. Context: the process's first thread, before any
 * other.
 */
int test_run(struct test_run *run, struct error *err) __attribute__((warn_unused_result));

/* `acre run ...` for a shell, as the guest is run but for what only the runner wants. */
char *test_command(const struct test_run *run, const struct test_guest *guest);

#endif
