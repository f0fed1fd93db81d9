/* test_vclock.c - virtual time, timers in order, standing still, the owner's lock. */
#include "vmm/vclock.h"

#include "tests/unit/run_suite.h"

#include <stdlib.h>
#include <time.h>

#include "memory/memory.h"

#define MS UINT64_C(1000000)

static struct loop loop;
static struct vclock vclock;
static int order[8], order_num, quit_after;

struct numbered {
    struct device_timer timer;
    int number;
};

static void setup(void)
{
    struct error err;

    order_num = 0;
    quit_after = 1;
    ck_assert_int_eq(loop_init(&loop, &err), 0);
    vclock_init(&vclock, &loop);
}

static void teardown(void)
{
    vclock_finish(&vclock);
    loop_finish(&loop);
}

static void note(void *opaque)
{
    order[order_num++] = ((struct numbered *)opaque)->number;
    if (order_num == quit_after) {
        loop_quit(&loop);
    }
}

static struct numbered make(int number)
{
    return (struct numbered){.timer = {.expired = note}, .number = number};
}

static void arm_in(struct numbered *numbered, uint64_t delay_ns)
{
    numbered->timer.opaque = numbered;
    vclock_arm(&vclock, &numbered->timer, vclock_now_ns(&vclock) + delay_ns);
}

static void nap(uint64_t ns)
{
    const struct timespec ts = {.tv_nsec = (long)ns};

    (void)nanosleep(&ts, NULL);
}

START_TEST(time_starts_near_zero_and_grows)
{
    uint64_t first = vclock_now_ns(&vclock), second;

    ck_assert_uint_lt(first, 10000 * MS);
    nap(2 * MS);
    second = device_clock_now(&vclock.clock);
    ck_assert_uint_ge(second, first + 2 * MS);
}
END_TEST

START_TEST(no_descriptor_is_made_before_the_first_timer)
{
    struct numbered one = make(1);

    ck_assert_int_eq(vclock.source.fd, 0);
    arm_in(&one, 1000 * MS);
    ck_assert_int_gt(vclock.source.fd, 0);
}
END_TEST

START_TEST(timers_expire_in_order_of_deadline_not_before_it)
{
    struct numbered one = make(1), two = make(2), three = make(3);
    uint64_t start = vclock_now_ns(&vclock);

    quit_after = 3;
    arm_in(&three, 6 * MS);
    arm_in(&one, 2 * MS);
    arm_in(&two, 4 * MS);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(order[2], 3);
    ck_assert_uint_ge(vclock_now_ns(&vclock), start + 6 * MS);
}
END_TEST

START_TEST(equal_deadlines_keep_the_order_of_arming)
{
    struct numbered one = make(1), two = make(2);
    uint64_t deadline = vclock_now_ns(&vclock) + MS;

    quit_after = 2;
    one.timer.opaque = &one;
    two.timer.opaque = &two;
    vclock_arm(&vclock, &one.timer, deadline);
    vclock_arm(&vclock, &two.timer, deadline);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 2);
}
END_TEST

START_TEST(disarmed_timer_does_not_expire)
{
    struct numbered one = make(1), two = make(2);

    arm_in(&one, MS);
    arm_in(&two, 3 * MS);
    vclock_disarm(&vclock, &one.timer);
    vclock_disarm(&vclock, &one.timer); /* no harm */
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(order_num, 1);
    ck_assert_int_eq(order[0], 2);
}
END_TEST

START_TEST(arming_again_replaces_the_deadline)
{
    struct numbered one = make(1), two = make(2);

    quit_after = 2;
    arm_in(&one, MS);
    arm_in(&two, 3 * MS);
    arm_in(&one, 5 * MS);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[1], 1);
}
END_TEST

static const uint64_t past_or_never[] = {0, 1};

