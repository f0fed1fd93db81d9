/*
 * The real-time clock: calendar and formats, update cycle, alarm, periodic and update-ended
 * interrupts, and the bytes that firmware would have left in its RAM.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "devices/mc146818.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM, WEEKDAY, DAY, MONTH };
enum { YEAR = 9, A = 10, B = 11, C = 12, D = 13, CENTURY = 0x32 };
enum { SET = 0x80, PIE = 0x40, AIE = 0x20, UIE = 0x10, BINARY = 0x04, H24 = 0x02 };
enum { IRQF = 0x80, PF = 0x40, AF = 0x20, UF = 0x10 };
enum { SECOND = 1000000000 };
#define NEW_YEARS_EVE 1704067199 /* 2023-12-31 23:59:59, a Sunday */

static struct fake_bus bus;
static struct fake_clock fake_clock;
static struct fake_irq irq;
static struct mc146818 rtc;

static void start(int64_t epoch_seconds, uint64_t ram_low, uint64_t ram_high)
{
    fake_bus_init(&bus);
    fake_clock_init(&fake_clock);
    irq = (struct fake_irq){0};
    ck_assert_int_eq(mc146818_init(&rtc, &bus.core,
                                   &(struct mc146818_config){
                                       .irq = fake_irq_line(&irq),
                                       .clock = &fake_clock.clock,
                                       .epoch_seconds = epoch_seconds,
                                       .ram_low_bytes = ram_low,
                                       .ram_high_bytes = ram_high,
                                   }),
                     0);
    fake_bus_mount(&bus, 0x70, &rtc.mr);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &rtc.mr);
    mc146818_finish(&rtc);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

static void setup(void)
{
    start(NEW_YEARS_EVE, 128 << 20, 0);
}

static uint8_t in(uint8_t reg)
{
    port_write(&rtc.mr, 0, reg);
    return port_read(&rtc.mr, 1);
}

static void out(uint8_t reg, uint8_t value)
{
    port_write(&rtc.mr, 0, reg);
    port_write(&rtc.mr, 1, value);
}

/* A little-endian number of 1..4 bytes in RAM. */
static unsigned in_le(uint8_t reg, unsigned num)
{
    unsigned value = 0;

    while (num-- > 0) {
        value = value << 8 | in((uint8_t)(reg + num));
    }
    return value;
}

static void expect_time(unsigned hours, unsigned minutes, unsigned seconds)
{
    ck_assert_uint_eq(in(HOURS), hours);
    ck_assert_uint_eq(in(MINUTES), minutes);
    ck_assert_uint_eq(in(SECONDS), seconds);
}

static void expect_date(unsigned century, unsigned year, unsigned month, unsigned day)
{
    ck_assert_uint_eq(in(CENTURY), century);
    ck_assert_uint_eq(in(YEAR), year);
    ck_assert_uint_eq(in(MONTH), month);
    ck_assert_uint_eq(in(DAY), day);
}

/* Writes a time of day while updates are inhibited. */
static void set_clock(uint8_t b, uint8_t hours, uint8_t minutes, uint8_t seconds)
{
    out(B, SET | b);
    out(HOURS, hours);
    out(MINUTES, minutes);
    out(SECONDS, seconds);
    out(B, b);
}

START_TEST(power_on_shows_the_wall_clock_in_bcd)
{
    expect_time(0x23, 0x59, 0x59);
    expect_date(0x20, 0x23, 0x12, 0x31);
    ck_assert_uint_eq(in(WEEKDAY), 1);
    ck_assert_uint_eq(in(A), 0x26);
    ck_assert_uint_eq(in(B), H24);
    ck_assert_uint_eq(in(C), 0);
    ck_assert_uint_eq(in(D), 0x80);
}
END_TEST

