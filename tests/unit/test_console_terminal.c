/* test_console_terminal.c - the user's own terminal: keys, Ctrl-A, and its settings afterwards. */
#include "tests/unit/console_fixture.h"
#include "tests/unit/run_suite.h"

#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

/*
 * A terminal needs a session of its own: `body` runs in a child that leads it, with the terminal
 * as its standard input. Returns: the child's wait status; *after is the terminal's mode then.
 */
static int in_terminal(void (*body)(int tty, int master), struct termios *before,
                       struct termios *after)
{
    int master, tty, status = 0;
    pid_t pid;

    ck_assert_int_eq(openpty(&master, &tty, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tcgetattr(tty, before), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)setsid();
        (void)ioctl(tty, TIOCSCTTY, 0);
        body(tty, master);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(tcgetattr(tty, after), 0);
    return status;
}

static bool is_raw(int tty)
{
    struct termios termios;

    return tcgetattr(tty, &termios) == 0 && !(termios.c_lflag & (ICANON | ECHO | ISIG)) &&
           (termios.c_oflag & OPOST);
}

static void assert_restored(const struct termios *before, const struct termios *after)
{
    ck_assert_uint_eq(after->c_lflag, before->c_lflag);
    ck_assert_uint_eq(after->c_iflag, before->c_iflag);
    ck_assert_uint_eq(after->c_oflag, before->c_oflag);
}

/* In the children a failure is an exit status: check's own reporting is the parent's. */
#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            _exit(__LINE__ & 0x7f ? __LINE__ & 0x7f : 1);                                          \
        }                                                                                          \
    } while (0)

static void type_commands(int tty, int master)
{
    static const char keys[] = "a\001bc\001\001d\001z\003\001x";

    setup();
    start(tty, -1);
    NEED(is_raw(tty));
    NEED(write(master, keys, sizeof(keys) - 1) == (ssize_t)sizeof(keys) - 1);
    while (quits == 0) {
        loop.quit = false;
        NEED(loop_run(&loop) == 0);
    }
    NEED(breaks == 1);
    NEED(received_num == 5 && memcmp(received, "ac\001d\003", 5) == 0);
    teardown();
    NEED(!is_raw(tty));
}