START_TEST(deadline_in_the_past_expires_at_once)
{
    struct numbered one = make(1);

    one.timer.opaque = &one;
    vclock_arm(&vclock, &one.timer, past_or_never[_i]);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(order_num, 1);
}
END_TEST

START_TEST(deadline_beyond_all_time_never_expires)
{
    struct numbered one = make(1), two = make(2);

    one.timer.opaque = &one;
    vclock_arm(&vclock, &one.timer, UINT64_MAX);
    arm_in(&two, MS);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_int_eq(order[0], 2);
    ck_assert(one.timer.armed);
}
END_TEST

START_TEST(stopped_clock_stands_still_and_holds_timers)
{
    struct numbered one = make(1);
    uint64_t stopped;

    arm_in(&one, 3 * MS);
    vclock_stop(&vclock);
    stopped = vclock_now_ns(&vclock);
    nap(6 * MS);
    ck_assert_uint_eq(vclock_now_ns(&vclock), stopped);
    vclock_stop(&vclock);
    vclock_resume(&vclock);
    vclock_resume(&vclock);
    ck_assert_uint_lt(vclock_now_ns(&vclock), stopped + 3 * MS);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert_uint_ge(vclock_now_ns(&vclock), stopped + 2 * MS);
}
END_TEST

static MemoryOwner owner;

static void expect_inside(void *opaque)
{
    ck_assert(memory_owner_inside());
    note(opaque);
}

START_TEST(timer_expires_under_its_owners_lock)
{
    struct numbered one = make(1);

    memory_owner_init(&owner, "test");
    one.timer.expired = expect_inside;
    one.timer.owner = &owner;
    arm_in(&one, MS);
    ck_assert_int_eq(loop_run(&loop), 0);
    ck_assert(!memory_owner_inside());
    memory_owner_finish(&owner);
}
END_TEST

static void arm_self_now(void *opaque)
{
    struct numbered *numbered = opaque;

    if (++order_num < 200) {
        vclock_arm(&vclock, &numbered->timer, 0);
    }
}

START_TEST(timer_that_arms_itself_in_the_past_does_not_starve_others)
{
    struct numbered one = make(1);

    one.timer.expired = arm_self_now;
    arm_in(&one, 0);
    vclock.source.ready(vclock.source.opaque, 0);
    ck_assert_int_eq(order_num, 64); /* one round of the source */
    vclock.source.ready(vclock.source.opaque, 0);
    ck_assert_int_eq(order_num, 128);
}
END_TEST

static void *arm_from_thread(void *opaque)
{
    arm_in(opaque, MS);
    return NULL;
}

START_TEST(timer_armed_by_another_thread_wakes_the_loop)
{
    struct numbered far = make(1), near = make(2);
    pthread_t thread;

    arm_in(&far, 10000 * MS);
    ck_assert_int_eq(pthread_create(&thread, NULL, arm_from_thread, &near), 0);
    ck_assert_int_eq(loop_run(&loop), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(order[0], 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vclock");
    TCase *tcase = tcase_create("vclock");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, time_starts_near_zero_and_grows);
    tcase_add_test(tcase, no_descriptor_is_made_before_the_first_timer);
    tcase_add_test(tcase, timers_expire_in_order_of_deadline_not_before_it);
    tcase_add_test(tcase, equal_deadlines_keep_the_order_of_arming);
    tcase_add_test(tcase, disarmed_timer_does_not_expire);
    tcase_add_test(tcase, arming_again_replaces_the_deadline);
    tcase_add_loop_test(tcase, deadline_in_the_past_expires_at_once, 0, 2);
    tcase_add_test(tcase, deadline_beyond_all_time_never_expires);
    tcase_add_test(tcase, stopped_clock_stands_still_and_holds_timers);
    tcase_add_test(tcase, timer_expires_under_its_owners_lock);
    tcase_add_test(tcase, timer_that_arms_itself_in_the_past_does_not_starve_others);
    tcase_add_test(tcase, timer_armed_by_another_thread_wakes_the_loop);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
