/* Event inputs: signals are counted once, asking never blocks, and a closed one is gone. */
#include "vmm/event_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"

static void signal_input(const struct event_input *input, uint64_t count)
{
    ck_assert_int_eq(write(input->handle, &count, sizeof(count)), sizeof(count));
}

START_TEST(signals_are_counted_once_and_asking_does_not_block)
{
    struct event_input input;

    ck_assert_int_eq(event_input_open(&input), 0);
    ck_assert_uint_eq(input.take(input.opaque), 0);
    signal_input(&input, 1);
    signal_input(&input, 2);
    ck_assert_uint_eq(input.take(input.opaque), 3);
    ck_assert_uint_eq(input.take(input.opaque), 0);
    event_input_close(&input);
}
END_TEST

START_TEST(closed_input_has_no_handle)
{
    struct event_input input;
    int fd;

    ck_assert_int_eq(event_input_open(&input), 0);
    fd = input.handle;
    event_input_close(&input);
    ck_assert_int_eq(input.handle, -1);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    event_input_close(&input);
}
END_TEST

START_TEST(no_descriptor_left_is_an_error)
{
    struct event_input input;

    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, limit.rlim_max}), 0);
    ck_assert_int_eq(event_input_open(&input), -EMFILE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0); /* the leak checker opens files */
    ck_assert_int_eq(input.handle, -1);
    event_input_close(&input);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("event_input");
    TCase *tc = tcase_create("event_input");

    tcase_add_test(tc, signals_are_counted_once_and_asking_does_not_block);
    tcase_add_test(tc, closed_input_has_no_handle);
    tcase_add_test(tc, no_descriptor_left_is_an_error);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
