/*
 * The PIT as the guest sees it: access and latch sequences, read-back, port 0x61; and as the host
 * does: edges at the right nanosecond, no drift, and a bound on wake-ups.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/i8254.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { CONTROL = 3 };
enum { START_NS = 123456789 };

static struct fake_bus bus;
static struct fake_clock fake_clock;
static struct fake_irq irq;
static struct i8254 pit;

/* The first nanosecond of a tick, by long division in steps (not the device's formula). */
static uint64_t ns_of(uint64_t tick)
{
    uint64_t seconds = tick / I8254_CLOCK_HZ, rest = tick % I8254_CLOCK_HZ;

    return seconds * 1000000000 + (rest * 1000000000 + I8254_CLOCK_HZ - 1) / I8254_CLOCK_HZ;
}

static uint64_t tick_of(uint64_t ns)
{
    return ns / 1000000000 * I8254_CLOCK_HZ + ns % 1000000000 * I8254_CLOCK_HZ / 1000000000;
}

static void setup(void)
{
    fake_bus_init(&bus);
    fake_clock_init(&fake_clock);
    fake_clock.now_ns = START_NS;
    irq = (struct fake_irq){0};
    ck_assert_int_eq(i8254_init(&pit, &bus.core,
                                &(struct i8254_config){
                                    .irq = fake_irq_line(&irq),
                                    .clock = &fake_clock.clock,
                                }),
                     0);
    fake_bus_mount(&bus, 0x40, &pit.mr);
    fake_bus_mount(&bus, 0x61, &pit.mr_port61);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &pit.mr);
    fake_bus_unmount(&bus, &pit.mr_port61);
    i8254_finish(&pit);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

static uint8_t in(unsigned port)
{
    return port_read(&pit.mr, port);
}

static void out(unsigned port, uint8_t value)
{
    port_write(&pit.mr, port, value);
}

/* A control word and both bytes of a count. */
static void program(unsigned counter, uint8_t control, unsigned count)
{
    out(CONTROL, (uint8_t)(counter << 6 | control));
    out(counter, (uint8_t)count);
    out(counter, (uint8_t)(count >> 8));
}

static void run_ticks(uint64_t ticks)
{
    fake_clock_run_to(&fake_clock, ns_of(tick_of(fake_clock.now_ns) + ticks));
}

static unsigned read_word(unsigned counter)
{
    unsigned low = in(counter);

    return low | (unsigned)in(counter) << 8;
}

START_TEST(power_on_is_silent)
{
    fake_clock_run(&fake_clock, 1000000000);
    ck_assert_uint_eq(irq.rises, 0);
    ck_assert_ptr_null(fake_clock.first);
    ck_assert_uint_eq(port_read(&pit.mr_port61, 0) & 0xef, 0);
    out(CONTROL, 0xe2);
    ck_assert_msg(in(0) == 0x70, "OUT low, null count, both bytes, mode 0");
}
END_TEST

START_TEST(bytes_are_read_lsb_then_msb)
{
    program(2, 0x34, 0x1234);
    port_write(&pit.mr_port61, 0, 1);
    run_ticks(1);
    ck_assert_uint_eq(in(2), 0x34);
    ck_assert_uint_eq(in(2), 0x12);
    run_ticks(1);
    ck_assert_uint_eq(read_word(2), 0x1233);
}
END_TEST

START_TEST(single_byte_access_reads_its_byte)
{
    out(CONTROL, 0x90);
    out(2, 0x42);
    port_write(&pit.mr_port61, 0, 1);
    run_ticks(2);
    ck_assert_uint_eq(in(2), 0x41);
    ck_assert_uint_eq(in(2), 0x41);
    out(CONTROL, 0xa0);
    out(2, 0x42);
    run_ticks(2);
    ck_assert_msg(in(2) == 0x41, "0x41ff: one pulse below 0x4200");
}
END_TEST

