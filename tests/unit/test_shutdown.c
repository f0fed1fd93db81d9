/* Soft-off and reset: which writes ask for them, and which look alike and do not. */
#include "devices/shutdown.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

static struct fake_bus bus;
static struct fake_requests requests;
static struct shutdown dev;

static void setup(void)
{
    const struct shutdown_config config = {.request = fake_request_line(&requests)};

    fake_bus_init(&bus);
    requests = (struct fake_requests){0};
    ck_assert_int_eq(shutdown_init(&dev, &bus.core, &config), 0);
    fake_bus_mount(&bus, 0x604, &dev.mr_pm1_control);
    fake_bus_mount(&bus, 0xcf8, &dev.mr_reset_control);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dev.mr_pm1_control);
    fake_bus_unmount(&bus, &dev.mr_reset_control);
    shutdown_finish(&dev);
    fake_bus_finish(&bus);
}

struct sleep {
    uint16_t value;
    unsigned requests;
};
static const struct sleep sleeps[] = {
    {0x2000, 1}, {0x3400, 1}, {0x3800, 1}, {0x3c00, 1}, {0x2001, 1}, /* SLP_TYP 0, 5, 6, 7 */
    {0x2400, 0}, {0x2800, 0}, {0x2c00, 0}, {0x3000, 0},              /* 1..4: no such sleep */
    {0x1400, 0}, {0x0000, 0}, {0x0001, 0},                           /* without SLP_EN */
};

START_TEST(sleep_enable_with_a_soft_off_type_powers_off)
{
    ck_assert_uint_eq(bus_out(&bus, 0x604, 2, sleeps[_i].value), MEMTX_OK);
    ck_assert_uint_eq(requests.num, sleeps[_i].requests);
    if (requests.num) {
        ck_assert_int_eq(requests.last, DEVICE_REQUEST_POWEROFF);
    }
    ck_assert_msg(bus_in(&bus, 0x604, 2, NULL) == (sleeps[_i].value & 0xdfffU),
                  "SLP_EN reads 0, the rest as written");
}
END_TEST

START_TEST(pm1_control_takes_bytes)
{
    bus_out(&bus, 0x604, 2, 0x0401);
    ck_assert_uint_eq(bus_out(&bus, 0x604, 1, 0x03), MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, 0x604, 2, NULL), 0x0403);
    ck_assert_uint_eq(bus_in(&bus, 0x605, 1, NULL), 0x04);
    ck_assert_uint_eq(bus_out(&bus, 0x605, 1, 0x34), MEMTX_OK);
    ck_assert_uint_eq(requests.num, 1);
}
END_TEST

struct reset_write {
    uint8_t before, value;
    unsigned requests;
};
static const struct reset_write reset_writes[] = {
    {0x00, 0x06, 1}, {0x02, 0x06, 1}, {0x02, 0x0e, 1}, {0x00, 0x0e, 1}, {0x00, 0x04, 1},
    {0x00, 0x02, 0}, {0x00, 0x08, 0}, {0x00, 0xf0, 0}, {0x02, 0x00, 0},
};

START_TEST(reset_bit_rising_resets)
{
    bus_out(&bus, 0xcf9, 1, reset_writes[_i].before);
    ck_assert_uint_eq(requests.num, 0);
    bus_out(&bus, 0xcf9, 1, reset_writes[_i].value);
    ck_assert_uint_eq(requests.num, reset_writes[_i].requests);
    if (requests.num) {
        ck_assert_int_eq(requests.last, DEVICE_REQUEST_RESET);
    }
    ck_assert_uint_eq(bus_in(&bus, 0xcf9, 1, NULL), reset_writes[_i].value & 0x0e);
    bus_out(&bus, 0xcf9, 1, reset_writes[_i].value);
    ck_assert_msg(requests.num == reset_writes[_i].requests, "no rise, no second request");
}
END_TEST

/* What scans for a PCI bus must not reset: bits 15-8 of a 32-bit write lie at 0xcf9. */
START_TEST(pci_scan_does_not_reset_and_finds_nothing)
{
    for (uint32_t device = 0; device < 256; device++) {
        bus_out(&bus, 0xcf8, 4, 0x80000000U | device << 8);
        ck_assert_uint_eq(bus_in(&bus, 0xcf8, 4, NULL), 0xffffffff);
    }
    bus_out(&bus, 0xcf8, 1, 0x06);
    bus_out(&bus, 0xcfa, 1, 0x06);
    bus_out(&bus, 0xcf8, 2, 0x0606);
    bus_out(&bus, 0xcf9, 2, 0x0606);
    ck_assert_uint_eq(requests.num, 0);
    ck_assert_uint_eq(bus_in(&bus, 0xcfb, 1, NULL), 0xff);
    ck_assert_uint_eq(bus_in(&bus, 0xcf9, 1, NULL), 0x00);
}
END_TEST

START_TEST(reset_clears_both_registers)
{
    bus_out(&bus, 0x604, 2, 0x1c01);
    bus_out(&bus, 0xcf9, 1, 0x02);
    shutdown_reset(&dev);
    ck_assert_uint_eq(bus_in(&bus, 0x604, 2, NULL), 0);
    ck_assert_uint_eq(bus_in(&bus, 0xcf9, 1, NULL), 0);
    ck_assert_uint_eq(requests.num, 0);
    shutdown_finish(&(struct shutdown){0});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shutdown");
    TCase *tc = tcase_create("shutdown");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, sleep_enable_with_a_soft_off_type_powers_off, sleeps);
    tcase_add_test(tc, pm1_control_takes_bytes);
    tcase_add_table_test(tc, reset_bit_rising_resets, reset_writes);
    tcase_add_test(tc, pci_scan_does_not_reset_and_finds_nothing);
    tcase_add_test(tc, reset_clears_both_registers);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
