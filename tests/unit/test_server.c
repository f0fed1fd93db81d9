/*
 * test_server.c - clients that talk, leave, do not read, and come in numbers, on real sockets in a
 * directory of the test's own.
 */
#include "vmm/server.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suite.h"

enum { OUT_MAX = 1 << 20, CLIENT_MAX = 2 };

static struct loop loop;
static struct server server;
static char directory[] = "/tmp/acre-server-XXXXXX", address[64];
static unsigned accepted, closed;
static char heard[256];
static struct connection *last;
static enum { ECHO, CLOSE, FLOOD, KEEP, BULK } mode;

static int accept_one(void *opaque, struct connection *connection)
{
    ck_assert_ptr_eq(opaque, &server);
    accepted++;
    last = connection;
    loop_quit(&loop);
    return 0;
}

static void receive(void *opaque, struct connection *connection, const char *data, size_t len)
{
    static char much[OUT_MAX / 4];
    int i;

    ck_assert_ptr_eq(opaque, &server);
    (void)strncat(heard, data, len);
    switch (mode) {
    case ECHO:
        connection_send(connection, data, len);
        break;
    case CLOSE:
        connection_send(connection, "bye", 3);
        connection_close(connection);
        connection_send(connection, "more", 4);
        break;
    case KEEP: /* a byte a turn */
        connection_send(connection, data, 1);
        connection_keep(connection, data + 1, len - 1);
        break;
    case BULK: /* more than a socket takes at once, and less than the limit */
        connection_send(connection, much, sizeof(much));
        connection_send(connection, much, sizeof(much));
        break;
    case FLOOD:
        for (i = 0; i < 16; i++) {
            connection_send(connection, much, sizeof(much));
        }
        break;
    }
    loop_quit(&loop);
}

static void note_close(void *opaque, struct connection *connection)
{
    ck_assert_ptr_eq(opaque, &server);
    last = last == connection ? NULL : last;
    closed++;
    loop_quit(&loop);
}

static const struct server_config config = {
    .ops = {.accepted = accept_one, .received = receive, .closed = note_close},
    .opaque = &server,
    .client_max = CLIENT_MAX,
    .out_max = OUT_MAX,
};

static void stop_waiting(void *opaque)
{
    (void)opaque;
    loop_quit(&loop);
}

/* Lets the loop serve one thing, or a twentieth of a second pass. */
static void run_loop(void)
{
    struct loop_work work = {.run = stop_waiting};

    loop.quit = false;
    loop_post_later(&loop, &work, 50);
    ck_assert_int_eq(loop_run(&loop), 0);
    loop.later = NULL;
}

static void setup(void)
{
    struct error err;

    memcpy(directory, "/tmp/acre-server-XXXXXX", sizeof(directory));
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(address, sizeof(address), "unix:%s/socket", directory);
    memset(heard, 0, sizeof(heard));
    accepted = closed = 0;
    mode = ECHO;
    ck_assert_int_eq(loop_init(&loop, &err), 0);
    ck_assert_msg(server_open(&server, address, false, &config, &err) == 0, "%s", err.text);
    ck_assert_int_eq(server_start(&server, &loop), 0);
}

static void teardown(void)
{
    server_close(&server, 0);
    loop_finish(&loop);
    (void)unlink(address + 5);
    (void)rmdir(directory);
}

static int connect_one(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", address + 5);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const void *)&to, sizeof(to)), 0);
    return fd;
}

static void expect_text(int fd, const char *text)
{
    char got[64] = "";

    ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, 0), (ssize_t)strlen(text));
    ck_assert_str_eq(got, text);
}

START_TEST(what_a_client_sends_is_heard_and_answered)
{
    int fd = connect_one();

    ck_assert_int_eq(write(fd, "hello", 5), 5);
    run_loop();
    run_loop();
    ck_assert_uint_eq(accepted, 1);
    ck_assert_str_eq(heard, "hello");
    expect_text(fd, "hello");
    (void)close(fd);
    run_loop();
    ck_assert_uint_eq(closed, 1);
}
END_TEST

