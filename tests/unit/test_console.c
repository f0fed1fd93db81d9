/* test_console.c - the console on pipes, files, sockets and pseudo-terminals that stay. */
#include "tests/unit/console_fixture.h"
#include "tests/unit/run_suite.h"

#include <pty.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

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

START_TEST(the_last_bytes_of_output_are_kept_wherever_they_went)
{
    static const char words[] = "0123456789abcdef";
    char text[CONSOLE_TAIL_SIZE + 1];
    int i;

    start(-1, -1);
    ck_assert_uint_eq(console_tail(&console, text, sizeof(text)), 0);
    (void)put(console_serial_sink(&console), "ab", 2);
    (void)put(console_debug_sink(&console), "cd", 2);
    ck_assert_uint_eq(console_tail(&console, text, sizeof(text)), 4);
    ck_assert(memcmp(text, "abcd", 4) == 0);
    ck_assert_uint_eq(console_tail(&console, text, 2), 2);
    ck_assert(memcmp(text, "cd", 2) == 0);
    for (i = 0; i <= CONSOLE_TAIL_SIZE / 16; i++) {
        (void)put(console_serial_sink(&console), words, 16);
    }
    ck_assert_uint_eq(console_tail(&console, text, sizeof(text)), CONSOLE_TAIL_SIZE);
    ck_assert(memcmp(text, words, 16) == 0);
    ck_assert(memcmp(text + CONSOLE_TAIL_SIZE - 16, words, 16) == 0);
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
    ck_assert(!console_output_pending(&console));
}
END_TEST

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Two that nobody reads and one that is read: a second for all of them. */
START_TEST(finish_waits_a_second_for_all_consoles_together)
{
    static struct console others[2];
    struct console *const all[] = {&console, &others[0], NULL, &others[1]};
    struct error err;
    int out[3][2], i, null = open("/dev/null", O_WRONLY);
    int64_t before;

    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(pipe(out[i]), 0);
    }
    start(-1, out[0][1]);
    for (i = 0; i < 2; i++) {
        const struct console_ends ends = {CONSOLE_BACKEND_STDIO, -1, out[i + 1][1], -1, -1, ""};
        const struct console_config config = {
            .name = "other", .ends = &ends, .guest = {receive, writable, send_break, quit, NULL}};

        ck_assert_int_eq(console_init(&others[i], &loop, &config, &err), 0);
    }
    (void)fill(console_serial_sink(&console));
    (void)fill(console_serial_sink(&others[0]));
    ck_assert_uint_eq(put(console_serial_sink(&others[1]), "last", 4), 4);
    ck_assert_int_eq(dup2(null, STDERR_FILENO), STDERR_FILENO); /* says what is lost */
    before = now_ms();
    console_finish_all(all, 4);
    ck_assert_int_ge(now_ms() - before, 900);
    ck_assert_int_lt(now_ms() - before, 1900);
    ck_assert_uint_eq(read_all(out[2][0]), 4);
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

int main(void)
{
    Suite *suite = suite_create("console");
    TCase *output = tcase_create("output"), *input = tcase_create("input");

    tcase_add_checked_fixture(output, setup, teardown);
    tcase_add_test(output, output_keeps_its_order_across_both_sinks);
    tcase_add_test(output, the_last_bytes_of_output_are_kept_wherever_they_went);
    tcase_add_test(output, descriptors_flags_are_left_alone);
    tcase_add_loop_test(output, full_output_never_blocks_and_loses_nothing_of_the_serial_port, 0,
                        3);
    tcase_add_test(output, debug_console_drops_and_counts_what_does_not_fit);
    tcase_add_loop_test(output, reader_that_went_away_makes_output_vanish, 0, 3);
    tcase_add_test(output, full_device_makes_output_vanish);
    tcase_add_test(output, without_descriptors_output_vanishes);
    tcase_add_test(output, finish_waits_a_second_for_all_consoles_together);
    tcase_add_test(output, finish_asks_for_what_the_serial_port_still_holds);
    suite_add_tcase(suite, output);
    tcase_add_checked_fixture(input, setup, teardown);
    tcase_add_test(input, piped_input_arrives_in_order_and_its_end_ends_reading);
    tcase_add_test(input, input_waits_while_the_guest_takes_none);
    tcase_add_test(input, file_is_read_to_its_end_as_fast_as_the_guest_takes_it);
    tcase_add_loop_test(input, null_device_and_no_input_are_not_read, 0, 2);
    suite_add_tcase(suite, input);
    return run_suite(suite);
}
