/*
 * ACPI's fixed registers: which writes switch off or reset and which look alike and do not; the
 * timer, its carry, and the interrupt that comes of it.
 */
#include <errno.h>

#include "devices/acpi_pm.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum {
    STATUS = 0x600,
    ENABLE = 0x602,
    CONTROL = 0x604,
    TIMER = 0x608,
    TMR = 0x0001,
    PWRBTN = 0x0100
};
/* The first nanosecond of tick 2^23, 2^24 and 2^31: ceil(ticks * 10^9 / 3579545). */
#define TICK_2_23_NS 2343484438
#define TICK_2_24_NS 4686968875
#define TICK_2_31_NS 599932015941

static struct fake_bus bus;
static struct fake_clock fake_clock;
static struct fake_irq sci;
static struct fake_requests requests;
static struct acpi_pm pm;

static void start(unsigned timer_bits)
{
    const struct acpi_pm_config config = {
        .sci = fake_irq_line(&sci),
        .clock = &fake_clock.clock,
        .request = fake_request_line(&requests),
        .timer_bits = timer_bits,
    };

    fake_bus_init(&bus);
    fake_clock_init(&fake_clock);
    sci = (struct fake_irq){0};
    requests = (struct fake_requests){0};
    ck_assert_int_eq(acpi_pm_init(&pm, &bus.core, &config), 0);
    fake_bus_mount(&bus, 0x600, &pm.mr);
    fake_bus_mount(&bus, 0xcf8, &pm.mr_reset_control);
}

static void setup(void)
{
    start(24);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &pm.mr);
    fake_bus_unmount(&bus, &pm.mr_reset_control);
    acpi_pm_finish(&pm);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

static void setup_32(void)
{
    start(32);
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
    ck_assert_msg(bus_in(&bus, CONTROL, 2, NULL) == ((sleeps[_i].value & 0x1c02U) | 1),
                  "SLP_TYP and BM_RLD as written, SCI_EN 1, the rest 0");
}
END_TEST

START_TEST(pm1_control_takes_bytes)
{
    bus_out(&bus, CONTROL, 2, 0x0402);
    ck_assert_uint_eq(bus_out(&bus, CONTROL, 1, 0x04), MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, CONTROL, 2, NULL), 0x0401);
    ck_assert_uint_eq(bus_in(&bus, CONTROL + 1, 1, NULL), 0x04);
    ck_assert_uint_eq(requests.num, 0);
    ck_assert_uint_eq(bus_out(&bus, CONTROL + 1, 1, 0x34), MEMTX_OK);
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

/* Nanoseconds of the clock, and the timer then. */
static const struct {
    uint64_t ns;
    uint32_t bits24, bits32;
} times[] = {
    {0, 0, 0},
    {279, 0, 0},
    {280, 1, 1},
    {1000000000, 3579545, 3579545},
    {TICK_2_24_NS - 1, 0xffffff, 0xffffff},
    {TICK_2_24_NS, 0, 0x1000000},
    {UINT64_C(1199864031881), 0xffffff, 0xffffffff},
    {UINT64_C(1199864031882), 0, 0},
    {UINT64_C(86400) * 1000000000, 0x16b580, 0x0216b580},
};

START_TEST(timer_counts_at_3579545_hz)
{
    fake_clock_run_to(&fake_clock, times[_i].ns);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), times[_i].bits24);
}
END_TEST

START_TEST(timer_of_32_bits_goes_on_where_24_bits_wrap)
{
    fake_clock_run_to(&fake_clock, times[_i].ns);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), times[_i].bits32);
}
END_TEST

START_TEST(timer_is_read_only_and_any_part_of_it_can_be_read)
{
    fake_clock_run(&fake_clock, 3000000000); /* 10738635: 0xa3dbcb */
    ck_assert_uint_eq(bus_out(&bus, TIMER, 4, 0), MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), 0xa3dbcb);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 2, NULL), 0xdbcb);
    ck_assert_uint_eq(bus_in(&bus, TIMER + 1, 2, NULL), 0xa3db);
    ck_assert_uint_eq(bus_in(&bus, TIMER + 2, 1, NULL), 0xa3);
    ck_assert_uint_eq(bus_in(&bus, 0x606, 2, NULL), 0);
    ck_assert_uint_eq(bus_in(&bus, 0x606, 4, NULL), 0xdbcb0000);
}
END_TEST

START_TEST(status_is_set_when_the_highest_bit_changes_either_way)
{
    fake_clock_run_to(&fake_clock, TICK_2_23_NS - 1);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), 0);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), 0x800000);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), TMR);
    bus_out(&bus, STATUS, 2, TMR);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), 0);
    fake_clock_run_to(&fake_clock, TICK_2_24_NS - 1);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), 0);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), 0);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), TMR);
    ck_assert_msg(fake_clock.expired == 0 && !sci.level, "nobody waits for it");
}
END_TEST

START_TEST(status_of_32_bits_is_set_after_ten_minutes)
{
    fake_clock_run_to(&fake_clock, TICK_2_31_NS - 1);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), 0);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), TMR);
}
END_TEST

START_TEST(status_is_cleared_by_its_own_one_and_by_nothing_else)
{
    fake_clock_run_to(&fake_clock, TICK_2_23_NS);
    bus_out(&bus, STATUS, 2, 0xfffe);
    bus_out(&bus, STATUS + 1, 1, 0xff);
    bus_out(&bus, ENABLE, 2, 0);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), TMR);
    bus_out(&bus, STATUS, 1, TMR);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), 0);
}
END_TEST