START_TEST(latch_holds_until_read_and_ignores_a_second_latch)
{
    program(0, 0x34, 1000);
    run_ticks(1);
    out(CONTROL, 0x00);
    run_ticks(10);
    out(CONTROL, 0x00);
    ck_assert_uint_eq(read_word(0), 1000);
    ck_assert_uint_eq(read_word(0), 990);
    out(CONTROL, 0x00);
    run_ticks(5);
    ck_assert_uint_eq(in(0), 990 & 0xff);
    out(CONTROL, 0x00);
    ck_assert_uint_eq(in(0), 990 >> 8);
    ck_assert_uint_eq(read_word(0), 985);
}
END_TEST

START_TEST(new_control_word_drops_the_latch)
{
    program(0, 0x34, 0x1000);
    run_ticks(1);
    out(CONTROL, 0x00);
    program(0, 0x34, 0x2000);
    run_ticks(1);
    ck_assert_uint_eq(read_word(0), 0x2000);
}
END_TEST

START_TEST(reading_and_writing_of_two_bytes_may_interleave)
{
    program(0, 0x34, 0x1111);
    run_ticks(1);
    ck_assert_uint_eq(in(0), 0x11);
    out(0, 0x22);
    ck_assert_uint_eq(in(0), 0x11);
    out(0, 0x33);
    run_ticks(0x1111);
    ck_assert_uint_eq(read_word(0), 0x3322);
}
END_TEST

START_TEST(read_back_latches_several_counters)
{
    program(0, 0x34, 100);
    program(1, 0x34, 200);
    run_ticks(11);
    out(CONTROL, 0xd6); /* counts of 0 and 1 */
    run_ticks(50);
    ck_assert_uint_eq(read_word(1), 190);
    ck_assert_uint_eq(read_word(0), 90);
    ck_assert_msg(read_word(0) == 40, "running again");
}
END_TEST

START_TEST(read_back_gives_status_before_the_count)
{
    program(1, 0x36, 100);
    out(CONTROL, 0xc4);
    ck_assert_msg(in(1) == 0xf6, "OUT high, null count: not loaded yet");
    ck_assert_uint_eq(read_word(1), 0);
    run_ticks(1);
    out(CONTROL, 0xc4);
    run_ticks(50);
    out(CONTROL, 0xe4); /* status is latched already: ignored */
    ck_assert_uint_eq(in(1), 0xb6);
    ck_assert_uint_eq(read_word(1), 100);
    out(CONTROL, 0xe4);
    ck_assert_msg(in(1) == 0x36, "OUT low in the second half");
}
END_TEST

START_TEST(null_count_of_a_running_counter_lasts_to_the_end_of_the_period)
{
    program(0, 0x34, 100);
    run_ticks(10);
    out(0, 50);
    out(0, 0);
    out(CONTROL, 0xe2);
    ck_assert_uint_eq(in(0), 0xf4);
    run_ticks(90);
    out(CONTROL, 0xe2);
    ck_assert_msg(in(0) == 0x74, "the last tick: OUT is low");
    run_ticks(1);
    out(CONTROL, 0xe2);
    ck_assert_uint_eq(in(0), 0xb4);
    ck_assert_uint_eq(read_word(0), 50);
}
END_TEST

struct bcd {
    unsigned count, ticks, expected;
};
static const struct bcd bcds[] = {
    {0x0000, 1, 0x9999}, {0x1000, 1, 0x0999},    {0x0100, 1, 0x0099},     {0x0010, 11, 0x9999},
    {0x9999, 0, 0x9999}, {0x0000, 5000, 0x5000}, {0x1234, 10000, 0x1234},
};

START_TEST(bcd_counts_in_decimal)
{
    program(0, 0x31, bcds[_i].count);
    run_ticks(1 + bcds[_i].ticks);
    ck_assert_uint_eq(read_word(0), bcds[_i].expected);
}
END_TEST

START_TEST(control_port_reads_as_nobody)
{
    ck_assert_uint_eq(in(CONTROL), 0xff);
}
END_TEST

