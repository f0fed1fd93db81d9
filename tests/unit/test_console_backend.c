/* test_console_backend.c - the words of --serial, and what opening them does to the host. */
#include "vmm/console_backend.h"

#include "tests/unit/run_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define LONG_PATH                                                                                  \
    "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789"   \
    "/123456789/123456"

static char dir[] = "/tmp/acre-backend-XXXXXX";
static char path[64], text[128];
static struct console_backend backend;
static struct console_ends ends;
static struct error err;

static void setup(void)
{
    int null = open("/dev/null", O_WRONLY);

    ck_assert_int_eq(dup2(null, STDERR_FILENO), STDERR_FILENO);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/end", dir);
}

static void teardown(void)
{
    console_backend_close(&ends);
    (void)unlink(path);
    (void)rmdir(dir);
}

static const struct {
    const char *text;
    enum console_backend_kind kind;
    const char *path;
    bool wait;
} good[] = {
    {"stdio", CONSOLE_BACKEND_STDIO, NULL, false},
    {"null", CONSOLE_BACKEND_NULL, NULL, false},
    {"none", CONSOLE_BACKEND_NULL, NULL, false},
    {"pty", CONSOLE_BACKEND_PTY, NULL, false},
    {"file:a,b=c", CONSOLE_BACKEND_FILE, "a,b=c", false},
    {"unix:s", CONSOLE_BACKEND_CLIENT, "s", false},
    {"unix:s,server=off", CONSOLE_BACKEND_CLIENT, "s", false},
    {"unix:a,,b", CONSOLE_BACKEND_CLIENT, "a,b", false},
    {"unix:,,,server", CONSOLE_BACKEND_SERVER, ",", true},
    {"unix:s,server", CONSOLE_BACKEND_SERVER, "s", true},
    {"unix:s,server,nowait", CONSOLE_BACKEND_SERVER, "s", false},
    {"unix:s,server=on,wait=on", CONSOLE_BACKEND_SERVER, "s", true},
    {"unix:s,wait=off,server=on", CONSOLE_BACKEND_SERVER, "s", false},
    {"unix:" LONG_PATH, CONSOLE_BACKEND_CLIENT, LONG_PATH, false},
};

START_TEST(words_are_read_as_qemu_does)
{
    ck_assert_msg(console_backend_parse(good[_i].text, &backend, &err) == 0, "%s", err.text);
    ck_assert_int_eq(backend.kind, good[_i].kind);
    ck_assert_int_eq(backend.wait, good[_i].wait);
    if (good[_i].path) {
        ck_assert_str_eq(backend.path ? backend.path : backend.socket, good[_i].path);
    }
    ck_assert_int_eq(console_backend_word(&backend) == NULL, good[_i].path != NULL);
}
END_TEST

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "wants stdio"},
    {"Stdio", "wants stdio"},
    {"stdio,x", "wants stdio"},
    {"file:", "wants stdio"},
    {"file", "wants stdio"},
    {"pty:", "wants stdio"},
    {"tcp:localhost:1", "wants stdio"},
    {"unix:", "wants a path"},
    {"unix:,server", "wants a path"},
    {"unix:s,", "'' is not server"},
    {"unix:s,serve", "'serve' is not server"},
    {"unix:s,server=maybe", "'server=maybe' is not"},
    {"unix:s,server,,nowait", "'' is not server"},
    {"unix:s,nowait", "cannot wait"},
    {"unix:s,wait=on", "cannot wait"},
    {"unix:" LONG_PATH "7", "at most 107 bytes"},
};

START_TEST(other_words_are_refused_with_the_reason)
{
    ck_assert_int_eq(console_backend_parse(bad[_i].text, &backend, &err), -EINVAL);
    ck_assert_msg(strstr(err.text, bad[_i].message) != NULL, "%s", err.text);
}
END_TEST

/* With the path between the two. */
static int open_text(const char *before, const char *after)
{
    (void)snprintf(text, sizeof(text), "%s%s%s", before, path, after);
    ck_assert_msg(console_backend_parse(text, &backend, &err) == 0, "%s", err.text);
    return console_backend_open(&backend, "serial1", -1, -1, &ends, &err);
}

