/* test_console.c - the console on pipes, files, sockets and pseudo-terminals. */
#include "vmm/console.h"

#include "tests/unit/run_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct loop loop;
static struct console console;
static uint8_t received[4096];
static size_t received_num, room;
static int quits, breaks, writables;

static size_t receive(void *opaque, const uint8_t *data, size_t len)
{
    (void)opaque;
    len = len < room ? len : room;
    memcpy(received + received_num, data, len);
    received_num += len;
    room -= len;
    return len;
}

static void writable(void *opaque)
{
    (void)opaque;
    writables++;
    loop_quit(&loop);
}

static void send_break(void *opaque)
{
    (void)opaque;
    breaks++;
}

static void quit(void *opaque)
{
    (void)opaque;
    quits++;
    loop_quit(&loop);
}

static void setup(void)
{
    struct error err;

    (void)signal(SIGPIPE, SIG_IGN);
    received_num = 0;
    room = sizeof(received);
    quits = breaks = writables = 0;
    ck_assert_int_eq(loop_init(&loop, &err), 0);
}

static void start(int in_fd, int out_fd)
{
    const struct console_config config = {
        .in_fd = in_fd, .out_fd = out_fd, .guest = {receive, writable, send_break, quit, NULL}};
    struct error err;

    ck_assert_int_eq(console_init(&console, &loop, &config, &err), 0);
    console_start(&console);
}

static void teardown(void)
{
    console_finish(&console);
    loop_finish(&loop);
}

static void stop(void *opaque)
{
    (void)opaque;
    loop_quit(&loop);
}

static void stop_soon(void *opaque)
{
    static struct loop_work work = {.run = stop};

    (void)opaque;
    loop_post(&loop, &work);
}

/* Serves what is there: two rounds of the loop, in which every ready source has its turn. */
static void run_loop(void)
{
    struct loop_work work = {.run = stop_soon};

    loop.quit = false;
    loop_post(&loop, &work);
    ck_assert_int_eq(loop_run(&loop), 0);
}

static size_t put(struct byte_sink sink, const void *data, size_t len)
{
    return byte_sink_write(&sink, data, len);
}

/* Fills the descriptor and then the buffer. Returns: bytes taken. */
static size_t fill(struct byte_sink sink)
{
    static const uint8_t block[4096];
    size_t taken, sum = 0;

    do {
        taken = put(sink, block, sizeof(block));
        sum += taken;
    } while (taken == sizeof(block));
    return sum;
}

static size_t read_all(int fd)
{
    uint8_t data[8192];
    size_t sum = 0;
    ssize_t n;

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fd, data, sizeof(data))) > 0) {
        sum += (size_t)n;
    }
    return sum;
}

START_TEST(output_keeps_its_order_across_both_sinks)
{
    char text[16] = "";
    int out[2];

    ck_assert_int_eq(pipe(out), 0);
    start(-1, out[1]);
    ck_assert_uint_eq(put(console_serial_sink(&console), "ab", 2), 2);
    ck_assert_uint_eq(put(console_debug_sink(&console), "cd", 2), 2);
    ck_assert_uint_eq(put(console_serial_sink(&console), "ef", 2), 2);
    ck_assert_int_eq(read(out[0], text, sizeof(text)), 6);
    ck_assert_str_eq(text, "abcdef");
    ck_assert(!console_output_pending(&console));
}
END_TEST

START_TEST(descriptors_flags_are_left_alone)
{
    int out[2], flags;

    ck_assert_int_eq(pipe(out), 0);
    flags = fcntl(out[1], F_GETFL);
    start(-1, out[1]);
    (void)fill(console_serial_sink(&console));
    ck_assert_int_eq(fcntl(out[1], F_GETFL), flags);
}
END_TEST

/* Kinds of output that may refuse bytes. */
static void make_output(int kind, int fds[2])
{
    struct termios termios;

    if (kind == 0) {
        ck_assert_int_eq(pipe(fds), 0);
    } else if (kind == 1) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    } else {
        ck_assert_int_eq(openpty(&fds[0], &fds[1], NULL, NULL, NULL), 0);
        ck_assert_int_eq(tcgetattr(fds[1], &termios), 0);
        cfmakeraw(&termios);
        ck_assert_int_eq(tcsetattr(fds[1], TCSANOW, &termios), 0);
    }
}

START_TEST(full_output_never_blocks_and_loses_nothing_of_the_serial_port)
{
    size_t taken, got = 0;
    int out[2];

    make_output(_i, out);
    start(-1, out[1]);
    taken = fill(console_serial_sink(&console));
    ck_assert_uint_ge(taken, CONSOLE_BUFFER_SIZE);
    ck_assert(console_output_pending(&console));
    ck_assert_int_eq(writables, 0);
    while (writables == 0) {
        got += read_all(out[0]);
        run_loop();
    }
    ck_assert_int_eq(writables, 1);
    while (console_output_pending(&console)) {
        got += read_all(out[0]);
        run_loop();
    }
    got += read_all(out[0]);
    ck_assert_uint_eq(got, taken);
}
END_TEST

START_TEST(debug_console_drops_and_counts_what_does_not_fit)
{
    int out[2];

    ck_assert_int_eq(pipe(out), 0);
    start(-1, out[1]);
    (void)fill(console_serial_sink(&console));
    ck_assert_uint_eq(put(console_debug_sink(&console), "lost", 4), 4);
    ck_assert_uint_eq(console.dropped, 4);
    ck_assert_int_eq(writables, 0);
}
END_TEST

