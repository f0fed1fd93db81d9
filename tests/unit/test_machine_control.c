/*
 * test_machine_control.c - who holds a machine, what its clock does meanwhile, and who is told. The
 * machine has no CPU; real ones are held in the tests of the command line.
 */
#include "vmm/machine_control.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "run_suite.h"
#include "vmm/machine_parts.h"

static struct machine machine;
static struct machine_observer observer;
static char events[16]; /* one letter each */

static void note(void *opaque, enum machine_event event, const struct verdict *verdict)
{
    static const char letters[] = {
        [MACHINE_EVENT_STOP] = 's',
        [MACHINE_EVENT_RESUME] = 'r',
        [MACHINE_EVENT_RESET] = 'R',
        [MACHINE_EVENT_END] = 'e',
    };

    ck_assert_ptr_eq(opaque, &machine);
    ck_assert_ptr_null(verdict);
    ck_assert_uint_lt(strlen(events), sizeof(events) - 1);
    events[strlen(events)] = letters[event];
}

static void setup(void)
{
    memset(&machine, 0, sizeof(machine));
    memset(events, 0, sizeof(events));
    vclock_init(&machine.clock, &machine.loop);
    observer = (struct machine_observer){.event = note, .opaque = &machine};
    machine_observe(&machine, &observer);
}

static void teardown(void)
{
    vclock_finish(&machine.clock);
}

static bool clock_stands(void)
{
    uint64_t before = vclock_now_ns(&machine.clock), spins = 0;

    while (vclock_now_ns(&machine.clock) == before && spins < 10000000) {
        spins++;
    }
    return vclock_now_ns(&machine.clock) == before;
}

START_TEST(machine_runs_when_its_last_holder_lets_go)
{
    machine_hold(&machine, MACHINE_HOLDER_USER);
    ck_assert(clock_stands());
    machine_hold(&machine, MACHINE_HOLDER_DEBUGGER);
    ck_assert_uint_eq(machine_holders(&machine), MACHINE_HOLDER_USER | MACHINE_HOLDER_DEBUGGER);
    machine_release(&machine, MACHINE_HOLDER_USER);
    ck_assert(clock_stands());
    ck_assert_uint_eq(machine.vcpus.holds, 1);
    machine_release(&machine, MACHINE_HOLDER_DEBUGGER);
    ck_assert(!clock_stands());
    ck_assert_uint_eq(machine.vcpus.holds, 0);
    ck_assert_uint_eq(machine_holders(&machine), 0);
}
END_TEST

START_TEST(holding_twice_and_letting_go_twice_count_once)
{
    machine_release(&machine, MACHINE_HOLDER_USER);
    ck_assert_uint_eq(machine.vcpus.holds, 0);
    machine_hold(&machine, MACHINE_HOLDER_USER);
    machine_hold(&machine, MACHINE_HOLDER_USER);
    machine_release(&machine, MACHINE_HOLDER_USER);
    machine_release(&machine, MACHINE_HOLDER_USER);
    ck_assert_uint_eq(machine.vcpus.holds, 0);
    ck_assert_str_eq(events, "sr");
}
END_TEST

START_TEST(observers_are_told_of_the_first_hold_and_the_last_release_only)
{
    machine_hold(&machine, MACHINE_HOLDER_USER);
    machine_hold(&machine, MACHINE_HOLDER_JOB);
    machine_release(&machine, MACHINE_HOLDER_USER);
    ck_assert_str_eq(events, "s");
    machine_release(&machine, MACHINE_HOLDER_JOB);
    ck_assert_str_eq(events, "sr");
}
END_TEST

START_TEST(observer_that_was_taken_away_hears_nothing)
{
    struct machine_observer second = observer;

    machine_observe(&machine, &second);
    machine_hold(&machine, MACHINE_HOLDER_USER);
    ck_assert_str_eq(events, "ss");
    machine_unobserve(&machine, &observer);
    machine_unobserve(&machine, &observer);
    machine_release(&machine, MACHINE_HOLDER_USER);
    ck_assert_str_eq(events, "ssr");
    machine_unobserve(&machine, &second);
    machine_hold(&machine, MACHINE_HOLDER_USER);
    machine_release(&machine, MACHINE_HOLDER_USER);
    ck_assert_str_eq(events, "ssr");
}
END_TEST

START_TEST(machine_made_without_reset_state_cannot_be_restarted)
{
    ck_assert_int_eq(machine_restart(&machine), -EOPNOTSUPP);
    ck_assert_uint_eq(machine.vcpus.holds, 0);
}
END_TEST

START_TEST(restart_asked_for_twice_is_one)
{
    struct error err;

    ck_assert_int_eq(loop_init(&machine.loop, &err), 0);
    machine.config.restartable = true;
    ck_assert_int_eq(machine_restart(&machine), 0);
    ck_assert_int_eq(machine_restart(&machine), 0);
    ck_assert_uint_eq(machine.vcpus.holds, 1);
    loop_finish(&machine.loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("machine_control");
    TCase *tcase = tcase_create("holders");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, machine_runs_when_its_last_holder_lets_go);
    tcase_add_test(tcase, holding_twice_and_letting_go_twice_count_once);
    tcase_add_test(tcase, observers_are_told_of_the_first_hold_and_the_last_release_only);
    tcase_add_test(tcase, observer_that_was_taken_away_hears_nothing);
    tcase_add_test(tcase, machine_made_without_reset_state_cannot_be_restarted);
    tcase_add_test(tcase, restart_asked_for_twice_is_one);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