START_TEST(a_second_carries_through_to_the_year)
{
    fake_clock_run(&fake_clock, SECOND - 1);
    expect_time(0x23, 0x59, 0x59);
    fake_clock_run(&fake_clock, 1);
    expect_time(0x00, 0x00, 0x00);
    expect_date(0x20, 0x24, 0x01, 0x01);
    ck_assert_uint_eq(in(WEEKDAY), 2);
}
END_TEST

/* Over 8000 years against the C library's calendar. */
START_TEST(calendar_agrees_with_gmtime)
{
    int64_t epoch = (int64_t)_i * 253402300799 / 100;
    time_t when = epoch, later = epoch + 40000000;
    struct tm tm;

    start(epoch, 0, 0);
    out(B, SET | H24 | BINARY);
    out(B, H24);
    for (unsigned step = 0; step < 2; step++) {
        ck_assert_ptr_nonnull(gmtime_r(step ? &later : &when, &tm));
        if (step) {
            fake_clock_run(&fake_clock, 40000000ULL * SECOND);
        }
        expect_time((unsigned)(tm.tm_hour / 10 * 16 + tm.tm_hour % 10),
                    (unsigned)(tm.tm_min / 10 * 16 + tm.tm_min % 10),
                    (unsigned)(tm.tm_sec / 10 * 16 + tm.tm_sec % 10));
        ck_assert_uint_eq((in(CENTURY) >> 4) * 1000U + (in(CENTURY)&15) * 100U +
                              (in(YEAR) >> 4) * 10U + (in(YEAR)&15),
                          (unsigned)(tm.tm_year + 1900) % 10000);
        ck_assert_uint_eq((in(MONTH) >> 4) * 10U + (in(MONTH)&15), (unsigned)tm.tm_mon + 1);
        ck_assert_uint_eq((in(DAY) >> 4) * 10U + (in(DAY)&15), (unsigned)tm.tm_mday);
        ck_assert_uint_eq(in(WEEKDAY), (unsigned)tm.tm_wday + 1);
    }
    teardown();
}
END_TEST

struct month_end {
    uint8_t century, year, month, day;
    uint8_t next_month, next_day;
};
static const struct month_end month_ends[] = {
    {0x20, 0x24, 0x02, 0x28, 0x02, 0x29}, /* leap */
    {0x20, 0x24, 0x02, 0x29, 0x03, 0x01}, {0x20, 0x23, 0x02, 0x28, 0x03, 0x01},
    {0x20, 0x00, 0x02, 0x28, 0x02, 0x29}, /* every 400 years */
    {0x19, 0x00, 0x02, 0x28, 0x03, 0x01}, /* but not every 100 */
    {0x21, 0x00, 0x02, 0x28, 0x03, 0x01}, {0x20, 0x23, 0x04, 0x30, 0x05, 0x01},
    {0x20, 0x23, 0x07, 0x31, 0x08, 0x01}, {0x20, 0x23, 0x02, 0x31, 0x03, 0x01}, /* no date */
};

START_TEST(months_end_as_the_calendar_says)
{
    const struct month_end *end = &month_ends[_i];

    out(B, SET | H24);
    out(CENTURY, end->century);
    out(YEAR, end->year);
    out(MONTH, end->month);
    out(DAY, end->day);
    out(B, H24);
    fake_clock_run(&fake_clock, SECOND);
    expect_date(end->century, end->year, end->next_month, end->next_day);
}
END_TEST

struct format {
    uint8_t b, hours, minutes, seconds, next_hours;
};
static const struct format formats[] = {
    {H24, 0x09, 0x59, 0x59, 0x10},         {H24 | BINARY, 9, 59, 59, 10},
    {H24 | BINARY, 22, 59, 59, 23},        {0, 0x09, 0x59, 0x59, 0x10},
    {0, 0x11, 0x59, 0x59, 0x92},           {0, 0x12, 0x59, 0x59, 0x01},
    {0, 0x92, 0x59, 0x59, 0x81},           {0, 0x91, 0x59, 0x59, 0x12},
    {BINARY, 11, 59, 59, 0x80 | 12},       {BINARY, 0x80 | 11, 59, 59, 12},
    {BINARY, 0x80 | 12, 59, 59, 0x80 | 1},
};