START_TEST(port61_gates_counter_2_and_shows_its_out)
{
    port_write(&pit.mr_port61, 0, 0x00);
    program(2, 0x30, 100);
    run_ticks(500);
    ck_assert_uint_eq(port_read(&pit.mr_port61, 0) & 0x20, 0);
    ck_assert_uint_eq(read_word(2), 100);
    port_write(&pit.mr_port61, 0, 0x01);
    run_ticks(99);
    ck_assert_uint_eq(port_read(&pit.mr_port61, 0) & 0x20, 0);
    run_ticks(1);
    ck_assert_uint_eq(port_read(&pit.mr_port61, 0) & 0x20, 0x20);
    ck_assert(i8254_out(&pit, 2));
}
END_TEST

START_TEST(port61_keeps_its_four_low_bits)
{
    port_write(&pit.mr_port61, 0, 0xff);
    ck_assert_uint_eq(port_read(&pit.mr_port61, 0) & 0xcf, 0x0f);
    port_write(&pit.mr_port61, 0, 0x00);
    ck_assert_uint_eq(port_read(&pit.mr_port61, 0) & 0xcf, 0x00);
}
END_TEST

START_TEST(refresh_bit_toggles_every_eighteen_ticks)
{
    unsigned toggles = 0;
    uint8_t last = port_read(&pit.mr_port61, 0) & 0x10;

    for (unsigned tick = 0; tick < 1800; tick++) {
        uint8_t now;

        run_ticks(1);
        now = port_read(&pit.mr_port61, 0) & 0x10;
        toggles += now != last;
        last = now;
    }
    ck_assert_uint_eq(toggles, 100);
}
END_TEST

START_TEST(rate_generator_raises_irq_each_period_at_its_tick)
{
    uint64_t start = tick_of(fake_clock.now_ns);

    program(0, 0x34, 11932);
    ck_assert_msg(irq.rises == 1, "OUT goes high with the control word");
    for (uint64_t period = 1; period <= 5; period++) {
        uint64_t edge_ns = ns_of(start + 1 + period * 11932);

        fake_clock_run_to(&fake_clock, edge_ns - 1);
        ck_assert_uint_eq(irq.rises, period);
        fake_clock_run_to(&fake_clock, edge_ns);
        ck_assert_uint_eq(irq.rises, period + 1);
    }
}
END_TEST

START_TEST(square_wave_gives_both_edges)
{
    uint64_t start = tick_of(fake_clock.now_ns) + 1;

    program(0, 0x36, 1001);
    for (uint64_t period = 0; period < 3; period++) {
        fake_clock_run_to(&fake_clock, ns_of(start + period * 1001 + 501) - 1);
        ck_assert(irq.level);
        fake_clock_run(&fake_clock, 1);
        ck_assert(!irq.level);
        fake_clock_run_to(&fake_clock, ns_of(start + period * 1001 + 1001) - 1);
        ck_assert(!irq.level);
        fake_clock_run(&fake_clock, 1);
        ck_assert(irq.level);
    }
}
END_TEST

START_TEST(a_million_periods_do_not_drift)
{
    uint64_t start = tick_of(fake_clock.now_ns) + 1, periods = 1000000;
    static const uint8_t controls[] = {0x34, 0x36};

    program(0, controls[_i], 1193);
    irq.rises = 0;
    fake_clock_run_to(&fake_clock, ns_of(start + periods * 1193) - 1);
    ck_assert_uint_eq(irq.rises, periods - 1);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(irq.rises, periods);
    ck_assert_uint_eq(fake_clock.expired, periods * (_i ? 2 : 1) + 1);
}
END_TEST

START_TEST(terminal_count_raises_once_and_a_new_count_lowers)
{
    uint64_t start = tick_of(fake_clock.now_ns) + 1;

    program(0, 0x30, 1000);
    fake_clock_run_to(&fake_clock, ns_of(start + 1000) - 1);
    ck_assert(!irq.level);
    fake_clock_run(&fake_clock, 1);
    ck_assert(irq.level);
    fake_clock_run(&fake_clock, 1000000000);
    ck_assert_uint_eq(irq.rises, 1);
    out(0, 0x10);
    ck_assert_msg(!irq.level, "the first byte lowers OUT");
    fake_clock_run(&fake_clock, 1000000000);
    ck_assert_msg(!irq.level, "and stops counting");
    out(0, 0x00);
    run_ticks(17);
    ck_assert(irq.level);
}
END_TEST