START_TEST(enabled_carry_raises_the_interrupt_until_it_is_cleared)
{
    bus_out(&bus, ENABLE, 2, TMR);
    fake_clock_run_to(&fake_clock, TICK_2_23_NS - 1);
    ck_assert(!sci.level);
    fake_clock_run(&fake_clock, 1);
    ck_assert(sci.level);
    fake_clock_run(&fake_clock, UINT64_C(3600) * 1000000000);
    ck_assert_msg(fake_clock.expired == 1, "nobody clears it, so nobody is woken again");
    bus_out(&bus, STATUS, 2, TMR);
    ck_assert(!sci.level);
    fake_clock_run(&fake_clock, TICK_2_23_NS);
    ck_assert_uint_eq(sci.rises, 2);
    bus_out(&bus, ENABLE, 2, 0);
    ck_assert_msg(!sci.level, "a masked event interrupts nobody");
    bus_out(&bus, ENABLE, 2, TMR);
    ck_assert_msg(sci.level, "and does again when it is let through");
}
END_TEST

START_TEST(power_button_is_an_event_that_the_guest_enables_and_clears)
{
    acpi_pm_press_power(&pm);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), PWRBTN);
    ck_assert_msg(!sci.level, "nobody wanted to know");
    bus_out(&bus, ENABLE, 2, PWRBTN);
    ck_assert(sci.level);
    bus_out(&bus, STATUS, 2, TMR);
    ck_assert_msg(sci.level, "that was another event");
    bus_out(&bus, STATUS, 2, PWRBTN);
    ck_assert(!sci.level);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 2, NULL), 0);
    acpi_pm_press_power(&pm);
    ck_assert_uint_eq(sci.rises, 2);
    acpi_pm_reset(&pm);
    ck_assert(!sci.level);
    ck_assert_uint_eq(requests.num, 0);
}
END_TEST

START_TEST(enable_stores_the_events_that_there_are)
{
    bus_out(&bus, ENABLE, 2, 0xffff);
    ck_assert_uint_eq(bus_in(&bus, ENABLE, 2, NULL), 0x0721);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 4, NULL), 0x07210000);
    bus_out(&bus, ENABLE + 1, 1, 0x01);
    ck_assert_uint_eq(bus_in(&bus, ENABLE, 2, NULL), 0x0121);
    bus_out(&bus, STATUS, 4, 0x00200000);
    ck_assert_uint_eq(bus_in(&bus, ENABLE, 2, NULL), 0x0020);
}
END_TEST

START_TEST(reset_is_power_on_state_and_the_timer_starts_again)
{
    bus_out(&bus, ENABLE, 2, TMR);
    fake_clock_run_to(&fake_clock, TICK_2_23_NS);
    bus_out(&bus, CONTROL, 2, 0x1c02);
    bus_out(&bus, 0xcf9, 1, 0x02);
    acpi_pm_reset(&pm);
    ck_assert(!sci.level);
    ck_assert_uint_eq(bus_in(&bus, STATUS, 4, NULL), 0);
    ck_assert_uint_eq(bus_in(&bus, CONTROL, 2, NULL), 1);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), 0);
    ck_assert_uint_eq(bus_in(&bus, 0xcf9, 1, NULL), 0);
    ck_assert_uint_eq(requests.num, 0);
    fake_clock_run(&fake_clock, 280);
    ck_assert_uint_eq(bus_in(&bus, TIMER, 4, NULL), 1);
}
END_TEST

START_TEST(init_wants_a_clock_and_a_width)
{
    struct acpi_pm other = {.timer = {.armed = false}};

    ck_assert_int_eq(acpi_pm_init(&other, &bus.core, &(struct acpi_pm_config){.timer_bits = 24}),
                     -EINVAL);
    ck_assert_int_eq(
        acpi_pm_init(&other, &bus.core,
                     &(struct acpi_pm_config){.clock = &fake_clock.clock, .timer_bits = 31}),
        -EINVAL);
    acpi_pm_finish(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acpi_pm");
    TCase *tc = tcase_create("24 bits"), *wide = tcase_create("32 bits");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, sleep_enable_with_a_soft_off_type_powers_off, sleeps);
    tcase_add_test(tc, pm1_control_takes_bytes);
    tcase_add_table_test(tc, reset_bit_rising_resets, reset_writes);
    tcase_add_test(tc, pci_scan_does_not_reset_and_finds_nothing);
    tcase_add_table_test(tc, timer_counts_at_3579545_hz, times);
    tcase_add_test(tc, timer_is_read_only_and_any_part_of_it_can_be_read);
    tcase_add_test(tc, status_is_set_when_the_highest_bit_changes_either_way);
    tcase_add_test(tc, status_is_cleared_by_its_own_one_and_by_nothing_else);
    tcase_add_test(tc, enabled_carry_raises_the_interrupt_until_it_is_cleared);
    tcase_add_test(tc, power_button_is_an_event_that_the_guest_enables_and_clears);
    tcase_add_test(tc, enable_stores_the_events_that_there_are);
    tcase_add_test(tc, reset_is_power_on_state_and_the_timer_starts_again);
    tcase_add_test(tc, init_wants_a_clock_and_a_width);
    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(wide, setup_32, teardown);
    tcase_add_table_test(wide, timer_of_32_bits_goes_on_where_24_bits_wrap, times);
    tcase_add_test(wide, status_of_32_bits_is_set_after_ten_minutes);
    suite_add_tcase(suite, wide);
    return run_suite(suite);
}