START_TEST(hours_count_in_each_format)
{
    const struct format *format = &formats[_i];

    set_clock(format->b, format->hours, format->minutes, format->seconds);
    expect_time(format->hours, format->minutes, format->seconds);
    fake_clock_run(&fake_clock, SECOND);
    expect_time(format->next_hours, 0, 0);
}
END_TEST

START_TEST(set_stops_updates_and_the_seconds_keep_their_phase)
{
    out(B, SET | H24);
    fake_clock_run(&fake_clock, 10ULL * SECOND + SECOND / 2);
    expect_time(0x23, 0x59, 0x59);
    ck_assert_msg(!(in(C)&UF), "no update, no flag");
    out(B, H24);
    fake_clock_run(&fake_clock, SECOND / 2 - 1);
    expect_time(0x23, 0x59, 0x59);
    fake_clock_run(&fake_clock, 1);
    expect_time(0, 0, 0);
}
END_TEST

START_TEST(held_divider_stops_time_and_starts_half_a_second_early)
{
    out(A, 0x70);
    fake_clock_run(&fake_clock, 100ULL * SECOND + 3);
    expect_time(0x23, 0x59, 0x59);
    out(A, 0x26);
    fake_clock_run(&fake_clock, SECOND / 2 - 1);
    expect_time(0x23, 0x59, 0x59);
    fake_clock_run(&fake_clock, 1);
    expect_time(0, 0, 0);
}
END_TEST

START_TEST(uip_warns_before_the_update)
{
    const uint64_t warning_ns = (244 + 1984) * 1000;

    ck_assert_uint_eq(in(A), 0x26);
    fake_clock_run(&fake_clock, SECOND - warning_ns - 1);
    ck_assert_uint_eq(in(A), 0x26);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(in(A), 0xa6);
    out(B, SET | H24);
    ck_assert_msg(in(A) == 0x26, "no update comes while SET is on");
    out(B, H24);
    fake_clock_run(&fake_clock, warning_ns - 1);
    ck_assert_uint_eq(in(A), 0xa6);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(in(A), 0x26);
    out(A, 0xff);
    ck_assert_msg(in(A) == 0x7f, "UIP is read-only");
}
END_TEST

START_TEST(registers_c_and_d_are_read_only)
{
    out(B, SET | BINARY);
    out(SECONDS, 0xba);
    ck_assert_msg(in(SECONDS) == 0x3a, "and so is bit 7 of the seconds");
    out(SECONDS + 1, 0xba);
    ck_assert_msg(in(SECONDS + 1) == 0xba, "not that of the alarm");
    out(C, 0xff);
    out(D, 0x00);
    ck_assert_uint_eq(in(C), 0);
    ck_assert_uint_eq(in(D), 0x80);
}
END_TEST

START_TEST(update_interrupt_comes_each_second_once_acknowledged)
{
    out(B, H24 | UIE);
    fake_clock_run(&fake_clock, SECOND - 1);
    ck_assert(!irq.level);
    fake_clock_run(&fake_clock, 1);
    ck_assert(irq.level);
    fake_clock_run(&fake_clock, 10ULL * SECOND);
    ck_assert_uint_eq(irq.rises, 1);
    ck_assert_msg(fake_clock.expired == 1, "nothing to do until it is acknowledged");
    ck_assert_uint_eq(in(C) & (IRQF | UF), IRQF | UF);
    ck_assert(!irq.level);
    ck_assert_uint_eq(in(C) & (IRQF | UF), 0);
    fake_clock_run(&fake_clock, SECOND);
    ck_assert_uint_eq(irq.rises, 2);
}
END_TEST