/* Linux's one-shot mode: mode 4, a count written for each event. */
START_TEST(software_strobe_gives_an_edge_for_each_count)
{
    program(0, 0x38, 500);
    irq.rises = 0;
    fake_clock_run(&fake_clock, 1000000000);
    ck_assert_uint_eq(irq.rises, 1);
    for (unsigned i = 0; i < 10; i++) {
        out(0, 0xff);
        out(0, 0x00);
        run_ticks(256);
        ck_assert_uint_eq(irq.rises, 1 + i);
        run_ticks(1);
        ck_assert_uint_eq(irq.rises, 2 + i);
    }
}
END_TEST

START_TEST(reprogramming_forgets_the_old_period)
{
    program(0, 0x34, 2000);
    run_ticks(1500);
    program(0, 0x34, 5000);
    irq.rises = 0;
    run_ticks(5000);
    ck_assert_uint_eq(irq.rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irq.rises, 1);
}
END_TEST

START_TEST(new_count_alone_lets_the_period_end_first)
{
    program(0, 0x34, 2000);
    run_ticks(1);
    irq.rises = 0;
    run_ticks(1500);
    out(0, 0xe8);
    out(0, 0x03);
    run_ticks(499);
    ck_assert_uint_eq(irq.rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irq.rises, 1);
    run_ticks(1000);
    ck_assert_uint_eq(irq.rises, 2);
}
END_TEST

/* The smallest period is 1.7 us; the host is woken at most every 100 us all the same. */
START_TEST(a_tiny_period_does_not_make_the_host_spin)
{
    static const uint8_t controls[] = {0x34, 0x36};

    program(0, controls[_i], 2);
    irq.rises = 0;
    fake_clock_run(&fake_clock, 1000000000);
    ck_assert_uint_le(fake_clock.expired, 1000000000 / I8254_WAKE_NS_MIN + 2);
    ck_assert_uint_ge(irq.rises, 1000000000 / I8254_WAKE_NS_MIN - 200);
    ck_assert_uint_le(irq.rises, 1000000000 / I8254_WAKE_NS_MIN + 2);
}
END_TEST

START_TEST(a_late_host_gives_one_edge_and_keeps_the_grid)
{
    uint64_t start = tick_of(fake_clock.now_ns) + 1;

    program(0, 0x34, 1000);
    run_ticks(1);
    irq.rises = 0;
    fake_clock_oversleep(&fake_clock, ns_of(10500));
    fake_clock_run(&fake_clock, 0);
    ck_assert_uint_eq(irq.rises, 1);
    fake_clock_run_to(&fake_clock, ns_of(start + 11000) - 1);
    ck_assert_uint_eq(irq.rises, 1);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(irq.rises, 2);
}
END_TEST

START_TEST(an_edge_that_came_due_is_not_lost_by_a_read_or_a_write)
{
    program(0, 0x34, 1000);
    run_ticks(1);
    irq.rises = 0;
    fake_clock_oversleep(&fake_clock, ns_of(1500));
    if (_i) {
        in(0);
    } else {
        out(CONTROL, 0x00);
    }
    ck_assert_uint_eq(irq.rises, 1);
    fake_clock_run(&fake_clock, 0);
    ck_assert_uint_eq(irq.rises, 1);
}
END_TEST

START_TEST(other_counters_do_not_reach_the_irq)
{
    program(1, 0x34, 100);
    program(2, 0x36, 100);
    port_write(&pit.mr_port61, 0, 1);
    fake_clock_run(&fake_clock, 1000000);
    ck_assert_uint_eq(irq.rises, 0);
    ck_assert_ptr_null(fake_clock.first);
}
END_TEST

START_TEST(a_gate_set_from_outside_stops_counter_0)
{
    program(0, 0x36, 1000);
    irq.rises = 0;
    run_ticks(700);
    ck_assert(!irq.level);
    i8254_set_gate(&pit, 0, false);
    ck_assert(irq.level);
    run_ticks(10000);
    ck_assert_uint_eq(irq.rises, 1);
    i8254_set_gate(&pit, 0, true);
    run_ticks(501);
    ck_assert(!irq.level);
}
END_TEST

