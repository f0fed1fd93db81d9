/*
 * subject.h - programs measured from outside, in turn: their start, the bytes they write, their
 * end. Everything is measured in the same way for all, so that what they share cancels out.
 */
#ifndef ACRE_TESTS_BENCH_SUBJECT_H
#define ACRE_TESTS_BENCH_SUBJECT_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 1001, ARGS_MAX = 24, PATH_SIZE = 256, LIMIT_S = 60 };
extern char **environ;

/* One measurement of one run, in microseconds since the start; 0: did not come. */
struct sample {
    double first_us, second_us, exit_us;
    double cpu_us; /* user and system time of the whole run */
};

enum quantity { TO_FIRST_BYTE, TO_EXIT, BETWEEN_BYTES };

struct subject {
    const char *name;
    char *argv[ARGS_MAX];
    const struct subject *floor; /* NULL: none, it is one itself */
    enum quantity quantity;
    double loops; /* BETWEEN_BYTES: what happened that often */
    double samples[RUNS_MAX];
    double cpu_samples[RUNS_MAX]; /* BETWEEN_BYTES: CPU time for each of `loops` */
    bool absent;                  /* there is no such program here */
    bool failed;
};

static inline double now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Starts argv with its input from /dev/null and stdout in a pipe; stderr only when asked for. */
static inline pid_t start(char *const argv[], int *out)
{
    posix_spawn_file_actions_t actions;
    int fds[2], err_no;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        err(1, "pipe");
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    if (!getenv("BENCH_STDERR")) {
        (void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    err_no = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fds[1]);
    if (err_no != 0) {
        errno = err_no;
        err(1, "%s", argv[0]);
    }
    *out = fds[0];
    return pid;
}

/* Reads a byte's time; false at the end or the time limit. */
static inline bool wait_byte(int fd, double *when)
{
    struct pollfd watch = {.fd = fd, .events = POLLIN};
    char byte;

    if (poll(&watch, 1, LIMIT_S * 1000) != 1 || read(fd, &byte, 1) != 1) {
        return false;
    }
    *when = now_us();
    return true;
}

static inline double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* @first_only  the first byte is all that is asked: the child is killed then. */
static inline bool run_once(char *const argv[], bool first_only, struct sample *sample)
{
    double started = now_us(), when;
    struct rusage usage;
    int out, status;
    pid_t pid = start(argv, &out);

    *sample = (struct sample){0};
    if (wait_byte(out, &when)) {
        sample->first_us = when - started;
        while (!first_only && wait_byte(out, &when)) {
            sample->second_us = when - started;
        }
    }
    if (first_only || now_us() - started >= LIMIT_S * 1e6) {
        (void)kill(pid, SIGKILL);
    }
    (void)close(out);
    (void)wait4(pid, &status, 0, &usage);
    sample->exit_us = now_us() - started;
    sample->cpu_us = seconds(&usage.ru_utime) * 1e6 + seconds(&usage.ru_stime) * 1e6;
    return sample->first_us > 0 && (first_only || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static inline double pick(const struct sample *sample, const struct subject *subject)
{
    switch (subject->quantity) {
    case TO_FIRST_BYTE:
        return sample->first_us;
    case TO_EXIT:
        return sample->exit_us;
    case BETWEEN_BYTES:
    default:
        return (sample->second_us - sample->first_us) / subject->loops;
    }
}

static inline int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static inline double median(double *samples, int runs)
{
    qsort(samples, (size_t)runs, sizeof(double), compare);
    return samples[runs / 2];
}

/* All subjects in turn, over and over: what disturbs the machine disturbs them alike. */
static inline void measure(struct subject *subjects, size_t num, int runs)
{
    struct sample sample;
    size_t i;
    int run;

    for (run = 0; run < runs; run++) {
        for (i = 0; i < num; i++) {
            if (subjects[i].absent || subjects[i].failed) {
                continue;
            }
            if (access(subjects[i].argv[0], X_OK) != 0) {
                subjects[i].absent = true;
            } else if (!run_once(subjects[i].argv, subjects[i].quantity == TO_FIRST_BYTE,
                                 &sample)) {
                warnx("%s failed: %s", subjects[i].name, subjects[i].argv[0]);
                subjects[i].failed = true;
            } else {
                subjects[i].samples[run] = pick(&sample, &subjects[i]);
                subjects[i].cpu_samples[run] = sample.cpu_us / subjects[i].loops;
            }
        }
    }
}

/* One part of the table. Returns: how many subjects failed. */
static inline int print_subjects(const char *title, struct subject *subjects, size_t num, int runs,
                                 const char *unit, double scale, double aim)
{
    double value, floor_value, cpu;
    size_t i;
    int failed = 0;

    (void)printf("\n%s (median of %d)\n", title, runs);
    for (i = 0; i < num; i++) {
        struct subject *subject = &subjects[i];

        if (subject->absent || subject->failed) {
            (void)printf("  %-34s %s\n", subject->name, subject->failed ? "FAILED" : "not here");
            failed += subject->failed;
            continue;
        }
        value = median(subject->samples, runs) / scale;
        cpu = median(subject->cpu_samples, runs);
        (void)printf("  %-34s %9.2f %s", subject->name, value, unit);
        if (subject->floor && !subject->floor->absent && !subject->floor->failed) {
            floor_value = subject->floor->samples[runs / 2] / scale;
            (void)printf("   %5.2f x floor", value / floor_value);
            if (aim > 0) {
                (void)printf(" (aim %.2f)", aim);
            }
        }
        if (subject->quantity == BETWEEN_BYTES) {
            (void)printf("   CPU time %6.2f us", cpu);
            if (subject->floor && !subject->floor->absent && !subject->floor->failed) {
                (void)printf("   %5.2f x floor", cpu / subject->floor->cpu_samples[runs / 2]);
            }
        }
        (void)printf("\n");
    }
    return failed;
}

/* BENCH_RUNS, or `usual`. */
static inline int runs_wanted(int usual)
{
    const char *wanted = getenv("BENCH_RUNS");
    int runs = wanted ? atoi(wanted) : usual;

    if (runs < 1 || runs > RUNS_MAX) {
        errx(2, "BENCH_RUNS: 1..%d", RUNS_MAX);
    }
    return runs;
}

#define W(word) ((char *)(uintptr_t)(word))

#endif
