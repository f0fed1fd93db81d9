/*
 * test_child.h - one guest in one process: `acre run`, started anew from /proc/self/exe, in a
 * process group of its own, with its output caught and its time, output and memory limited.
 *
 * It dies with us, however we end (PR_SET_PDEATHSIG), and has no children of its own. What goes
 * wrong in it, the monitor's own crash included, is a result and no error.
 *
 * Context: one thread, which is the process's only one (the child uses the heap before its exec).
 */
#ifndef ACRE_VMM_TEST_CHILD_H
#define ACRE_VMM_TEST_CHILD_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm/test_guest.h"

enum { TEST_OUTPUT_MAX = 1 << 20 /* bytes of stdout, and of stderr */ };
enum { TEST_CHILD_FDS = 4 };
/* acre's own --timeout ends a guest; if acre does not obey, it is killed so much later. */
#define TEST_GRACE_NS (UINT64_C(20) * 1000000000)

struct test_child {
    pid_t pid;                        /* 0: none */
    int pidfd, in_fd, out_fd, err_fd; /* -1: none, or its end has come */
    int result_fd;                    /* a memfd: what --result wrote */
    struct test_text out, err;
    bool input_due;                   /* what it comes after has been printed */
    size_t seen;                      /* of out, when that was looked for */
    size_t input_done;                /* bytes of the guest's input that were written */
    uint64_t started_ns, deadline_ns; /* CLOCK_MONOTONIC */
    int wait_status;                  /* when it has ended, as waitpid() gives it */
    bool out_full, err_full;          /* more came than is kept */
    bool ended, flooded, late;        /* the last two: it was ended for that */
    const struct test_guest *guest;
};

/*
 * @argv  of acre, `run` first; "/proc/self/fd/3" in it is the result file.
 * @timeout_ns  what argv says.
 * Does not wait for the exec: what fails there ends the child by SIGKILL, a line on its stderr.
 * Returns: 0; -errno, and nothing is left.
 */
int test_child_start(struct test_child *child, char **argv, const struct test_guest *guest,
                     uint64_t timeout_ns, struct error *err) __attribute__((warn_unused_result));
/* What to wait for; unused ones have fd -1. */
void test_child_watch(const struct test_child *child, struct pollfd fds[TEST_CHILD_FDS]);
/* After poll(), or when its deadline has come. Never blocks. */
void test_child_serve(struct test_child *child, const struct pollfd fds[TEST_CHILD_FDS],
                      uint64_t now_ns);
/* Kills it, if it still is, and waits. */
void test_child_kill(struct test_child *child);
/* Kills it, too. Accepts a zeroed one, or one that was finished. */
void test_child_finish(struct test_child *child);
/* What it wrote to --result. Returns: 0; -errno. */
int test_child_result(const struct test_child *child, struct test_text *json)
    __attribute__((warn_unused_result));

uint64_t test_now_ns(void);

#endif
