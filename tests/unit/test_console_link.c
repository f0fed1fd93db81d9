/* test_console_link.c - readers that come to a pseudo-terminal or socket, are slow, and go. */
#include "tests/unit/console_fixture.h"
#include "tests/unit/run_suite.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

static struct console_ends ends;
static char path[64];

enum { PTY, SERVER }; /* whom readers come to */

/* Opens what `text` says, and a console on it. */
static void open_text(const char *text)
{
    struct console_backend backend;
    struct error err;

    ck_assert_msg(console_backend_parse(text, &backend, &err) == 0, "%s", err.text);
    ck_assert_msg(console_backend_open(&backend, "serial0", -1, -1, &ends, &err) == 0, "%s",
                  err.text);
    start_ends(&ends);
}

/* Both kinds that readers come to. */
static void open_kind(int kind)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "unix:%s,server=on,wait=off", path);
    open_text(kind == PTY ? "pty" : text);
}

static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
    ck_assert_int_eq(connect(fd, (const void *)&address, sizeof(address)), 0);
    return fd;
}

/* A reader comes; the loop has noticed it. */
static int come(int kind)
{
    int fd = kind == PTY ? open(ends.where, O_RDWR | O_NOCTTY) : connect_to(path);

    ck_assert_int_ge(fd, 0);
    run_loop();
    run_loop();
    return fd;
}

static void leave(int fd)
{
    (void)close(fd);
    run_loop();
    run_loop();
}

static void link_setup(void)
{
    int null = open("/dev/null", O_WRONLY);

    ck_assert_int_eq(dup2(null, STDERR_FILENO), STDERR_FILENO); /* names, and what is lost */
    (void)snprintf(path, sizeof(path), "/tmp/acre-link-%d", (int)getpid());
    setup();
}

static void link_teardown(void)
{
    teardown();
    console_backend_close(&ends);
    (void)unlink(path);
}

/* Reads until `len` bytes are there, and lets the loop send them. Returns: how many came. */
static size_t collect(int fd, uint8_t *data, size_t len)
{
    size_t sum = 0;
    ssize_t n;
    int idle;

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (idle = 0; idle < 200 && sum < len;) {
        run_loop();
        n = read(fd, data + sum, len - sum);
        if (n > 0) {
            sum += (size_t)n;
            idle = 0;
        } else {
            (void)usleep(1000); /* a pty's bytes change hands in the background */
            idle++;
        }
    }
    return sum;
}

static void expect(int fd, const char *text)
{
    uint8_t data[256];

    ck_assert_uint_eq(collect(fd, data, strlen(text)), strlen(text));
    ck_assert_mem_eq(data, text, strlen(text));
}

static void expect_received(const char *text)
{
    int i;

    for (i = 0; i < 200 && received_num < strlen(text); i++) {
        (void)usleep(1000);
        run_loop();
    }
    ck_assert_uint_eq(received_num, strlen(text));
    ck_assert_mem_eq(received, text, strlen(text));
}

START_TEST(reader_talks_with_the_guest)
{
    int fd;

    open_kind(_i);
    fd = come(_i);
    ck_assert_uint_eq(put(console_serial_sink(&console), "hello\n", 6), 6);
    expect(fd, "hello\n"); /* a pty is raw: no \r */
    ck_assert_int_eq(write(fd, "\001x\003\n", 4), 4);
    expect_received("\001x\003\n"); /* Ctrl-A and ^C mean nothing here */
    ck_assert_int_eq(quits, 0);
}
END_TEST

START_TEST(who_comes_late_finds_what_was_said)
{
    open_kind(_i);
    ck_assert_uint_eq(put(console_serial_sink(&console), "early ", 6), 6);
    ck_assert_uint_eq(put(console_debug_sink(&console), "bird", 4), 4);
    ck_assert(!console_output_pending(&console));
    expect(come(_i), "early bird");
}
END_TEST

START_TEST(without_a_reader_the_newest_64_kib_stay_and_the_rest_is_counted)
{
    uint8_t block[1000], got[CONSOLE_BUFFER_SIZE];
    unsigned i;

    open_kind(_i);
    for (i = 0; i < 100; i++) {
        memset(block, (int)i, sizeof(block));
        ck_assert_uint_eq(put(console_serial_sink(&console), block, sizeof(block)), sizeof(block));
    }
    ck_assert_uint_eq(console.unread, 100 * sizeof(block) - CONSOLE_BUFFER_SIZE);
    ck_assert_uint_eq(collect(come(_i), got, sizeof(got)), sizeof(got));
    for (i = 0; i < sizeof(got); i++) {
        ck_assert_uint_eq(got[i], (i + 100 * sizeof(block) - sizeof(got)) / sizeof(block));
    }
}
END_TEST

