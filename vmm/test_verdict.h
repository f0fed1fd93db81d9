/*
 * test_verdict.h - what became of one guest of `acre test`: judged from its exit status and what it
 * printed, with all that a person needs to find out why.
 *
 * Context: one thread; a result is its owner's.
 */
#ifndef ACRE_VMM_TEST_VERDICT_H
#define ACRE_VMM_TEST_VERDICT_H

#include <jansson.h>

#include "vmm/test_child.h"
#include "vmm/test_tap.h"

enum test_outcome {
    TEST_NOT_RUN,
    TEST_PASSED,
    TEST_FAILED,
    TEST_SKIPPED,
};

/* The exit status by which a guest says that it does not apply here. */
enum { TEST_STATUS_SKIP = 77 };

/* So much of what a guest printed is kept for who reads results; more only where it is TAP. */
enum { TEST_OUTPUT_KEPT = 64 << 10 };

struct test_verdict {
    enum test_outcome outcome;
    bool final;                /* false: not run, or interrupted, or to be tried again */
    struct test_words why;     /* of a failure, one line each; not empty for TEST_FAILED */
    char *skip_reason;         /* NULL: none given */
    struct test_words flaky;   /* why earlier tries failed: passed on a later one */
    unsigned tries;            /* 1.. */
    uint64_t took_ns;          /* of the last try */
    struct test_text out, err; /* of the last try */
    struct test_tap tap;       /* in `out` */
    json_t *end;               /* what --result said, see verdict.h; NULL: nothing */
    char *command;             /* for a shell: runs this guest alone */
};

/*
 * Judges a child that has ended, and takes over what it printed.
 * @result  zeroed, or of an earlier try: replaced, but for `command`, and `tries` goes up; what
 * failed before goes to `flaky`.
 * Returns: 0; -ENOMEM.
 */
int test_verdict_take(struct test_verdict *result, struct test_child *child)
    __attribute__((warn_unused_result));
/* It could not even be started. Returns: 0; -ENOMEM. */
int test_verdict_fail(struct test_verdict *result, const char *why)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void test_verdict_finish(struct test_verdict *result);

/* How many of each outcome. */
struct test_counts {
    size_t total, done, passed, failed, skipped, flaky;
};
void test_counts_add(struct test_counts *counts, const struct test_verdict *result);

#endif
