/*
 * test_child.c - fork, limits, exec. Between the fork and the exec the child is a copy of us with
 * one thread, so that it may do anything. Nobody waits for its exec: it reads the guest's board
 * first, which may take for ever; what it cannot do it tells on the guest's stderr.
 */
#include "vmm/test_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/cmd_board.h"
#include "vmm/options.h"
#include "vmm/sandbox.h"

enum { RESULT_FD = 3 };
/* Beside the guest's memory: acre itself, its libraries, images; and each vCPU's stack. */
#define SPACE_FIXED (UINT64_C(1) << 30)
#define SPACE_PER_CPU (UINT64_C(16) << 20)
/* How long a file may get beside the guest's memory, which is one, or may be saved to one. */
#define FILE_FIXED (UINT64_C(256) << 20)
/* For one who floods: to tell what it was doing, and then to go. */
#define FLOOD_GRACE_NS (UINT64_C(2) * 1000000000)
enum { READS_AT_A_TIME = 64 };

/* Both ends of what connects us with the child. */
struct ends {
    int in[2], out[2], err[2]; /* read, write */
    int result;
};

uint64_t test_now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static void close_ends(struct ends *ends)
{
    int i;

    for (i = 0; i < 2; i++) {
        close_fd(&ends->in[i]);
        close_fd(&ends->out[i]);
        close_fd(&ends->err[i]);
    }
    close_fd(&ends->result);
}

static int open_ends(struct ends *ends, bool input)
{
    *ends = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}, -1};
    ends->result = memfd_create("acre-result", MFD_CLOEXEC);
    if (input) {
        if (pipe2(ends->in, O_CLOEXEC) < 0) {
            ends->in[0] = ends->in[1] = -1;
        }
    } else {
        ends->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (ends->result < 0 || ends->in[0] < 0 || pipe2(ends->out, O_CLOEXEC) < 0 ||
        pipe2(ends->err, O_CLOEXEC) < 0) {
        int result = -errno;

        close_ends(ends);
        return result;
    }
    return 0;
}

/* The guest's memory, which the options or the board say, and its CPUs. Returns: 0; -errno. */
static int read_needs(char **argv, uint64_t *ram, uint64_t *cpu_num)
{
    struct run_options options;
    struct board *board;
    int argc = 0, ret;

    while (argv[argc]) {
        argc++;
    }
    ret = run_options_parse(argc - 2, argv + 2, &options, NULL);
    if (ret < 0) {
        return ret;
    }
    options.dump_dtb = NULL;
    ret = cmd_open_board(&options, &board, NULL);
    if (ret == 0) {
        *ram = board_ram_size(board);
        *cpu_num = board_cpu_num(board);
        board_free(board);
    }
    return ret;
}

/* @hard  for good; else what is allowed may be raised again. */
static void set_limit(__rlimit_resource_t resource, uint64_t value, bool hard)
{
    struct rlimit limit = {0, 0};

    if (getrlimit(resource, &limit) == 0 && (limit.rlim_max > value || resource == RLIMIT_CORE)) {
        limit.rlim_cur = value;
        limit.rlim_max = hard ? value : limit.rlim_max;
        (void)setrlimit(resource, &limit);
    }
}

/*
 * Reading the board has a limit, too: dtc takes in whatever a source includes. What is wrong with
 * options or board `acre run` will tell. Sanitizers reserve terabytes; they are known by the
 * sandbox's default.
 */
static void set_limits(char **argv)
{
    uint64_t ram = 0, cpu_num = 0;

    set_limit(RLIMIT_CORE, 0, true); /* a core of a guest's memory helps nobody, and fills disks */
    if (sandbox_default()) {
        set_limit(RLIMIT_AS, SPACE_FIXED, false);
        set_limit(RLIMIT_FSIZE, FILE_FIXED, false);
        if (read_needs(argv, &ram, &cpu_num) < 0) {
            ram = cpu_num = 0;
        }
        set_limit(RLIMIT_AS, ram + SPACE_FIXED + cpu_num * SPACE_PER_CPU, true);
        set_limit(RLIMIT_FSIZE, ram + FILE_FIXED, true);
    }
}