START_TEST(set_takes_uie_with_it)
{
    out(B, H24 | UIE | AIE);
    out(B, SET | H24 | UIE | AIE);
    ck_assert_uint_eq(in(B), SET | H24 | AIE);
}
END_TEST

struct rate {
    uint8_t rs;
    uint64_t crystal_ticks; /* of 32768 Hz */
};
static const struct rate rates[] = {
    {1, 128}, {2, 256},  {3, 4},     {4, 8},     {5, 16},    {6, 32},    {7, 64},     {8, 128},
    {9, 256}, {10, 512}, {11, 1024}, {12, 2048}, {13, 4096}, {14, 8192}, {15, 16384},
};

START_TEST(periodic_interrupt_comes_at_the_selected_rate)
{
    uint64_t ticks = rates[_i].crystal_ticks;

    out(A, 0x20 | rates[_i].rs);
    out(B, H24 | PIE);
    for (uint64_t i = 1; i <= 200; i++) {
        uint64_t at_ns = (i * ticks * SECOND + 32767) / 32768;

        fake_clock_run_to(&fake_clock, at_ns - 1);
        ck_assert(!irq.level);
        fake_clock_run_to(&fake_clock, at_ns);
        ck_assert(irq.level);
        ck_assert_uint_eq(in(C) & (IRQF | PF), IRQF | PF);
    }
}
END_TEST

START_TEST(rate_zero_is_silent_and_flags_set_without_enable)
{
    out(A, 0x20);
    out(B, H24 | PIE);
    fake_clock_run(&fake_clock, 10ULL * SECOND);
    ck_assert_uint_eq(irq.rises, 0);
    ck_assert_uint_eq(in(C) & (IRQF | PF | UF), UF);
    out(A, 0x26);
    out(B, H24);
    fake_clock_run(&fake_clock, SECOND);
    ck_assert_uint_eq(in(C), PF | UF);
    ck_assert_ptr_null(fake_clock.first);
}
END_TEST

START_TEST(enabling_an_interrupt_whose_flag_is_set_raises_it)
{
    fake_clock_run(&fake_clock, SECOND);
    ck_assert(!irq.level);
    out(B, H24 | UIE);
    ck_assert(irq.level);
    out(B, H24);
    ck_assert(!irq.level);
}
END_TEST

struct alarm {
    uint8_t b, hours, minutes, seconds; /* the clock is set to 10:20:30 (AM) */
    uint32_t after_seconds;
};
static const struct alarm alarms[] = {
    {H24, 0x10, 0x20, 0x31, 1},          {H24, 0x10, 0x20, 0x30, 86400},
    {H24, 0x10, 0x20, 0x29, 86399},      {H24, 0x00, 0x00, 0x00, 49170},
    {H24, 0xff, 0xff, 0xff, 1},          {H24, 0xff, 0xff, 0x15, 45},
    {H24, 0xff, 0x00, 0xc0, 2370},       {H24, 0xc0, 0x20, 0x10, 3580},
    {0, 0x80 | 0x10, 0x20, 0x30, 43200}, {0, 0x12, 0x00, 0x00, 49170},
};

START_TEST(alarm_comes_when_its_bytes_match)
{
    const struct alarm *alarm = &alarms[_i];

    set_clock(alarm->b, 0x10, 0x20, 0x30);
    out(HOURS_ALARM, alarm->hours);
    out(MINUTES_ALARM, alarm->minutes);
    out(SECONDS_ALARM, alarm->seconds);
    in(C);
    out(B, alarm->b | AIE);
    fake_clock_run(&fake_clock, alarm->after_seconds * (uint64_t)SECOND - 1);
    ck_assert_uint_eq(irq.rises, 0);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(irq.rises, 1);
    ck_assert_uint_eq(in(C) & (IRQF | AF), IRQF | AF);
}
END_TEST