START_TEST(write_larger_than_the_buffer_keeps_its_end)
{
    static uint8_t data[CONSOLE_BUFFER_SIZE + 5], got[CONSOLE_BUFFER_SIZE];

    open_kind(SERVER);
    memset(data, 'a', 5);
    memset(data + 5, 'b', CONSOLE_BUFFER_SIZE);
    ck_assert_uint_eq(put(console_debug_sink(&console), data, sizeof(data)), sizeof(data));
    ck_assert_uint_eq(console.unread, 5);
    ck_assert_uint_eq(collect(come(SERVER), got, sizeof(got)), sizeof(got));
    ck_assert_mem_eq(got, data + 5, sizeof(got));
}
END_TEST

START_TEST(slow_reader_stalls_the_port_and_loses_nothing)
{
    static uint8_t data[4 << 20];
    size_t taken;
    int fd;

    open_kind(_i);
    fd = come(_i);
    taken = fill(console_serial_sink(&console));
    ck_assert_uint_ge(taken, CONSOLE_BUFFER_SIZE);
    ck_assert_uint_eq(put(console_serial_sink(&console), "x", 1), 0);
    ck_assert_int_eq(writables, 0);
    ck_assert_uint_eq(collect(fd, data, taken), taken);
    ck_assert_int_ge(writables, 1);
    ck_assert_uint_eq(console.unread, 0);
}
END_TEST

START_TEST(reader_that_leaves_stalls_nobody)
{
    int fd;

    open_kind(_i);
    fd = come(_i);
    (void)fill(console_serial_sink(&console));
    leave(fd);
    ck_assert_int_eq(writables, 1); /* the guest waited for room */
    ck_assert(!console.linked);
    ck_assert_uint_eq(put(console_serial_sink(&console), "still here", 10), 10);
    ck_assert_uint_eq(put(console_serial_sink(&console), "!", 1), 1);
}
END_TEST

START_TEST(readers_follow_each_other)
{
    int i, fd;

    open_kind(_i);
    for (i = 0; i < 20; i++) {
        fd = come(_i);
        ck_assert_uint_eq(put(console_serial_sink(&console), "next", 4), 4);
        expect(fd, "next");
        ck_assert_int_eq(write(fd, "k", 1), 1);
        leave(fd);
    }
    expect_received("kkkkkkkkkkkkkkkkkkkk");
}
END_TEST

START_TEST(what_a_reader_sent_before_it_left_arrives_as_the_guest_takes_it)
{
    char text[3001] = "";
    int fd, i;

    open_kind(_i);
    for (i = 0; i < 3000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    room = 0;
    fd = come(_i);
    ck_assert_int_eq(write(fd, text, 3000), 3000);
    run_loop();
    leave(fd);
    for (i = 0; i < 3000 && received_num < 3000; i++) {
        room = 7;
        console_input_wanted(&console);
        run_loop();
    }
    ck_assert_uint_eq(received_num, 3000);
    ck_assert_mem_eq(received, text, 3000);
    for (i = 0; i < 100 && console.in_kind != CONSOLE_NONE; i++) {
        run_loop();
    }
    ck_assert_int_eq(console.in_kind, CONSOLE_NONE);
}
END_TEST

START_TEST(input_waits_in_the_socket_while_the_guest_takes_none)
{
    static uint8_t data[64 << 10];
    size_t sent = 0;
    ssize_t n;
    int fd;

    open_kind(SERVER);
    room = 0;
    fd = come(SERVER);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = write(fd, data, sizeof(data))) > 0) {
        run_loop();
        sent += (size_t)n;
    }
    ck_assert_uint_le(console.key_num, 256);
    ck_assert(!console.in_watched);
    ck_assert_uint_gt(sent, CONSOLE_KEYS);
}
END_TEST

