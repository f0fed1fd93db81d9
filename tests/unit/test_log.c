/* test_log.c - lines on stderr, which is a pipe here. */
#include "vmm/log.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"

static int pipe_fds[2], real_stderr;
static char text[65536];

static void setup(void)
{
    ck_assert_int_eq(pipe(pipe_fds), 0);
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
}

static void teardown(void)
{
    (void)dup2(real_stderr, STDERR_FILENO);
}

/* What was written since the last time. */
static const char *take(void)
{
    ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static unsigned count_lines(const char *line)
{
    unsigned num = 0;

    for (; *line; line++) {
        num += *line == '\n';
    }
    return num;
}

START_TEST(each_kind_has_its_prefix)
{
    log_error("%s: bad", "file");
    log_warn("odd");
    log_note("chosen");
    ck_assert_str_eq(take(), "acre: error: file: bad\nacre: warning: odd\nacre: chosen\n");
}
END_TEST

START_TEST(control_characters_cannot_draw_on_the_terminal)
{
    log_error("%s", "a\033[2J\nb\177\tc");
    ck_assert_str_eq(take(), "acre: error: a?[2J?b??c\n");
}
END_TEST

START_TEST(long_line_is_cut_and_still_ends)
{
    static char name[3 * LOG_LINE_MAX];

    memset(name, 'n', sizeof(name) - 1);
    log_error("%s", name);
    (void)take();
    ck_assert_uint_le(strlen(text), LOG_LINE_MAX);
    ck_assert_uint_eq(count_lines(text), 1);
}
END_TEST

START_TEST(burst_is_shown_and_the_rest_is_counted)
{
    struct log_limit limit = {0};
    int i;

    for (i = 0; i < LOG_BURST + 7; i++) {
        log_warn_limited(&limit, "guest did %d", i);
    }
    ck_assert_uint_eq(count_lines(take()), LOG_BURST);
    log_limit_flush(&limit);
    ck_assert_str_eq(take(), "acre: warning: 7 more messages not shown\n");
    log_limit_flush(&limit);
    ck_assert_str_eq(take(), "");
}
END_TEST

/* Nobody reads: a CPU's thread must not wait for that. A blocked write would be a time-out here. */
START_TEST(what_a_guest_provokes_does_not_wait_for_a_reader)
{
    struct log_limit limit = {0};
    static const char block[4096];

    ck_assert_int_eq(fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK), 0);
    while (write(pipe_fds[1], block, sizeof(block)) > 0) {
    }
    ck_assert_int_eq(fcntl(pipe_fds[1], F_SETFL, 0), 0);
    log_warn_limited(&limit, "first");
    log_warn_limited(&limit, "second");
    while (read(pipe_fds[0], text, sizeof(text)) > 0) {
    }
    log_warn_limited(&limit, "third");
    ck_assert_str_eq(take(), "acre: warning: third (2 earlier messages not shown)\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, each_kind_has_its_prefix);
    tcase_add_test(tcase, control_characters_cannot_draw_on_the_terminal);
    tcase_add_test(tcase, long_line_is_cut_and_still_ends);
    tcase_add_test(tcase, burst_is_shown_and_the_rest_is_counted);
    tcase_add_test(tcase, what_a_guest_provokes_does_not_wait_for_a_reader);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