START_TEST(an_alarm_that_matches_no_time_never_comes)
{
    out(HOURS_ALARM, 0x24);
    out(B, H24 | AIE);
    ck_assert_ptr_null(fake_clock.first);
    fake_clock_run(&fake_clock, 1000000ULL * SECOND);
    ck_assert_uint_eq(in(C)&AF, 0);
}
END_TEST

START_TEST(an_alarm_passed_over_in_a_long_sleep_is_flagged)
{
    set_clock(H24, 0x10, 0x00, 0x00);
    out(HOURS_ALARM, 0x11);
    in(C);
    fake_clock_oversleep(&fake_clock, 3599ULL * SECOND);
    ck_assert_uint_eq(in(C)&AF, 0);
    fake_clock_oversleep(&fake_clock, 5000ULL * SECOND);
    ck_assert_uint_eq(in(C)&AF, AF);
}
END_TEST

START_TEST(registers_written_with_nonsense_still_count)
{
    out(B, SET | H24);
    for (unsigned reg = 0; reg <= YEAR; reg++) {
        out((uint8_t)reg, 0xff);
    }
    out(CENTURY, 0xff);
    out(B, H24);
    ck_assert_uint_eq(in(MONTH), 0xff);
    fake_clock_run(&fake_clock, 400ULL * 86400 * SECOND);
    ck_assert_uint_ge(in(MONTH), 0x01);
    ck_assert_uint_le(in(MONTH), 0x12);
    ck_assert_uint_le(in(DAY), 0x31);
    ck_assert_uint_le(in(HOURS), 0x23);
    ck_assert_uint_le(in(WEEKDAY), 7);
}
END_TEST

START_TEST(ram_keeps_what_is_written_and_index_ignores_bit_7)
{
    for (unsigned reg = 0x0e; reg < 128; reg++) {
        if (reg != CENTURY) {
            out((uint8_t)reg, (uint8_t)(reg ^ 0xa5));
        }
    }
    for (unsigned reg = 0x0e; reg < 128; reg++) {
        if (reg != CENTURY) {
            ck_assert_uint_eq(in((uint8_t)(0x80 | reg)), reg ^ 0xa5);
        }
    }
    ck_assert_uint_eq(port_read(&rtc.mr, 0), 0xff);
}
END_TEST

struct sizes {
    uint64_t low, high;
    unsigned base_kib, extended_kib, above_16m, above_4g;
};
static const struct sizes sizes[] = {
    {0, 0, 0, 0, 0, 0},
    {512 << 10, 0, 512, 0, 0, 0},
    {1 << 20, 0, 640, 0, 0, 0},
    {16 << 20, 0, 640, 15360, 0, 0},
    {128 << 20, 0, 640, 65535, 0x700, 0},
    {3ULL << 30, 1ULL << 30, 640, 65535, 0xbf00, 0x4000},
    {4ULL << 30, 1ULL << 41, 640, 65535, 0xff00, 0xffffff},
};

START_TEST(ram_sizes_are_where_firmware_leaves_them)
{
    const struct sizes *s = &sizes[_i];
    unsigned sum = 0;

    start(0, s->low, s->high);
    ck_assert_uint_eq(in_le(0x15, 2), s->base_kib);
    ck_assert_uint_eq(in_le(0x17, 2), s->extended_kib);
    ck_assert_uint_eq(in_le(0x30, 2), s->extended_kib);
    ck_assert_uint_eq(in_le(0x34, 2), s->above_16m);
    ck_assert_uint_eq(in_le(0x5b, 3), s->above_4g);
    for (uint8_t reg = 0x10; reg <= 0x2d; reg++) {
        sum += in(reg);
    }
    ck_assert_uint_eq(in(0x2e), sum >> 8);
    ck_assert_uint_eq(in(0x2f), sum & 0xff);
    teardown();
}
END_TEST

