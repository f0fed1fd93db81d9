/* test_sandbox.c - what the sandbox takes away. Every test puts a child in it. */
#include "vmm/sandbox.h"

#include "tests/unit/run_suite.h"
#include "vmm/console_tty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `body` in a sandboxed child. Returns: the wait status. */
static int in_sandbox(void (*body)(void))
{
    struct error err;
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (sandbox_drop_privileges(&err) < 0 || sandbox_filter(-1, &err) < 0) {
            _exit(99);
        }
        body();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void open_a_file(void)
{
    (void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void execute(void)
{
    char path[] = "/bin/true";
    char *const argv[] = {path, NULL};

    (void)execv(path, argv);
}

static void make_a_socket(void)
{
    (void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void fork_again(void)
{
    (void)syscall(SYS_fork);
}

static void trace(void)
{
    (void)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void signal_a_process(void)
{
    (void)syscall(SYS_kill, 1, 0);
}

static void signal_another_process(void)
{
    (void)syscall(SYS_tgkill, 1, 1, 0);
}

static void map_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void type_into_a_terminal(void)
{
    char c = 'x';

    (void)ioctl(0, TIOCSTI, &c);
}

static const struct {
    void (*body)(void);
    int number;
} forbidden[] = {
    {open_a_file, SYS_openat},
    {execute, SYS_execve},
    {make_a_socket, SYS_socket},
    {fork_again, SYS_fork},
    {trace, SYS_ptrace},
    {signal_a_process, SYS_kill},
    {signal_another_process, SYS_tgkill},
    {map_code, SYS_mmap},
    {make_code, SYS_mprotect},
    {type_into_a_terminal, SYS_ioctl},
};

/* The same, with what it says on stderr. @text  of `size` bytes. */
static int in_sandbox_saying(void (*body)(void), char *text, size_t size)
{
    int fds[2], status, saved = dup(STDERR_FILENO);

    memset(text, 0, size);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    status = in_sandbox(body);
    ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(fds[1]);
    ck_assert_int_gt(read(fds[0], text, size - 1), 0);
    (void)close(fds[0]);
    return status;
}

START_TEST(forbidden_call_ends_the_process_with_125_and_is_named)
{
    char text[256], expected[64];
    int status = in_sandbox_saying(forbidden[_i].body, text, sizeof(text));

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 125);
    (void)snprintf(expected, sizeof(expected), "acre: error: system call %d is not on the ",
                   forbidden[_i].number);
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

static void block_the_signal(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGSYS);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    open_a_file();
}

static void send_the_signal(void)
{
    (void)raise(SIGSYS);
}

/* i386's number of getpid is on x86_64 that of writev, which is allowed. */
static void call_as_i386(void)
{
    long number = 20;

    __asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
}

static void (*const killed[])(void) = {block_the_signal, send_the_signal, call_as_i386};

START_TEST(who_evades_the_handler_is_killed)
{
    int status = in_sandbox(killed[_i]);

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSYS);
}
END_TEST

static void break_the_rule_on_a_terminal(void)
{
    struct termios now;

    if (!console_tty_take(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &now) < 0 ||
        (now.c_lflag & ICANON)) {
        _exit(98);
    }
    open_a_file();
}

START_TEST(terminal_is_given_back_when_a_call_is_refused)
{
    struct termios before, after;
    int master, tty, status = 0;
    pid_t pid;

    ck_assert_int_eq(openpty(&master, &tty, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tcgetattr(tty, &before), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (setsid() < 0 || ioctl(tty, TIOCSCTTY, 0) < 0 || dup2(tty, STDIN_FILENO) < 0) {
            _exit(97);
        }
        _exit(WEXITSTATUS(in_sandbox(break_the_rule_on_a_terminal)));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 125);
    ck_assert_int_eq(tcgetattr(tty, &after), 0);
    ck_assert_uint_eq(after.c_lflag, before.c_lflag);
}
END_TEST

static void *touch_heap(void *opaque)
{
    void *volatile block = malloc(1 << 20); /* or the compiler sees that nobody needs it */

    free(block);
    return opaque;
}

static void do_what_a_run_does(void)
{
    char c = 0;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED || munmap(page, 4096) < 0 || write(2, &c, 0) != 0) {
        _exit(1);
    }
    if (ioctl(2, KVM_GET_API_VERSION, 0) != -1) { /* not KVM, but not killed for asking */
        _exit(2);
    }
    (void)touch_heap(NULL);
    if (syscall(SYS_tgkill, getpid(), getpid(), 0) != 0) {
        _exit(3);
    }
}

START_TEST(what_a_run_needs_is_allowed)
{
    ck_assert_int_eq(in_sandbox(do_what_a_run_does), 0);
}
END_TEST

static void look_at_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    struct error err;
    int i;

    if (sandbox_drop_privileges(&err) < 0 || syscall(SYS_capget, &header, data) < 0) {
        _exit(1);
    }
    for (i = 0; i < 2; i++) {
        if (data[i].effective | data[i].permitted | data[i].inheritable) {
            _exit(2);
        }
    }
    _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3);
}

START_TEST(dropping_leaves_no_capability_and_no_way_to_gain_one)
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        look_at_privileges();
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Makes a file below a directory, which the filter knows or does not. Returns: the wait status. */
static int create_below(bool known, bool other_directory)
{
    static const struct open_how how = {
        .flags = O_WRONLY | O_CREAT, .mode = 0600, .resolve = RESOLVE_BENEATH};
    char directory[] = "/tmp/acre-sandbox-XXXXXX", path[64];
    struct error err;
    int status = 0, fd, used;
    pid_t pid;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    used = other_directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : fd;
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (sandbox_drop_privileges(&err) < 0 || sandbox_filter(known ? fd : -1, &err) < 0) {
            _exit(99);
        }
        _exit(syscall(SYS_openat2, used, "file", &how, sizeof(how)) < 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)snprintf(path, sizeof(path), "%s/file", directory);
    ck_assert_int_eq(unlink(path) == 0, WEXITSTATUS(status) == 0);
    ck_assert_int_eq(rmdir(directory), 0);
    return status;
}

START_TEST(files_are_made_through_the_one_directory_that_was_given)
{
    ck_assert_int_eq(create_below(true, false), 0);
    ck_assert_int_eq(WEXITSTATUS(create_below(true, true)), 125);
    ck_assert_int_eq(WEXITSTATUS(create_below(false, false)), 125);
}
END_TEST

static int gate[2];

static void *break_the_rule_when_told(void *opaque)
{
    char c;

    if (read(gate[0], &c, 1) == 1) {
        open_a_file();
    }
    return opaque;
}

START_TEST(filter_reaches_threads_that_were_there_before)
{
    struct error err;
    pthread_t thread;
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (pipe(gate) < 0 || pthread_create(&thread, NULL, break_the_rule_when_told, NULL) ||
            sandbox_drop_privileges(&err) < 0 || sandbox_filter(-1, &err) < 0 ||
            write(gate[1], "x", 1) != 1) {
            _exit(99);
        }
        (void)pthread_join(thread, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 125);
}
END_TEST

/* What every check of the C library ends in: fortify, the stack protector, malloc. */
void __chk_fail(void) __attribute__((noreturn));

static void overflow_a_buffer(void)
{
    __chk_fail();
}

START_TEST(message_of_the_c_library_is_written_before_the_process_aborts)
{
    char text[256];
    int status = in_sandbox_saying(overflow_a_buffer, text, sizeof(text));

    ck_assert_ptr_nonnull(strstr(text, "buffer overflow detected"));
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

enum { HEAP_THREADS = 24 }; /* more than the arenas that malloc makes without counting CPUs */

static pthread_barrier_t filtered, allocated;

static void *allocate_when_filtered(void *opaque)
{
    void *volatile block; /* or the compiler sees that nobody needs it */

    (void)pthread_barrier_wait(&filtered);
    block = malloc(100);
    (void)pthread_barrier_wait(&allocated);
    free(block);
    return opaque;
}

START_TEST(every_thread_may_allocate_for_the_first_time)
{
    struct error err;
    pthread_t threads[HEAP_THREADS];
    int i, status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)pthread_barrier_init(&filtered, NULL, HEAP_THREADS + 1);
        (void)pthread_barrier_init(&allocated, NULL, HEAP_THREADS);
        for (i = 0; i < HEAP_THREADS; i++) {
            if (pthread_create(&threads[i], NULL, allocate_when_filtered, NULL) != 0) {
                _exit(98);
            }
        }
        if (sandbox_drop_privileges(&err) < 0 || sandbox_filter(-1, &err) < 0) {
            _exit(99);
        }
        (void)pthread_barrier_wait(&filtered);
        for (i = 0; i < HEAP_THREADS; i++) {
            (void)pthread_join(threads[i], NULL);
        }
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

static void expect_reason(void *opaque, const char *name, const char *reason)
{
    int *num = opaque;

    ck_assert_uint_gt(strlen(name), 0);
    ck_assert_uint_gt(strlen(reason), 0);
    (*num)++;
}

START_TEST(every_allowed_call_has_a_reason)
{
    int num = 0;

    sandbox_for_each(expect_reason, &num);
    ck_assert_int_gt(num, 10);
    ck_assert_int_lt(num, 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tcase = tcase_create("sandbox"), *filter = tcase_create("filter");

    tcase_add_test(tcase, dropping_leaves_no_capability_and_no_way_to_gain_one);
    tcase_add_test(tcase, every_allowed_call_has_a_reason);
    suite_add_tcase(suite, tcase);
    /* Sanitizers make system calls of their own, which is why those builds run without. */
    if (sandbox_default()) {
        tcase_add_table_test(filter, forbidden_call_ends_the_process_with_125_and_is_named,
                             forbidden);
        tcase_add_table_test(filter, who_evades_the_handler_is_killed, killed);
        tcase_add_test(filter, terminal_is_given_back_when_a_call_is_refused);
        tcase_add_test(filter, what_a_run_needs_is_allowed);
        tcase_add_test(filter, files_are_made_through_the_one_directory_that_was_given);
        tcase_add_test(filter, filter_reaches_threads_that_were_there_before);
        tcase_add_test(filter, message_of_the_c_library_is_written_before_the_process_aborts);
        tcase_add_test(filter, every_thread_may_allocate_for_the_first_time);
    }
    suite_add_tcase(suite, filter);
    return run_suite(suite);
}