START_TEST(reset_stops_everything)
{
    program(0, 0x34, 100);
    port_write(&pit.mr_port61, 0, 3);
    i8254_reset(&pit);
    ck_assert(!irq.level);
    irq.rises = 0;
    power_on_is_silent_fn(0);
}
END_TEST

START_TEST(wider_accesses_are_bytes_at_consecutive_ports)
{
    ck_assert_uint_eq(bus_out(&bus, 0x43, 1, 0xb0), MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, 0x42, 1, 0x10), MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, 0x42, 1, 0x00), MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, 0x61, 1, 1), MEMTX_OK);
    run_ticks(1);
    ck_assert_uint_eq(bus_in(&bus, 0x42, 2, NULL), 0xff10);
    ck_assert_uint_eq(bus_in(&bus, 0x61, 1, NULL) & 0x2f, 0x01);
}
END_TEST

START_TEST(init_needs_a_clock_and_finish_takes_a_zeroed_device)
{
    struct i8254 zeroed = {0};

    ck_assert_int_eq(i8254_init(&zeroed, &bus.core, &(struct i8254_config){0}), -EINVAL);
    i8254_finish(&zeroed);
}
END_TEST

static TCase *registers(void)
{
    TCase *tc = tcase_create("registers");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, power_on_is_silent);
    tcase_add_test(tc, bytes_are_read_lsb_then_msb);
    tcase_add_test(tc, single_byte_access_reads_its_byte);
    tcase_add_test(tc, latch_holds_until_read_and_ignores_a_second_latch);
    tcase_add_test(tc, new_control_word_drops_the_latch);
    tcase_add_test(tc, reading_and_writing_of_two_bytes_may_interleave);
    tcase_add_test(tc, read_back_latches_several_counters);
    tcase_add_test(tc, read_back_gives_status_before_the_count);
    tcase_add_test(tc, null_count_of_a_running_counter_lasts_to_the_end_of_the_period);
    tcase_add_table_test(tc, bcd_counts_in_decimal, bcds);
    tcase_add_test(tc, control_port_reads_as_nobody);
    tcase_add_test(tc, port61_gates_counter_2_and_shows_its_out);
    tcase_add_test(tc, port61_keeps_its_four_low_bits);
    tcase_add_test(tc, refresh_bit_toggles_every_eighteen_ticks);
    tcase_add_test(tc, reset_stops_everything);
    tcase_add_test(tc, wider_accesses_are_bytes_at_consecutive_ports);
    tcase_add_test(tc, init_needs_a_clock_and_finish_takes_a_zeroed_device);
    return tc;
}

static TCase *interrupts(void)
{
    TCase *tc = tcase_create("interrupts");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, rate_generator_raises_irq_each_period_at_its_tick);
    tcase_add_test(tc, square_wave_gives_both_edges);
    tcase_add_loop_test(tc, a_million_periods_do_not_drift, 0, 2);
    tcase_add_test(tc, terminal_count_raises_once_and_a_new_count_lowers);
    tcase_add_test(tc, software_strobe_gives_an_edge_for_each_count);
    tcase_add_test(tc, reprogramming_forgets_the_old_period);
    tcase_add_test(tc, new_count_alone_lets_the_period_end_first);
    tcase_add_loop_test(tc, a_tiny_period_does_not_make_the_host_spin, 0, 2);
    tcase_add_test(tc, a_late_host_gives_one_edge_and_keeps_the_grid);
    tcase_add_loop_test(tc, an_edge_that_came_due_is_not_lost_by_a_read_or_a_write, 0, 2);
    tcase_add_test(tc, other_counters_do_not_reach_the_irq);
    tcase_add_test(tc, a_gate_set_from_outside_stops_counter_0);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("i8254");

    suite_add_tcase(suite, registers());
    suite_add_tcase(suite, interrupts());
    return run_suite(suite);
}
