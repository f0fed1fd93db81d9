/* test_loop.c - the event loop: sources, work from other threads, signals, the end. */
#include "vmm/loop.h"

#include "tests/unit/run_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static struct loop loop;
static int calls, last_signal;

static void setup(void)
{
    struct error err;

    calls = 0;
    last_signal = 0;
    ck_assert_int_eq(loop_init(&loop, &err), 0);
}

static void teardown(void)
{
    loop_finish(&loop);
}

static void count_and_quit(void *opaque)
{
    (void)opaque;
    calls++;
    loop_quit(&loop);
}

static void read_and_quit(void *opaque, uint32_t events)
{
    char c;

    ck_assert(events & EPOLLIN);
    ck_assert_int_eq(read(*(int *)opaque, &c, 1), 1);
    count_and_quit(NULL);
}

START_TEST(quit_before_run_ends_it_at_once)
{
    loop_quit(&loop);
    ck_assert_int_eq(loop_run(&loop), 0);
}
END_TEST

START_TEST(readable_source_is_served)
{
    struct loop_source source = {.events = EPOLLIN, .ready = read_and_quit};
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    source.fd = fds[0];
    source.opaque = &fds[0];
    ck_assert_int_eq(loop_add(&loop, &source), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(calls, 1);
    loop_remove(&loop, &source);
    loop_remove(&loop, &source); /* a second time does no harm */
}
END_TEST

START_TEST(source_without_events_is_not_served_until_they_are_asked_for)
{
    struct loop_source source = {.events = 0, .ready = read_and_quit};
    struct loop_work work = {.run = count_and_quit};
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    source.fd = fds[0];
    source.opaque = &fds[0];
    ck_assert_int_eq(loop_add(&loop, &source), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    loop_post(&loop, &work);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(calls, 1); /* the work alone */
    teardown();
    setup();
    ck_assert_int_eq(loop_add(&loop, &source), 0);
    ck_assert_int_eq(loop_change(&loop, &source, EPOLLIN), 0);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(calls, 1);
}
END_TEST

static struct loop_source *pair[2];

/* The first that is called removes and frees both. */
static void remove_both(void *opaque, uint32_t events)
{
    int i;

    (void)opaque;
    (void)events;
    for (i = 0; i < 2; i++) {
        loop_remove(&loop, pair[i]);
        free(pair[i]);
        pair[i] = NULL;
    }
    count_and_quit(NULL);
}

START_TEST(source_that_is_removed_while_it_is_ready_is_not_called)
{
    int fds[2], i;

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    for (i = 0; i < 2; i++) {
        pair[i] = calloc(1, sizeof(*pair[i]));
        ck_assert_ptr_nonnull(pair[i]);
        *pair[i] = (struct loop_source){.fd = dup(fds[0]), .events = EPOLLIN, .ready = remove_both};
        ck_assert_int_eq(loop_add(&loop, pair[i]), 0);
    }
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(regular_file_cannot_be_watched)
{
    struct loop_source source = {.fd = open("/proc/self/exe", O_RDONLY), .events = EPOLLIN};

    ck_assert_int_ge(source.fd, 0);
    ck_assert_int_eq(loop_add(&loop, &source), -EPERM);
}
END_TEST

static void *post_from_thread(void *work)
{
    loop_post(&loop, work);
    loop_post(&loop, work); /* waits already: once is enough */
    return NULL;
}

START_TEST(work_posted_by_another_thread_runs_once)
{
    struct loop_work work = {.run = count_and_quit};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, post_from_thread, &work), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(calls, 1);
}
END_TEST

static void post_again(void *opaque)
{
    if (++calls < 3) {
        loop_post(&loop, opaque);
    } else {
        loop_quit(&loop);
    }
}

START_TEST(work_may_post_itself)
{
    struct loop_work work = {.run = post_again};

    work.opaque = &work;
    loop_post(&loop, &work);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(calls, 3);
}
END_TEST

static void got_signal(void *opaque, int signo)
{
    (void)opaque;
    last_signal = signo;
    loop_quit(&loop);
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

START_TEST(signal_comes_through_the_loop)
{
    struct error err;
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, signals[_i]);
    ck_assert_int_eq(loop_signals(&loop, &set, got_signal, NULL, &err), 0);
    ck_assert_int_eq(raise(signals[_i]), 0);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(last_signal, signals[_i]);
}
END_TEST

START_TEST(write_to_a_pipe_without_reader_is_an_error_and_no_death)
{
    struct error err;
    sigset_t set;
    int fds[2];

    (void)sigemptyset(&set);
    ck_assert_int_eq(loop_signals(&loop, &set, got_signal, NULL, &err), 0);
    ck_assert_int_eq(pipe(fds), 0);
    (void)close(fds[0]);
    ck_assert_int_eq(write(fds[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(what_the_parent_had_blocked_comes_again)
{
    struct error err;
    sigset_t set;

    (void)sigfillset(&set);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    ck_assert_int_eq(loop_signals(&loop, &set, got_signal, NULL, &err), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    ck_assert_int_eq(sigismember(&set, SIGRTMIN), 0);
    ck_assert_int_eq(sigismember(&set, SIGTERM), 1);
}
END_TEST

START_TEST(finish_accepts_a_zeroed_loop)
{
    struct loop zeroed = {0};

    loop_finish(&zeroed);
}
END_TEST

static struct loop *later_loop;
static int later_runs;

static void run_once_and_quit(void *opaque)
{
    (void)opaque;
    later_runs++;
    loop_quit(later_loop);
}

static int64_t later_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(work_posted_for_later_runs_once_and_not_before_its_time)
{
    struct loop_work work = {.run = run_once_and_quit};
    struct loop own;
    struct error err;
    int64_t started_ms;

    later_loop = &own;
    later_runs = 0;
    ck_assert_int_eq(loop_init(&own, &err), 0);
    started_ms = later_now_ms();
    loop_post_later(&own, &work, 20);
    ck_assert_int_eq(loop_run(&own), 0);
    ck_assert_int_ge(later_now_ms() - started_ms, 20);
    ck_assert_int_eq(later_runs, 1);
    ck_assert_ptr_null(own.later);
    loop_finish(&own);
}
END_TEST

static void quit_at_once(void *opaque)
{
    (void)opaque;
    loop_quit(later_loop);
}

START_TEST(loop_that_ends_first_does_not_run_what_was_for_later)
{
    struct loop_work work = {.run = run_once_and_quit}, quit = {.run = quit_at_once};
    struct loop own;
    struct error err;

    later_loop = &own;
    later_runs = 0;
    ck_assert_int_eq(loop_init(&own, &err), 0);
    loop_post_later(&own, &work, 10000);
    loop_post(&own, &quit);
    ck_assert_int_eq(loop_run(&own), 0);
    ck_assert_int_eq(later_runs, 0);
    loop_finish(&own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loop");
    TCase *tcase = tcase_create("loop");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, quit_before_run_ends_it_at_once);
    tcase_add_test(tcase, work_posted_for_later_runs_once_and_not_before_its_time);
    tcase_add_test(tcase, loop_that_ends_first_does_not_run_what_was_for_later);
    tcase_add_test(tcase, readable_source_is_served);
    tcase_add_test(tcase, source_without_events_is_not_served_until_they_are_asked_for);
    tcase_add_test(tcase, source_that_is_removed_while_it_is_ready_is_not_called);
    tcase_add_test(tcase, regular_file_cannot_be_watched);
    tcase_add_test(tcase, work_posted_by_another_thread_runs_once);
    tcase_add_test(tcase, work_may_post_itself);
    tcase_add_loop_test(tcase, signal_comes_through_the_loop, 0, 3);
    tcase_add_test(tcase, write_to_a_pipe_without_reader_is_an_error_and_no_death);
    tcase_add_test(tcase, what_the_parent_had_blocked_comes_again);
    tcase_add_test(tcase, finish_accepts_a_zeroed_loop);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