START_TEST(connection_closed_in_its_callback_sends_what_waits_first)
{
    int fd = connect_one();

    mode = CLOSE;
    ck_assert_int_eq(write(fd, "x", 1), 1);
    run_loop();
    run_loop();
    expect_text(fd, "bye");
    ck_assert_int_eq(read(fd, heard, 1), 0);
    ck_assert_uint_eq(closed, 1);
    (void)close(fd);
}
END_TEST

START_TEST(input_that_is_put_off_comes_again_in_turns_and_before_what_follows)
{
    int fd = connect_one();
    unsigned turns;

    mode = KEEP;
    ck_assert_int_eq(write(fd, "abc", 3), 3);
    run_loop();
    run_loop();
    ck_assert_str_eq(heard, "abc");
    ck_assert_int_eq(write(fd, "d", 1), 1);
    for (turns = 0; turns < 3; turns++) {
        run_loop();
    }
    ck_assert_str_eq(heard, "abcbccd");
    expect_text(fd, "abcd");
    (void)close(fd);
    run_loop();
    ck_assert_uint_eq(closed, 1);
}
END_TEST

START_TEST(client_that_leaves_with_input_put_off_is_still_served_and_then_gone)
{
    int fd = connect_one();
    unsigned turns;

    mode = KEEP;
    ck_assert_int_eq(write(fd, "abc", 3), 3);
    run_loop();
    run_loop();
    (void)close(fd);
    for (turns = 0; turns < 4 && closed == 0; turns++) {
        run_loop();
    }
    ck_assert_uint_eq(closed, 1);
}
END_TEST

START_TEST(client_that_sends_no_more_gets_the_whole_answer)
{
    static char got[OUT_MAX];
    int fd = connect_one();
    size_t done = 0;
    unsigned turns;

    mode = BULK;
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    for (turns = 0; turns < 4; turns++) {
        run_loop();
    }
    ck_assert_uint_eq(closed, 0);
    for (turns = 0; turns < 100 && closed == 0; turns++) {
        ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

        done += n > 0 ? (size_t)n : 0;
        run_loop();
    }
    ck_assert_uint_eq(closed, 1);
    for (;;) {
        ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

        if (n <= 0) {
            ck_assert_int_eq(n, 0);
            break;
        }
        done += (size_t)n;
    }
    ck_assert_uint_eq(done, OUT_MAX / 2);
    (void)close(fd);
}
END_TEST

START_TEST(client_that_does_not_read_is_dropped_and_others_are_not)
{
    int slow = connect_one(), good;

    mode = FLOOD;
    ck_assert_int_eq(write(slow, "x", 1), 1);
    run_loop();
    run_loop();
    ck_assert_uint_eq(closed, 1);
    mode = ECHO;
    good = connect_one();
    ck_assert_int_eq(write(good, "ok", 2), 2);
    run_loop();
    run_loop();
    expect_text(good, "ok");
    (void)close(slow);
    (void)close(good);
}
END_TEST

START_TEST(more_clients_than_are_served_wait_until_one_leaves)
{
    int fds[CLIENT_MAX + 1], i;

    for (i = 0; i <= CLIENT_MAX; i++) {
        fds[i] = connect_one();
        run_loop();
    }
    ck_assert_uint_eq(accepted, CLIENT_MAX);
    (void)close(fds[0]);
    run_loop();
    run_loop();
    ck_assert_uint_eq(accepted, CLIENT_MAX + 1);
    for (i = 1; i <= CLIENT_MAX; i++) {
        (void)close(fds[i]);
    }
}
END_TEST

