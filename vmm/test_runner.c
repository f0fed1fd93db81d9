/*
 * test_runner.c - slots for as many children as run at a time; one poll() over all their
 * descriptors, and a signalfd.
 */
#include "vmm/test_runner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RESULT_PATH "/proc/self/fd/3"
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct slot {
    struct test_child child; /* pid 0: free */
    size_t index;            /* of its guest */
};

struct runner {
    struct test_run *run;
    struct slot *slots;
    struct pollfd *fds; /* the signalfd, then TEST_CHILD_FDS for each slot */
    size_t next;        /* the guest to be started next */
    unsigned busy;
};

static uint64_t timeout_of(const struct test_run *run, const struct test_guest *guest)
{
    return guest->timeout_ns ? guest->timeout_ns : run->timeout_ns;
}

static int add_pair(struct test_words *argv, const char *option, const char *value)
{
    int ret = test_words_add(argv, option);

    return ret == 0 ? test_words_add(argv, value) : ret;
}

static int add_all(struct test_words *argv, const struct test_words *more)
{
    int ret = 0;
    size_t i;

    for (i = 0; i < more->num && ret == 0; i++) {
        ret = test_words_add(argv, more->words[i]);
    }
    return ret;
}

/* @result  where --result goes; NULL: nowhere. Returns: 0; -ENOMEM. */
static int make_argv(struct test_words *argv, const struct test_run *run,
                     const struct test_guest *guest, const char *result)
{
    uint64_t timeout_ns = timeout_of(run, guest);
    char seconds[40];
    int ret = add_pair(argv, program_invocation_name, "run");

    (void)snprintf(seconds, sizeof(seconds), "%.9g", (double)timeout_ns / (double)NS_PER_S);
    if (ret == 0) {
        ret = add_pair(argv, "--timeout", seconds);
    }
    if (ret == 0 && strcmp(run->kvm_path, "/dev/kvm") != 0) {
        ret = add_pair(argv, "--kvm", run->kvm_path);
    }
    if (ret == 0) {
        ret = add_all(argv, run->run_options);
    }
    if (ret == 0) {
        ret = add_all(argv, &guest->options);
    }
    if (ret == 0 && result) {
        ret = add_pair(argv, "--result", result);
    }
    if (ret == 0 && result) { /* the report is in there: stderr is for what else went wrong */
        ret = add_pair(argv, "--crash-report", "none");
    }
    if (ret == 0 && guest->kernel[0] == '-') {
        ret = test_words_add(argv, "--");
    }
    return ret == 0 ? test_words_add(argv, guest->kernel) : ret;
}

/* What makes the guest's files again, in the folder that its options name. */
static void print_files(FILE *file, const struct test_guest *guest)
{
    size_t i;

    if (guest->files.num > 0) {
        (void)fputs("mkdir -p ", file);
        test_word_quote(file, guest->dir);
        (void)fputs(" && ", file);
    }
    for (i = 0; i < guest->files.num; i++) {
        char *path = test_path_join(guest->dir, guest->files.words[i]);

        (void)fputs("printf '%s\\n' ", file); /* some shells' echo takes \ for its own */
        test_word_quote(file, guest->file_texts.words[i]);
        (void)fputs(" >", file);
        test_word_quote(file, path ? path : "?");
        (void)fputs(" && ", file);
        free(path);
    }
}

static void print_input(FILE *file, const struct test_guest *guest)
{
    size_t i;

    if (guest->has_input) {
        (void)fputs(guest->after.num > 0 ? "(sleep 1; printf '" : "printf '", file);
        for (i = 0; i < guest->input.len; i++) {
            (void)fprintf(file, "\\%03o", (unsigned)(uint8_t)guest->input.data[i]);
        }
        (void)fputs(guest->after.num > 0 ? "') | " : "' | ", file);
    }
}

char *test_command(const struct test_run *run, const struct test_guest *guest)
{
    struct test_words argv = {0};
    char *text = NULL;
    size_t len, i;
    FILE *file = make_argv(&argv, run, guest, NULL) == 0 ? open_memstream(&text, &len) : NULL;

    if (file) {
        print_files(file, guest);
        print_input(file, guest);
        for (i = 0; i < argv.num; i++) {
            (void)fputs(i ? " " : "", file);
            test_word_quote(file, argv.words[i]);
        }
        if (fclose(file) != 0) {
            free(text);
            text = NULL;
        }
    }
    test_words_finish(&argv);
    return text;
}

/* The guest has its result. Returns: 0; -ENOMEM. */
static int finish_guest(struct runner *runner, size_t index)
{
    struct test_run *run = runner->run;
    struct test_verdict *result = &run->results[index];

    result->final = true;
    result->command = test_command(run, &run->guests->items[index]);
    if (!result->command) {
        return -ENOMEM;
    }
    run->done(run->opaque, index);
    return 0;
}

static int start_child(struct runner *runner, struct slot *slot, size_t index)
{
    const struct test_run *run = runner->run;
    const struct test_guest *guest = &run->guests->items[index];
    struct test_words argv = {0};
    struct error err;
    int ret = make_argv(&argv, run, guest, RESULT_PATH);

    slot->index = index;
    if (ret == 0) {
        ret = test_child_start(&slot->child, argv.words, guest, timeout_of(run, guest), &err);
        if (ret == 0) {
            runner->busy++;
        } else {
            ret = test_verdict_fail(&run->results[index], err.text);
            if (ret == 0) {
                ret = finish_guest(runner, index);
            }
        }
    }
    test_words_finish(&argv);
    return ret;
}

