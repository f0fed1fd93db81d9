/* The watchdog: its table of times, stopping, starting again, and what its expiry asks for. */
#include <errno.h>

#include "devices/ib700.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { STOP = 0x441, START = 0x443 };
#define SECOND UINT64_C(1000000000)

static struct fake_bus bus;
static struct fake_clock fake_clock;
static struct fake_requests requests;
static struct ib700 dog;

static void start(enum device_watchdog_action action)
{
    const struct ib700_config config = {
        .clock = &fake_clock.clock, .request = fake_request_line(&requests), .action = action};

    fake_bus_init(&bus);
    fake_clock_init(&fake_clock);
    requests = (struct fake_requests){0};
    ck_assert_int_eq(ib700_init(&dog, &bus.core, &config), 0);
    fake_bus_mount(&bus, STOP, &dog.mr_stop);
    fake_bus_mount(&bus, START, &dog.mr_start);
}

static void setup(void)
{
    start(DEVICE_WATCHDOG_EXIT);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dog.mr_stop);
    fake_bus_unmount(&bus, &dog.mr_start);
    ib700_finish(&dog);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

/* The manual's table: what is written, and seconds. */
static const uint8_t seconds[] = {30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2};

START_TEST(expires_after_the_time_of_the_table)
{
    bus_out(&bus, START, 1, 0xa0U | (unsigned)_i);
    fake_clock_run(&fake_clock, seconds[_i] * SECOND - 1);
    ck_assert_uint_eq(requests.num, 0);
    ck_assert(dog.running);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(requests.num, 1);
    ck_assert_int_eq(requests.last, DEVICE_REQUEST_WATCHDOG);
    ck_assert_uint_eq(requests.value, DEVICE_WATCHDOG_EXIT);
    ck_assert(!dog.running);
    fake_clock_run(&fake_clock, 3600 * SECOND);
    ck_assert_msg(requests.num == 1, "it has stopped by itself");
}
END_TEST

START_TEST(fifteen_expires_at_once_but_not_within_the_write)
{
    bus_out(&bus, START, 1, 15);
    ck_assert_uint_eq(requests.num, 0);
    fake_clock_run(&fake_clock, 0);
    ck_assert_uint_eq(requests.num, 1);
}
END_TEST

START_TEST(starting_again_moves_the_deadline)
{
    bus_out(&bus, START, 1, 14);
    for (unsigned i = 0; i < 10; i++) {
        fake_clock_run(&fake_clock, 2 * SECOND - 1);
        bus_out(&bus, START + 1, 1, 14);
    }
    ck_assert_uint_eq(requests.num, 0);
    fake_clock_run(&fake_clock, 2 * SECOND);
    ck_assert_uint_eq(requests.num, 1);
}
END_TEST

START_TEST(any_byte_at_either_stop_port_stops_it)
{
    bus_out(&bus, START, 1, 14);
    bus_out(&bus, STOP + (unsigned)_i, 1, 0x5a);
    ck_assert(!dog.running);
    fake_clock_run(&fake_clock, 60 * SECOND);
    ck_assert_uint_eq(requests.num, 0);
}
END_TEST

START_TEST(reset_stops_it)
{
    bus_out(&bus, START, 1, 14);
    ib700_reset(&dog);
    fake_clock_run(&fake_clock, 60 * SECOND);
    ck_assert_uint_eq(requests.num, 0);
    ck_assert(!dog.running);
}
END_TEST

START_TEST(reads_give_ones_and_touch_nothing)
{
    bus_out(&bus, START, 1, 14);
    for (unsigned port = STOP; port < START + IB700_NUM_PORTS; port++) {
        ck_assert_uint_eq(bus_in(&bus, port, 1, NULL), 0xff);
    }
    fake_clock_run(&fake_clock, 2 * SECOND);
    ck_assert_uint_eq(requests.num, 1);
}
END_TEST

START_TEST(expiry_asks_for_the_configured_action)
{
    teardown();
    start((enum device_watchdog_action)_i);
    bus_out(&bus, START, 1, 14);
    fake_clock_run(&fake_clock, 2 * SECOND);
    ck_assert_uint_eq(requests.value, (unsigned)_i);
}
END_TEST

START_TEST(init_wants_a_clock)
{
    struct ib700 other = {.running = false};

    ck_assert_int_eq(ib700_init(&other, &bus.core, &(struct ib700_config){.clock = NULL}), -EINVAL);
    ib700_finish(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ib700");
    TCase *tc = tcase_create("ib700");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, expires_after_the_time_of_the_table, seconds);
    tcase_add_test(tc, fifteen_expires_at_once_but_not_within_the_write);
    tcase_add_test(tc, starting_again_moves_the_deadline);
    tcase_add_loop_test(tc, any_byte_at_either_stop_port_stops_it, 0, IB700_NUM_PORTS);
    tcase_add_test(tc, reset_stops_it);
    tcase_add_test(tc, reads_give_ones_and_touch_nothing);
    tcase_add_loop_test(tc, expiry_asks_for_the_configured_action, DEVICE_WATCHDOG_EXIT,
                        DEVICE_WATCHDOG_NONE + 1);
    tcase_add_test(tc, init_wants_a_clock);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
