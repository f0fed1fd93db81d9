/* The port by which a guest says that it panicked. */
#include "devices/pvpanic.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

static struct fake_bus bus;
static struct fake_requests requests;
static struct pvpanic dev;

static void setup(void)
{
    fake_bus_init(&bus);
    requests = (struct fake_requests){0};
    ck_assert_int_eq(
        pvpanic_init(&dev, &bus.core,
                     &(struct pvpanic_config){.request = fake_request_line(&requests)}),
        0);
    fake_bus_mount(&bus, 0x505, &dev.mr);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dev.mr);
    pvpanic_finish(&dev);
    fake_bus_finish(&bus);
}

START_TEST(reads_give_the_events_it_knows)
{
    ck_assert_uint_eq(bus_in(&bus, 0x505, 1, NULL), 0x07);
}
END_TEST

static const struct {
    uint8_t value;
    unsigned requests;
    enum device_request request;
} writes[] = {
    {0x01, 1, DEVICE_REQUEST_PANIC},        {0x02, 1, DEVICE_REQUEST_CRASH_LOADED},
    {0x03, 1, DEVICE_REQUEST_PANIC},        {0xff, 1, DEVICE_REQUEST_PANIC},
    {0xfe, 1, DEVICE_REQUEST_CRASH_LOADED}, {0x00, 0, DEVICE_REQUEST_PANIC},
    {0x04, 1, DEVICE_REQUEST_POWEROFF},     {0xfc, 1, DEVICE_REQUEST_POWEROFF},
    {0x06, 1, DEVICE_REQUEST_CRASH_LOADED}, {0xf8, 0, DEVICE_REQUEST_PANIC},
};

START_TEST(a_byte_is_at_most_one_request_and_a_panic_comes_first)
{
    ck_assert_uint_eq(bus_out(&bus, 0x505, 1, writes[_i].value), MEMTX_OK);
    ck_assert_uint_eq(requests.num, writes[_i].requests);
    ck_assert(requests.num == 0 || requests.last == writes[_i].request);
    pvpanic_reset(&dev);
    ck_assert_uint_eq(requests.num, writes[_i].requests);
}
END_TEST

START_TEST(wider_accesses_reach_it_by_their_byte_alone)
{
    bus_out(&bus, 0x504, 4, 0x01010001);
    ck_assert_uint_eq(requests.num, 0);
    bus_out(&bus, 0x504, 2, 0x0200);
    ck_assert_int_eq(requests.last, DEVICE_REQUEST_CRASH_LOADED);
    ck_assert_uint_eq(bus_in(&bus, 0x504, 2, NULL), 0x07ff);
    pvpanic_finish(&(struct pvpanic){.config = {{0}}});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pvpanic");
    TCase *tc = tcase_create("pvpanic");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reads_give_the_events_it_knows);
    tcase_add_table_test(tc, a_byte_is_at_most_one_request_and_a_panic_comes_first, writes);
    tcase_add_test(tc, wider_accesses_reach_it_by_their_byte_alone);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