/* Fills the free slots. Returns: 0; -ENOMEM. */
static int start_some(struct runner *runner)
{
    struct test_run *run = runner->run;
    unsigned i;
    int ret = 0;

    for (i = 0; i < run->jobs && ret == 0; i++) {
        while (ret == 0 && runner->slots[i].child.pid == 0 && runner->next < run->guests->num) {
            run->begun(run->opaque, runner->next);
            ret = start_child(runner, &runner->slots[i], runner->next++);
        }
    }
    return ret;
}

/* Watches all children; returns how long nothing need be looked at, in ms. */
static int watch(struct runner *runner)
{
    uint64_t now = test_now_ns(), first = UINT64_MAX;
    unsigned i;

    for (i = 0; i < runner->run->jobs; i++) {
        const struct test_child *child = &runner->slots[i].child;
        struct pollfd *fds = &runner->fds[1 + i * TEST_CHILD_FDS];
        int j;

        if (child->pid > 0) {
            test_child_watch(child, fds);
            first = child->deadline_ns < first ? child->deadline_ns : first;
            continue;
        }
        for (j = 0; j < TEST_CHILD_FDS; j++) {
            fds[j] = (struct pollfd){.fd = -1};
        }
    }
    if (first <= now) {
        return 0;
    }
    return first - now < 60 * NS_PER_S ? (int)((first - now) / NS_PER_MS) + 1 : 60000;
}

/* A child has ended: the result stands, or it is tried again in the same slot. */
static int take_result(struct runner *runner, struct slot *slot)
{
    struct test_run *run = runner->run;
    struct test_verdict *result = &run->results[slot->index];
    int ret = test_verdict_take(result, &slot->child);

    test_child_finish(&slot->child);
    runner->busy--;
    if (ret == 0 && result->outcome == TEST_FAILED && result->tries <= run->retries) {
        return start_child(runner, slot, slot->index);
    }
    return ret == 0 ? finish_guest(runner, slot->index) : ret;
}

/* Returns: 0; the signal that came; -errno. */
static int serve(struct runner *runner)
{
    uint64_t now = test_now_ns();
    unsigned i;
    int ret = 0;

    if (runner->fds[0].revents) {
        struct signalfd_siginfo info;

        if (read(runner->fds[0].fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
            return (int)info.ssi_signo;
        }
    }
    for (i = 0; i < runner->run->jobs && ret == 0; i++) {
        struct slot *slot = &runner->slots[i];

        if (slot->child.pid > 0) {
            test_child_serve(&slot->child, &runner->fds[1 + i * TEST_CHILD_FDS], now);
            ret = slot->child.ended ? take_result(runner, slot) : 0;
        }
    }
    return ret;
}

/* Returns as test_run(). */
static int run_all(struct runner *runner, struct error *err)
{
    nfds_t num = 1 + (nfds_t)runner->run->jobs * TEST_CHILD_FDS;
    int ret = start_some(runner);

    while (ret == 0 && runner->busy > 0 && !runner->run->stop) {
        if (poll(runner->fds, num, watch(runner)) < 0 && errno != EINTR) {
            ret = -errno;
        } else {
            ret = serve(runner);
        }
        if (ret == 0) {
            ret = start_some(runner);
        }
    }
    return ret < 0 ? error_set_errno(err, -ret, "running the guests") : ret;
}

/* One signal is enough: others that came with it (a terminal's, and a wrapper's) are forgotten. */
static void close_signals(int fd, const sigset_t *before)
{
    struct signalfd_siginfo info;

    while (fd >= 0 && read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)sigprocmask(SIG_SETMASK, before, NULL);
}

static int open_signals(sigset_t *before)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action;
    sigset_t set;
    size_t i;

    (void)sigemptyset(&set);
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            (void)sigaddset(&set, numbers[i]); /* what nohup ignores would still come */
        }
    }
    (void)sigprocmask(SIG_BLOCK, &set, before);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * Cuts the jobs down to what descriptors suffice for, after asking for as many as we may have: more
 * would make guests fail.
 */
static void fit_jobs(struct test_run *run)
{
    enum { OURS = 32, PER_JOB = 5 };
    struct rlimit limit;
    rlim_t wanted;

    if (run->jobs > run->guests->num) {
        run->jobs = run->guests->num > 0 ? (unsigned)run->guests->num : 1;
    }
    wanted = OURS + (rlim_t)run->jobs * PER_JOB;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted) {
        return;
    }
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        run->jobs =
            limit.rlim_cur > OURS + PER_JOB ? (unsigned)(limit.rlim_cur - OURS) / PER_JOB : 1;
    }
}

int test_run(struct test_run *run, struct error *err)
{
    struct runner runner = {.run = run};
    sigset_t before;
    unsigned i;
    int ret;

    fit_jobs(run);
    runner.slots = calloc(run->jobs, sizeof(*runner.slots));
    runner.fds = calloc(1 + (size_t)run->jobs * TEST_CHILD_FDS, sizeof(*runner.fds));
    if (!runner.slots || !runner.fds) {
        free(runner.slots);
        free(runner.fds);
        return error_set_errno(err, ENOMEM, "%u jobs", run->jobs);
    }
    runner.fds[0] = (struct pollfd){.fd = open_signals(&before), .events = POLLIN};
    ret = runner.fds[0].fd < 0 ? error_set_errno(err, errno, "signalfd") : run_all(&runner, err);
    for (i = 0; i < run->jobs; i++) {
        test_child_finish(&runner.slots[i].child);
    }
    close_signals(runner.fds[0].fd, &before);
    free(runner.slots);
    free(runner.fds);
    return ret;
}