START_TEST(keys_go_to_the_guest_but_for_ctrl_a_commands)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(type_commands, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

static void give_the_terminal_up(int tty, int master)
{
    NEED(signal(SIGHUP, SIG_IGN) != SIG_ERR); /* whose terminal goes is told so */
    NEED(ioctl(tty, TIOCNOTTY) == 0 && tcgetpgrp(tty) < 0);
    type_commands(tty, master);
}

START_TEST(terminal_that_controls_nobody_is_read_as_well)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(give_the_terminal_up, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

/* What was there when the loop looked is gone when it reads. */
static void lose_a_key_to_somebody_else(int tty, int master)
{
    char key;

    setup();
    start(tty, -1);
    NEED(write(master, "k", 1) == 1);
    NEED(read(tty, &key, 1) == 1);
    (void)alarm(2);
    console.in.ready(console.in.opaque, console.in.events);
    (void)alarm(0);
    NEED(received_num == 0 && console.in_watched);
    teardown();
}

START_TEST(terminal_that_another_process_reads_too_does_not_block_the_loop)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(lose_a_key_to_somebody_else, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

/* More than any port's FIFO, and then the way out. */
static void type_to_a_guest_that_takes_nothing(int tty, int master)
{
    char keys[1000];

    memset(keys, 'k', sizeof(keys));
    setup();
    room = 0;
    start(tty, -1);
    NEED(write(master, keys, sizeof(keys)) == (ssize_t)sizeof(keys));
    run_loop();
    NEED(write(master, "\001x", 2) == 2);
    while (quits == 0) {
        loop.quit = false;
        NEED(loop_run(&loop) == 0);
    }
    room = sizeof(received);
    console_input_wanted(&console);
    run_loop();
    NEED(received_num == sizeof(keys) && memcmp(received, keys, sizeof(keys)) == 0);
    teardown();
}

START_TEST(way_out_works_although_the_guest_takes_no_keys)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(type_to_a_guest_that_takes_nothing, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

static int fatal_signal;

static void die_by_signal(int tty, int master)
{
    (void)master;
    setup();
    start(tty, -1);
    NEED(is_raw(tty));
    (void)raise(fatal_signal);
}

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGQUIT};

START_TEST(terminal_is_restored_when_a_fatal_signal_ends_the_process)
{
    struct termios before, after;
    int status;

    fatal_signal = fatal_signals[_i];
    status = in_terminal(die_by_signal, &before, &after);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), fatal_signal);
    assert_restored(&before, &after);
}
END_TEST

static void be_in_the_background(int tty, int master)
{
    pid_t pid = fork();
    int status = 0;

    (void)master;
    if (pid == 0) {
        (void)setpgid(0, 0); /* the terminal stays the parent's */
        setup();
        start(tty, -1);
        NEED(!is_raw(tty));
        run_loop();
        teardown();
        NEED(!is_raw(tty));
        _exit(0);
    }
    NEED(waitpid(pid, &status, WUNTRACED) == pid);
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(background_process_leaves_the_terminal_alone)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(be_in_the_background, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

static void come_to_the_foreground(int tty, int master)
{
    pid_t pid = fork();
    int status = 0;

    (void)master;
    if (pid == 0) {
        (void)setpgid(0, 0);
        setup();
        start(tty, -1);
        NEED(!is_raw(tty));
        (void)raise(SIGSTOP);
        console_continue(&console);
        NEED(is_raw(tty) && console.in_watched);
        teardown();
        NEED(!is_raw(tty));
        _exit(0);
    }
    NEED(waitpid(pid, &status, WUNTRACED) == pid);
    NEED(WIFSTOPPED(status));
    NEED(tcsetpgrp(tty, pid) == 0);
    (void)kill(pid, SIGCONT);
    NEED(waitpid(pid, &status, 0) == pid);
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(process_that_comes_to_the_foreground_takes_the_terminal)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(come_to_the_foreground, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

static void suspend_and_continue(int tty, int master)
{
    pid_t pid = fork();
    int status = 0;

    (void)master;
    if (pid == 0) {
        setup();
        start(tty, -1);
        NEED(is_raw(tty));
        console_suspend(&console);
        NEED(is_raw(tty));
        teardown();
        _exit(0);
    }
    NEED(waitpid(pid, &status, WUNTRACED) == pid);
    NEED(WIFSTOPPED(status));
    NEED(!is_raw(tty));
    (void)kill(pid, SIGCONT);
    NEED(waitpid(pid, &status, 0) == pid);
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(suspended_process_gives_the_terminal_back_and_takes_it_again)
{
    struct termios before, after;

    ck_assert_int_eq(in_terminal(suspend_and_continue, &before, &after), 0);
    assert_restored(&before, &after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console_terminal");
    TCase *terminal = tcase_create("terminal");

    tcase_add_test(terminal, keys_go_to_the_guest_but_for_ctrl_a_commands);
    tcase_add_test(terminal, terminal_that_controls_nobody_is_read_as_well);
    tcase_add_loop_test(terminal, terminal_is_restored_when_a_fatal_signal_ends_the_process, 0, 6);
    tcase_add_test(terminal, terminal_that_another_process_reads_too_does_not_block_the_loop);
    tcase_add_test(terminal, way_out_works_although_the_guest_takes_no_keys);
    tcase_add_test(terminal, process_that_comes_to_the_foreground_takes_the_terminal);
    tcase_add_test(terminal, background_process_leaves_the_terminal_alone);
    tcase_add_test(terminal, suspended_process_gives_the_terminal_back_and_takes_it_again);
    suite_add_tcase(suite, terminal);
    return run_suite(suite);
}