static int listen_at(const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
    ck_assert_int_eq(bind(fd, (const void *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

START_TEST(file_is_created_or_emptied_and_not_read)
{
    struct stat st;
    int i;

    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(open_text("file:", ""), 0);
        ck_assert_int_eq(ends.in_fd, -1);
        ck_assert_int_eq(fstat(ends.out_fd, &st), 0);
        ck_assert_int_eq(st.st_size, 0);
        ck_assert_int_eq(write(ends.out_fd, "x", 1), 1);
        console_backend_close(&ends);
    }
}
END_TEST

START_TEST(path_that_cannot_be_opened_is_named)
{
    static const char *const parts[][2] = {
        {"file:", "/no"}, {"unix:", ""}, {"unix:", "/no,server"}};
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ck_assert_int_lt(open_text(parts[i][0], parts[i][1]), 0);
        ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
        ck_assert_int_eq(ends.kind, CONSOLE_BACKEND_UNSET);
    }
}
END_TEST

static int open_pty(void)
{
    backend = (struct console_backend){.kind = CONSOLE_BACKEND_PTY};
    return console_backend_open(&backend, "serial1", -1, -1, &ends, &err);
}

START_TEST(pty_is_raw_and_says_where_it_is)
{
    struct termios termios;
    int fd;

    ck_assert_int_eq(open_pty(), 0);
    fd = open(ends.where, O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(tcgetattr(fd, &termios), 0);
    ck_assert_uint_eq(termios.c_lflag & (ICANON | ECHO | ISIG), 0);
    ck_assert_uint_eq(termios.c_oflag & OPOST, 0);
}
END_TEST

START_TEST(socket_that_an_ended_process_left_is_replaced)
{
    (void)close(listen_at(path));
    ck_assert_msg(open_text("unix:", ",server,nowait") == 0, "%s", err.text);
    console_backend_close(&ends);
    ck_assert_msg(open_text("unix:", ",server,nowait") == 0, "%s", err.text);
}
END_TEST

START_TEST(socket_that_somebody_listens_on_is_left_alone)
{
    int fd = listen_at(path);

    ck_assert_int_eq(open_text("unix:", ",server,nowait"), -EADDRINUSE);
    (void)close(fd);
}
END_TEST

START_TEST(file_in_the_place_of_the_socket_is_left_alone)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(open_text("unix:", ",server,nowait"), -EADDRINUSE);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    (void)close(fd);
}
END_TEST

static void *connect_late(void *opaque)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    while (connect(fd, (const void *)&address, sizeof(address)) < 0) {
        (void)usleep(1000);
    }
    return opaque;
}

START_TEST(server_waits_for_its_first_client_where_it_is_told_to)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, connect_late, NULL), 0);
    ck_assert_msg(open_text("unix:", ",server=on,wait=on") == 0, "%s", err.text);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_ge(ends.link_fd, 0);
    ck_assert(fcntl(ends.link_fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(ends.notice_fd, F_GETFL) & O_NONBLOCK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console_backend");
    TCase *words = tcase_create("words"), *tcase = tcase_create("open");

    tcase_add_table_test(words, words_are_read_as_qemu_does, good);
    tcase_add_table_test(words, other_words_are_refused_with_the_reason, bad);
    suite_add_tcase(suite, words);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, file_is_created_or_emptied_and_not_read);
    tcase_add_test(tcase, path_that_cannot_be_opened_is_named);
    tcase_add_test(tcase, pty_is_raw_and_says_where_it_is);
    tcase_add_test(tcase, socket_that_an_ended_process_left_is_replaced);
    tcase_add_test(tcase, socket_that_somebody_listens_on_is_left_alone);
    tcase_add_test(tcase, file_in_the_place_of_the_socket_is_left_alone);
    tcase_add_test(tcase, server_waits_for_its_first_client_where_it_is_told_to);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