START_TEST(reader_that_went_away_makes_output_vanish)
{
    int out[2];

    make_output(_i, out);
    start(-1, out[1]);
    (void)fill(console_serial_sink(&console));
    (void)close(out[0]);
    run_loop();
    ck_assert_uint_eq(put(console_serial_sink(&console), "x", 1), 1);
    ck_assert(!console_output_pending(&console));
    ck_assert_int_eq(writables, 1); /* whoever waited is told */
}
END_TEST

START_TEST(full_device_makes_output_vanish)
{
    start(-1, open("/dev/full", O_WRONLY));
    ck_assert_uint_eq(put(console_serial_sink(&console), "x", 1), 1);
    ck_assert_uint_eq(put(console_serial_sink(&console), "y", 1), 1);
}
END_TEST

START_TEST(without_descriptors_output_vanishes)
{
    start(-1, -1);
    ck_assert_uint_eq(put(console_serial_sink(&console), "x", 1), 1);
    ck_assert(console_flush(&console, 0));
}
END_TEST

START_TEST(flush_gives_up_after_its_time)
{
    int out[2];

    ck_assert_int_eq(pipe(out), 0);
    start(-1, out[1]);
    (void)fill(console_serial_sink(&console));
    ck_assert(!console_flush(&console, 20));
    (void)close(out[0]);
    ck_assert(console_flush(&console, 1000));
}
END_TEST

START_TEST(finish_asks_for_what_the_serial_port_still_holds)
{
    uint8_t data[4096];
    int out[2];
    pid_t reader;

    ck_assert_int_eq(pipe(out), 0);
    reader = fork();
    ck_assert_int_ge(reader, 0);
    if (reader == 0) {
        (void)close(out[1]);
        (void)usleep(100000);
        while (read(out[0], data, sizeof(data)) > 0) {
        }
        _exit(0);
    }
    start(-1, out[1]);
    (void)fill(console_serial_sink(&console));
    console_finish(&console);
    ck_assert_int_eq(writables, 1);
    (void)close(out[1]);
    ck_assert_int_eq(waitpid(reader, NULL, 0), reader);
}
END_TEST

START_TEST(piped_input_arrives_in_order_and_its_end_ends_reading)
{
    int in[2];

    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(write(in[1], "a\001xb", 4), 4);
    (void)close(in[1]);
    start(in[0], -1);
    run_loop();
    run_loop();
    ck_assert_mem_eq(received, "a\001xb", 4); /* Ctrl-A means nothing in a pipe */
    ck_assert_int_eq(quits, 0);
    ck_assert_int_eq(console.in_kind, CONSOLE_NONE);
}
END_TEST

START_TEST(input_waits_while_the_guest_takes_none)
{
    int in[2];

    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(write(in[1], "abcdef", 6), 6);
    room = 2;
    start(in[0], -1);
    run_loop();
    run_loop();
    ck_assert_uint_eq(received_num, 2);
    room = 3;
    console_input_wanted(&console);
    run_loop();
    ck_assert_uint_eq(received_num, 5);
    room = 100;
    console_input_wanted(&console);
    ck_assert_int_eq(write(in[1], "gh", 2), 2);
    run_loop();
    run_loop();
    ck_assert_uint_eq(received_num, 8);
    ck_assert_mem_eq(received, "abcdefgh", 8);
}
END_TEST

START_TEST(file_is_read_to_its_end_as_fast_as_the_guest_takes_it)
{
    char path[] = "/tmp/acre-console-XXXXXX", text[1000];
    int fd = mkstemp(path), i;

    for (i = 0; i < 1000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    ck_assert_int_ge(fd, 0);
    (void)unlink(path);
    ck_assert_int_eq(write(fd, text, 1000), 1000);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    room = 0;
    start(fd, -1);
    for (i = 0; i < 200 && console.in_kind != CONSOLE_NONE; i++) {
        room = 16;
        console_input_wanted(&console);
        run_loop();
    }
    ck_assert_uint_eq(received_num, 1000);
    ck_assert_mem_eq(received, text, 1000);
}
END_TEST

START_TEST(null_device_and_no_input_are_not_read)
{
    start(_i ? open("/dev/null", O_RDONLY) : -1, -1);
    run_loop();
    ck_assert_uint_eq(received_num, 0);
    ck_assert_int_eq(console.in_kind, CONSOLE_NONE);
}
END_TEST

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
    Suite *suite = suite_create("console");
    TCase *output = tcase_create("output"), *input = tcase_create("input");
    TCase *terminal = tcase_create("terminal");

    tcase_add_checked_fixture(output, setup, teardown);
    tcase_add_test(output, output_keeps_its_order_across_both_sinks);
    tcase_add_test(output, descriptors_flags_are_left_alone);
    tcase_add_loop_test(output, full_output_never_blocks_and_loses_nothing_of_the_serial_port, 0,
                        3);
    tcase_add_test(output, debug_console_drops_and_counts_what_does_not_fit);
    tcase_add_loop_test(output, reader_that_went_away_makes_output_vanish, 0, 3);
    tcase_add_test(output, full_device_makes_output_vanish);
    tcase_add_test(output, without_descriptors_output_vanishes);
    tcase_add_test(output, flush_gives_up_after_its_time);
    tcase_add_test(output, finish_asks_for_what_the_serial_port_still_holds);
    suite_add_tcase(suite, output);
    tcase_add_checked_fixture(input, setup, teardown);
    tcase_add_test(input, piped_input_arrives_in_order_and_its_end_ends_reading);
    tcase_add_test(input, input_waits_while_the_guest_takes_none);
    tcase_add_test(input, file_is_read_to_its_end_as_fast_as_the_guest_takes_it);
    tcase_add_loop_test(input, null_device_and_no_input_are_not_read, 0, 2);
    suite_add_tcase(suite, input);
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
