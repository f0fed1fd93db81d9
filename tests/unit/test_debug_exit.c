/* The debug-exit port: the raw value goes up, cut to the port's size. */
#include <errno.h>

#include "devices/debug_exit.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

static struct fake_bus bus;
static struct fake_requests requests;
static struct debug_exit dev;

static void start(unsigned iosize)
{
    const struct debug_exit_config config = {
        .request = fake_request_line(&requests),
        .iosize = iosize,
    };

    fake_bus_init(&bus);
    requests = (struct fake_requests){0};
    ck_assert_int_eq(debug_exit_init(&dev, &bus.core, &config), 0);
    fake_bus_mount(&bus, 0xf4, &dev.mr);
}

static void stop(void)
{
    fake_bus_unmount(&bus, &dev.mr);
    debug_exit_finish(&dev);
    fake_bus_finish(&bus);
}

struct exit_write {
    unsigned iosize, port, size;
    uint32_t value;
    unsigned num; /* requests that it makes */
    uint32_t expected;
};
static const struct exit_write exit_writes[] = {
    {1, 0xf4, 1, 0x2a, 1, 0x2a},
    {2, 0xf4, 2, 0xbeef, 1, 0xbeef},
    {4, 0xf4, 4, 0xdeadbeef, 1, 0xdeadbeef},
    {4, 0xf4, 1, 0x2a, 1, 0x2a},
    {4, 0xf4, 2, 0x1234, 1, 0x1234},
    {4, 0xf6, 2, 7, 1, 7},
    {4, 0xf5, 2, 9, 1, 9},             /* unaligned */
    {1, 0xf4, 4, 0xdeadbeef, 1, 0xef}, /* the rest is beyond the port */
    {4, 0xf8, 1, 1, 0, 0},
    {1, 0xf5, 1, 1, 0, 0},
};

START_TEST(value_written_is_the_value_requested)
{
    const struct exit_write *w = &exit_writes[_i];

    start(w->iosize);
    ck_assert_uint_eq(bus_out(&bus, w->port, w->size, w->value), MEMTX_OK);
    ck_assert_uint_eq(requests.num, w->num);
    if (w->num) {
        ck_assert_int_eq(requests.last, DEVICE_REQUEST_EXIT);
        ck_assert_uint_eq(requests.value, w->expected);
    }
    stop();
}
END_TEST

START_TEST(reads_give_zero_and_request_nothing)
{
    MemTxResult result;

    start(4);
    ck_assert_uint_eq(bus_in(&bus, 0xf4, 4, &result), 0);
    ck_assert_uint_eq(result, MEMTX_OK);
    debug_exit_reset(&dev);
    ck_assert_uint_eq(requests.num, 0);
    stop();
}
END_TEST

static const unsigned bad_sizes[] = {0, 3, 5, 8, 4096};

START_TEST(other_port_sizes_are_refused)
{
    struct debug_exit none = {0};
    const struct debug_exit_config config = {.iosize = bad_sizes[_i]};

    start(1);
    ck_assert_int_eq(debug_exit_init(&none, &bus.core, &config), -EINVAL);
    debug_exit_finish(&none);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug_exit");
    TCase *tc = tcase_create("debug_exit");

    tcase_add_table_test(tc, value_written_is_the_value_requested, exit_writes);
    tcase_add_test(tc, reads_give_zero_and_request_nothing);
    tcase_add_table_test(tc, other_port_sizes_are_refused, bad_sizes);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