START_TEST(client_for_which_there_is_no_descriptor_waits_and_costs_nothing)
{
    struct rlimit limit = {.rlim_max = 0}, none;
    int first = connect_one(), second, spare;
    unsigned turns;

    run_loop();
    ck_assert_uint_eq(accepted, 1);
    second = connect_one();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    spare = dup(first); /* the lowest that is free: from here on there is none */
    ck_assert_int_ge(spare, 0);
    (void)close(spare);
    none.rlim_cur = (rlim_t)spare;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (turns = 0; turns < 3; turns++) {
        run_loop();
    }
    ck_assert_uint_eq(accepted, 1);
    ck_assert(server.no_fds); /* and so it is not asked about in each round */
    (void)close(first);
    run_loop();
    run_loop();
    ck_assert_uint_eq(closed, 1);
    ck_assert_uint_eq(accepted, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)close(second);
}
END_TEST

START_TEST(close_gives_output_time_to_leave)
{
    static char much[OUT_MAX], got[OUT_MAX];
    int fd = connect_one();
    size_t done = 0;
    ssize_t n;
    pid_t reader;

    run_loop();
    memset(much, 'm', sizeof(much));
    connection_send(last, much, sizeof(much));
    reader = fork();
    if (reader == 0) {
        (void)close(server.source.fd);
        while ((n = read(fd, got, sizeof(got))) > 0 && (done += (size_t)n) < sizeof(much)) {
        }
        _exit(done == sizeof(much) ? 0 : 1);
    }
    server_close(&server, 5000);
    ck_assert_uint_eq(closed, 1);
    (void)close(fd);
    {
        int status = 1;

        ck_assert_int_eq(waitpid(reader, &status, 0), reader);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

START_TEST(socket_file_that_was_left_is_replaced_and_others_are_not)
{
    struct server second;
    struct error err;
    int fd;

    ck_assert_int_eq(server_open(&second, address, false, &config, &err), -EADDRINUSE);
    server_close(&server, 0); /* which leaves the file */
    ck_assert_int_eq(server_open(&second, address, false, &config, &err), 0);
    server_close(&second, 0);
    ck_assert_int_eq(unlink(address + 5), 0);
    fd = open(address + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(fd);
    ck_assert_int_eq(server_open(&second, address, false, &config, &err), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(err.text, address));
}
END_TEST

static const struct {
    const char *text;
    bool tcp;
    int result;
} addresses[] = {
    {"unix:", true, -EINVAL},
    {"", true, -EINVAL},
    {"/path", true, -EINVAL},
    {"1234", false, -EINVAL},
    {"0", true, -EINVAL},
    {"65536", true, -EINVAL},
    {"host.example:1234", true, -EINVAL},
    {"127.0.0.1:", true, -EINVAL},
    {"1234x", true, -EINVAL},
    {"unix:/nonexistent/socket", false, -ENOENT},
};

START_TEST(addresses_that_cannot_be_are_refused_by_name)
{
    struct server second;
    struct error err;

    ck_assert_int_eq(server_open(&second, addresses[_i].text, addresses[_i].tcp, &config, &err),
                     addresses[_i].result);
    ck_assert_int_eq(strncmp(err.text, addresses[_i].text, strlen(addresses[_i].text)), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server");
    TCase *tcase = tcase_create("server");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_a_client_sends_is_heard_and_answered);
    tcase_add_test(tcase, connection_closed_in_its_callback_sends_what_waits_first);
    tcase_add_test(tcase, client_that_does_not_read_is_dropped_and_others_are_not);
    tcase_add_test(tcase, input_that_is_put_off_comes_again_in_turns_and_before_what_follows);
    tcase_add_test(tcase, client_that_leaves_with_input_put_off_is_still_served_and_then_gone);
    tcase_add_test(tcase, client_that_sends_no_more_gets_the_whole_answer);
    tcase_add_test(tcase, more_clients_than_are_served_wait_until_one_leaves);
    tcase_add_test(tcase, client_for_which_there_is_no_descriptor_waits_and_costs_nothing);
    tcase_add_test(tcase, close_gives_output_time_to_leave);
    tcase_add_test(tcase, socket_file_that_was_left_is_replaced_and_others_are_not);
    tcase_add_table_test(tcase, addresses_that_cannot_be_are_refused_by_name, addresses);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