/*
 * The order is that of dup2: an end that lies on a number needed later would be lost, so all go up
 * first. Returns: 0; -errno.
 */
static int move_fds(const struct ends *ends)
{
    const int sources[] = {ends->in[0], ends->out[1], ends->err[1], ends->result};
    int moved[4], i;

    for (i = 0; i < 4; i++) {
        moved[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 10);
        if (moved[i] < 0) {
            return -errno;
        }
    }
    for (i = 0; i < 4; i++) {
        if (dup2(moved[i], i) < 0) {
            return -errno;
        }
    }
    return 0;
}

/* The child's way to exec. Comes back only when it failed. */
static int become(char **argv, const struct ends *ends, pid_t parent)
{
    sigset_t none;
    int result;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { /* it died before that */
        return -ESRCH;
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    set_limits(argv);
    result = move_fds(ends);
    if (result < 0) {
        return result;
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execv("/proc/self/exe", argv);
    return -errno;
}

static void run_child(char **argv, const struct ends *ends, pid_t parent)
{
    int err = fcntl(ends->err[1], F_DUPFD_CLOEXEC, 20);
    int result = err < 0 ? -errno : become(argv, ends, parent);

    (void)dprintf(err, "acre: error: starting acre run: %s\n", strerror(-result));
    for (;;) {
        (void)kill(getpid(),
                   SIGKILL); /* nothing of the runner's must run twice, exit handlers say */
    }
}

int test_child_start(struct test_child *child, char **argv, const struct test_guest *guest,
                     uint64_t timeout_ns, struct error *err)
{
    pid_t parent = getpid();
    struct ends ends;
    int result = open_ends(&ends, guest->has_input);

    *child = (struct test_child){
        .pidfd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1, .result_fd = -1, .guest = guest};
    if (result < 0) {
        return error_set_errno(err, -result, "%s", guest->name);
    }
    child->started_ns = test_now_ns();
    child->deadline_ns = child->started_ns + timeout_ns + TEST_GRACE_NS;
    child->pid = fork();
    if (child->pid == 0) {
        run_child(argv, &ends, parent);
    }
    result = child->pid < 0 ? -errno : 0;
    if (result == 0) {
        child->in_fd = ends.in[1];
        child->out_fd = ends.out[0];
        child->err_fd = ends.err[0];
        child->result_fd = ends.result;
        ends.in[1] = ends.out[0] = ends.err[0] = ends.result = -1;
        child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
        result = child->pidfd < 0 ? -errno : 0;
    } else {
        child->pid = 0;
    }
    close_ends(&ends);
    if (result < 0) {
        test_child_finish(child);
        return error_set_errno(err, -result, "%s: starting acre run", guest->name);
    }
    (void)fcntl(child->out_fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(child->err_fd, F_SETFL, O_NONBLOCK);
    if (child->in_fd >= 0) {
        (void)fcntl(child->in_fd, F_SETFL, O_NONBLOCK);
    }
    child->input_due = guest->after.num == 0;
    return 0;
}

void test_child_watch(const struct test_child *child, struct pollfd fds[TEST_CHILD_FDS])
{
    fds[0] = (struct pollfd){.fd = child->pidfd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = child->out_fd, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = child->err_fd, .events = POLLIN};
    fds[3] = (struct pollfd){.fd = child->input_due ? child->in_fd : -1, .events = POLLOUT};
}

/* Takes some of what has come. Returns: whether it was more than is kept, now or before. */
static bool read_some(int *fd, struct test_text *text, bool full)
{
    char buffer[16384];
    ssize_t n = 1;
    int i;

    for (i = 0; i < READS_AT_A_TIME && n > 0; i++) {
        n = read(*fd, buffer, sizeof(buffer));
        full = full || (n > 0 && (text->len + (size_t)n > TEST_OUTPUT_MAX ||
                                  test_text_add(text, buffer, (size_t)n) < 0));
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_fd(fd);
    }
    return full;
}

/* Is the input due now? Lines that were looked at once are not again. */
static void look_for_after(struct test_child *child)
{
    const struct test_text *out = &child->out;
    const struct test_text fresh = {.data = out->data + child->seen, .len = out->len - child->seen};
    const char *end = fresh.len > 0 ? memrchr(fresh.data, '\n', fresh.len) : NULL;

    if (!child->input_due && test_pattern_matches(&child->guest->after.items[0], &fresh)) {
        child->input_due = true;
    }
    if (end) {
        child->seen = (size_t)(end + 1 - out->data);
    }
}

static void write_input(struct test_child *child)
{
    const struct test_text *input = &child->guest->input;
    ssize_t n =
        input->len > child->input_done
            ? write(child->in_fd, input->data + child->input_done, input->len - child->input_done)
            : 0;

    if (n > 0) {
        child->input_done += (size_t)n;
    }
    if (child->input_done == input->len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_fd(&child->in_fd);
    }
}

static void reap(struct test_child *child)
{
    while (waitpid(child->pid, &child->wait_status, 0) < 0 && errno == EINTR) {
    }
    child->ended = true;
    child->pid = 0;
    close_fd(&child->pidfd);
    close_fd(&child->in_fd);
}

/* Written after poll() looked. */
static void read_last_words(struct test_child *child)
{
    if (child->out_fd >= 0) {
        child->out_full = read_some(&child->out_fd, &child->out, child->out_full);
    }
    if (child->err_fd >= 0) {
        child->err_full = read_some(&child->err_fd, &child->err, child->err_full);
    }
    child->flooded = child->flooded || child->out_full || child->err_full;
}

void test_child_serve(struct test_child *child, const struct pollfd fds[TEST_CHILD_FDS],
                      uint64_t now_ns)
{
    if (child->ended) {
        return;
    }
    if (fds[3].revents) {
        write_input(child);
    }
    if (fds[1].revents) {
        child->out_full = read_some(&child->out_fd, &child->out, child->out_full);
        look_for_after(child);
    }
    if (fds[2].revents) {
        child->err_full = read_some(&child->err_fd, &child->err, child->err_full);
    }
    if (!child->flooded && (child->out_full || child->err_full)) {
        child->flooded = true; /* but it may still tell where it is */
        (void)kill(child->pid, SIGTERM);
        child->deadline_ns = now_ns + FLOOD_GRACE_NS;
    }
    child->late = !fds[0].revents && now_ns >= child->deadline_ns;
    if (child->late) {
        test_child_kill(child);
    } else if (fds[0].revents) {
        reap(child);
    }
    if (child->ended) {
        read_last_words(child);
    }
}

void test_child_kill(struct test_child *child)
{
    if (child->pid > 0) {
        (void)kill(-child->pid, SIGKILL);
        (void)kill(child->pid, SIGKILL); /* it may not have its group yet */
        reap(child);
    }
}

void test_child_finish(struct test_child *child)
{
    if (child->pid == 0 && !child->ended) {
        return; /* zeroed */
    }
    test_child_kill(child);
    close_fd(&child->out_fd);
    close_fd(&child->err_fd);
    close_fd(&child->result_fd);
    test_text_finish(&child->out);
    test_text_finish(&child->err);
    *child = (struct test_child){0};
}

int test_child_result(const struct test_child *child, struct test_text *json)
{
    char buffer[4096];
    off_t at = 0;
    ssize_t n;
    int ret = 0;

    while (ret == 0 && (n = pread(child->result_fd, buffer, sizeof(buffer), at)) != 0) {
        if (n < 0) {
            return -errno;
        }
        ret = at < TEST_OUTPUT_MAX ? test_text_add(json, buffer, (size_t)n) : -EFBIG;
        at += n;
    }
    return ret;
}