START_TEST(one_client_at_a_time_and_the_next_waits)
{
    char c;
    int first, second;

    open_kind(SERVER);
    first = come(SERVER);
    second = come(SERVER);
    ck_assert_uint_eq(put(console_serial_sink(&console), "1", 1), 1);
    expect(first, "1");
    ck_assert_int_eq(fcntl(second, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(read(second, &c, 1), -1);
    leave(first);
    run_loop();
    ck_assert_uint_eq(put(console_serial_sink(&console), "2", 1), 1);
    expect(second, "2");
}
END_TEST

START_TEST(client_that_has_nothing_more_to_say_still_listens)
{
    int fd;

    open_kind(SERVER);
    fd = come(SERVER);
    ck_assert_int_eq(write(fd, "bye", 3), 3);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    expect_received("bye");
    run_loop();
    ck_assert_uint_eq(put(console_serial_sink(&console), "answer", 6), 6);
    expect(fd, "answer");
    leave(fd);
    ck_assert(!console.linked);
}
END_TEST

START_TEST(client_that_does_not_listen_still_talks)
{
    int fd;

    open_kind(SERVER);
    fd = come(SERVER);
    ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
    ck_assert_uint_eq(put(console_serial_sink(&console), "lost?", 5), 5);
    ck_assert_int_eq(write(fd, "talk", 4), 4);
    expect_received("talk");
    leave(fd);
    expect(come(SERVER), "lost?");
}
END_TEST

/* One sends much to a guest that takes nothing, and goes; the next must not wait for ever. */
START_TEST(next_client_comes_although_the_guest_never_took_what_the_last_one_sent)
{
    static uint8_t data[20000];
    int fd;

    open_kind(SERVER);
    room = 0;
    fd = come(SERVER);
    ck_assert_int_eq(write(fd, data, sizeof(data)), sizeof(data));
    run_loop();
    leave(fd);
    fd = come(SERVER);
    ck_assert(console.linked);
    ck_assert_uint_eq(console.key_num, CONSOLE_KEYS);
    ck_assert_uint_eq(console.abandoned, sizeof(data) - CONSOLE_KEYS);
    ck_assert_int_eq(write(fd, "new", 3), 3);
    ck_assert_uint_eq(put(console_serial_sink(&console), "hi", 2), 2);
    expect(fd, "hi");
    ck_assert_uint_eq(received_num, 0);
    room = CONSOLE_KEYS;
    console_input_wanted(&console);
    run_loop();
    ck_assert_uint_eq(received_num, CONSOLE_KEYS); /* then the new one's turn comes */
    received_num = 0;
    room = sizeof(received);
    console_input_wanted(&console);
    expect_received("new");
}
END_TEST

START_TEST(connection_of_our_own_ends_with_its_other_side)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
    char text[80];

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    ck_assert_int_eq(bind(listener, (const void *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    (void)snprintf(text, sizeof(text), "unix:%s", path);
    open_text(text);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "in", 2), 2);
    expect_received("in");
    ck_assert_uint_eq(put(console_serial_sink(&console), "out", 3), 3);
    expect(fd, "out");
    (void)fill(console_serial_sink(&console));
    leave(fd);
    ck_assert_int_eq(writables, 1);
    ck_assert_uint_eq(put(console_serial_sink(&console), "x", 1), 1);
}
END_TEST

START_TEST(console_finished_while_somebody_is_there_can_be_made_again)
{
    open_kind(_i);
    (void)come(_i);
    console_finish(&console);
    console_finish(&console); /* as a zeroed one */
    start_ends(&ends);
    ck_assert_uint_eq(put(console_serial_sink(&console), "x", 1), 1);
}
END_TEST

/* A pty's reader loses what it has not read when the other side closes. */
START_TEST(finish_waits_until_the_reader_of_a_pty_has_read_all)
{
    char data[64] = "";
    ssize_t n = 0;
    int status = 0, fd;
    pid_t reader;

    open_kind(PTY);
    fd = come(PTY);
    ck_assert_uint_eq(put(console_serial_sink(&console), "last words", 10), 10);
    reader = fork();
    ck_assert_int_ge(reader, 0);
    if (reader == 0) {
        (void)close(ends.link_fd);
        (void)close(console.out.fd);
        (void)usleep(200000);
        n = read(fd, data, sizeof(data));
        _exit(n == 10 && memcmp(data, "last words", 10) == 0 ? 0 : 1);
    }
    (void)close(fd);
    console_finish(&console);
    console_backend_close(&ends);
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console_link");
    TCase *tcase = tcase_create("both"), *sockets = tcase_create("sockets");

    tcase_add_checked_fixture(tcase, link_setup, link_teardown);
    tcase_add_loop_test(tcase, reader_talks_with_the_guest, 0, 2);
    tcase_add_loop_test(tcase, who_comes_late_finds_what_was_said, 0, 2);
    tcase_add_loop_test(tcase, without_a_reader_the_newest_64_kib_stay_and_the_rest_is_counted, 0,
                        2);
    tcase_add_loop_test(tcase, slow_reader_stalls_the_port_and_loses_nothing, 0, 2);
    tcase_add_loop_test(tcase, reader_that_leaves_stalls_nobody, 0, 2);
    tcase_add_loop_test(tcase, readers_follow_each_other, 0, 2);
    tcase_add_loop_test(tcase, what_a_reader_sent_before_it_left_arrives_as_the_guest_takes_it, 0,
                        2);
    tcase_add_loop_test(tcase, console_finished_while_somebody_is_there_can_be_made_again, 0, 2);
    tcase_add_test(tcase, finish_waits_until_the_reader_of_a_pty_has_read_all);
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(sockets, link_setup, link_teardown);
    tcase_add_test(sockets, write_larger_than_the_buffer_keeps_its_end);
    tcase_add_test(sockets, input_waits_in_the_socket_while_the_guest_takes_none);
    tcase_add_test(sockets, one_client_at_a_time_and_the_next_waits);
    tcase_add_test(sockets, client_that_has_nothing_more_to_say_still_listens);
    tcase_add_test(sockets, client_that_does_not_listen_still_talks);
    tcase_add_test(sockets, next_client_comes_although_the_guest_never_took_what_the_last_one_sent);
    tcase_add_test(sockets, connection_of_our_own_ends_with_its_other_side);
    suite_add_tcase(suite, sockets);
    return run_suite(suite);
}