START_TEST(reset_clears_interrupts_and_keeps_time_and_ram)
{
    out(0x40, 0x77);
    out(B, H24 | UIE | PIE | AIE);
    fake_clock_run(&fake_clock, 2ULL * SECOND);
    ck_assert(irq.level);
    mc146818_reset(&rtc);
    ck_assert(!irq.level);
    ck_assert_ptr_null(fake_clock.first);
    ck_assert_uint_eq(in(B), H24);
    ck_assert_uint_eq(in(C), 0);
    ck_assert_uint_eq(in(0x40), 0x77);
    expect_time(0x00, 0x00, 0x01);
}
END_TEST

START_TEST(a_word_written_at_the_index_is_index_and_data)
{
    ck_assert_uint_eq(bus_out(&bus, 0x70, 2, 0x5a40), MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, 0x71, 1, NULL), 0x5a);
    ck_assert_uint_eq(bus_in(&bus, 0x70, 1, NULL), 0xff);
}
END_TEST

START_TEST(init_refuses_what_it_cannot_show)
{
    struct mc146818 zeroed = {0};
    struct mc146818_config config = {.clock = &fake_clock.clock, .epoch_seconds = -1};

    ck_assert_int_eq(mc146818_init(&zeroed, &bus.core, &config), -EINVAL);
    config.epoch_seconds = 253402300800;
    ck_assert_int_eq(mc146818_init(&zeroed, &bus.core, &config), -EINVAL);
    config = (struct mc146818_config){0};
    ck_assert_int_eq(mc146818_init(&zeroed, &bus.core, &config), -EINVAL);
    mc146818_finish(&zeroed);
}
END_TEST

static TCase *time_of_day(void)
{
    TCase *tc = tcase_create("time of day");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, power_on_shows_the_wall_clock_in_bcd);
    tcase_add_test(tc, a_second_carries_through_to_the_year);
    tcase_add_table_test(tc, months_end_as_the_calendar_says, month_ends);
    tcase_add_table_test(tc, hours_count_in_each_format, formats);
    tcase_add_test(tc, set_stops_updates_and_the_seconds_keep_their_phase);
    tcase_add_test(tc, held_divider_stops_time_and_starts_half_a_second_early);
    tcase_add_test(tc, uip_warns_before_the_update);
    tcase_add_test(tc, registers_c_and_d_are_read_only);
    tcase_add_test(tc, registers_written_with_nonsense_still_count);
    tcase_add_test(tc, ram_keeps_what_is_written_and_index_ignores_bit_7);
    tcase_add_test(tc, reset_clears_interrupts_and_keeps_time_and_ram);
    tcase_add_test(tc, a_word_written_at_the_index_is_index_and_data);
    tcase_add_test(tc, init_refuses_what_it_cannot_show);
    return tc;
}

static TCase *interrupts(void)
{
    TCase *tc = tcase_create("interrupts");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, update_interrupt_comes_each_second_once_acknowledged);
    tcase_add_test(tc, set_takes_uie_with_it);
    tcase_add_table_test(tc, periodic_interrupt_comes_at_the_selected_rate, rates);
    tcase_add_test(tc, rate_zero_is_silent_and_flags_set_without_enable);
    tcase_add_test(tc, enabling_an_interrupt_whose_flag_is_set_raises_it);
    tcase_add_table_test(tc, alarm_comes_when_its_bytes_match, alarms);
    tcase_add_test(tc, an_alarm_that_matches_no_time_never_comes);
    tcase_add_test(tc, an_alarm_passed_over_in_a_long_sleep_is_flagged);
    return tc;
}

/* These start a clock of their own. */
static TCase *power_on(void)
{
    TCase *tc = tcase_create("power-on");

    tcase_add_loop_test(tc, calendar_agrees_with_gmtime, 0, 100);
    tcase_add_table_test(tc, ram_sizes_are_where_firmware_leaves_them, sizes);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("mc146818");

    suite_add_tcase(suite, time_of_day());
    suite_add_tcase(suite, interrupts());
    suite_add_tcase(suite, power_on());
    return run_suite(suite);
}
