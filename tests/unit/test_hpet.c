/*
 * High precision event timers: the counter, one-shot and periodic comparators in 64 and 32 bits,
 * level and edge, routing and legacy replacement, and how often the host is woken for them.
 */
#include <errno.h>

#include "devices/hpet.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { CAP_ID = 0x000, CONFIG = 0x010, STATUS = 0x020, COUNTER = 0x0f0 };
enum { ENABLE = 1, LEGACY = 2 };
enum { LEVEL = 0x02, INT_ENB = 0x04, PERIODIC = 0x08, VAL_SET = 0x40, MODE_32 = 0x100 };
enum { ROUTE_SHIFT = 9, LINE = 20, ROUTE = LINE << ROUTE_SHIFT, MS = 1000000 };
#define T_CONF(n) (0x100U + 0x20 * (n))
#define T_CMP(n) (0x108U + 0x20 * (n))
#define T_FSB(n) (0x110U + 0x20 * (n))
#define TICK UINT64_C(10) /* ns */

static struct fake_bus bus;
static struct fake_clock fake_clock;
static struct fake_irq irqs[HPET_NUM_IRQS];
static struct hpet hpet;
static unsigned legacy_calls;
static bool legacy_on;

static void legacy(void *opaque, bool on)
{
    ck_assert_ptr_eq(opaque, &bus);
    legacy_calls++;
    legacy_on = on;
}

static void setup(void)
{
    struct hpet_config config = {
        .clock = &fake_clock.clock, .route_cap = 0xff0000, .legacy = legacy, .opaque = &bus};

    fake_bus_init(&bus);
    fake_clock_init(&fake_clock);
    for (unsigned i = 0; i < HPET_NUM_IRQS; i++) {
        irqs[i] = (struct fake_irq){.level = false};
        config.irqs[i] = fake_irq_line(&irqs[i]);
    }
    legacy_calls = 0;
    ck_assert_int_eq(hpet_init(&hpet, &bus.core, &config), 0);
    fake_bus_mount(&bus, 0, &hpet.mr);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &hpet.mr);
    hpet_finish(&hpet);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

static uint64_t in(unsigned addr)
{
    uint64_t value = 0;

    ck_assert_uint_eq(address_space_read(&bus.as, addr, MEMTXATTRS_UNSPECIFIED, &value, 8),
                      MEMTX_OK);
    return value;
}

static void out(unsigned addr, uint64_t value)
{
    ck_assert_uint_eq(address_space_write(&bus.as, addr, MEMTXATTRS_UNSPECIFIED, &value, 8),
                      MEMTX_OK);
}

static void out4(unsigned addr, uint32_t value)
{
    ck_assert_uint_eq(bus_out(&bus, addr, 4, value), MEMTX_OK);
}

static void run_ticks(uint64_t ticks)
{
    fake_clock_run(&fake_clock, ticks * TICK);
}

/* Timer `n`, with its interrupt on at LINE and the counter running. */
static void start(unsigned n, unsigned flags, uint64_t comparator)
{
    out(T_CONF(n), INT_ENB | ROUTE | flags);
    out(T_CMP(n), comparator);
    out(CONFIG, ENABLE);
}

static const struct {
    unsigned addr;
    uint64_t value;
} power_on[] = {
    {CAP_ID, 0x009896808086a201}, /* 10^7 fs, Intel, legacy, 64 bits, 3 timers, revision 1 */
    {CONFIG, 0},
    {STATUS, 0},
    {COUNTER, 0},
    {T_CONF(0), 0x00ff000000000030},
    {T_CONF(1), 0x00ff000000000030},
    {T_CONF(2), 0x00ff000000000030},
    {T_CMP(0), UINT64_MAX},
    {T_CMP(2), UINT64_MAX},
    {T_FSB(0), 0},
    {0x008, 0},
    {0x0f8, 0},
    {T_CONF(3), 0},
    {T_CMP(3), 0},
    {0x3f8, 0},
};

START_TEST(power_on_is_as_the_specification_says)
{
    run_ticks(1000);
    ck_assert_uint_eq(in(power_on[_i].addr), power_on[_i].value);
    ck_assert_uint_eq(bus_in(&bus, power_on[_i].addr, 4, NULL), (uint32_t)power_on[_i].value);
    ck_assert_uint_eq(bus_in(&bus, power_on[_i].addr + 4, 4, NULL), power_on[_i].value >> 32);
}
END_TEST

START_TEST(reset_is_power_on_state)
{
    for (unsigned n = 0; n < HPET_NUM_TIMERS; n++) {
        start(n, LEVEL | PERIODIC | VAL_SET, 100);
    }
    out(CONFIG, ENABLE | LEGACY);
    run_ticks(150);
    ck_assert(irqs[0].level);
    hpet_reset(&hpet);
    ck_assert(!irqs[0].level && !irqs[8].level && !irqs[LINE].level);
    ck_assert(legacy_calls == 2 && !legacy_on);
    run_ticks(1000);
    ck_assert_uint_eq(in(power_on[_i].addr), power_on[_i].value);
    ck_assert_ptr_null(fake_clock.first);
}
END_TEST

START_TEST(read_only_and_absent_registers_are_not_written)
{
    for (unsigned addr = 0; addr < HPET_SIZE; addr += 8) {
        if (addr != CONFIG && addr != STATUS && addr != COUNTER && addr != T_CONF(0) &&
            addr != T_CMP(0)) {
            uint64_t before = in(addr);

            if (addr < T_CONF(0) || addr >= T_CONF(3) || addr % 0x20 == 0x10) {
                out(addr, UINT64_MAX);
                ck_assert_uint_eq(in(addr), before);
            }
        }
    }
    out(CONFIG, UINT64_MAX);
    ck_assert_uint_eq(in(CONFIG), ENABLE | LEGACY);
    out(T_CONF(1), UINT64_MAX); /* route 31 is not among the capabilities */
    ck_assert_uint_eq(in(T_CONF(1)), 0x00ff00000000017e);
}
END_TEST

START_TEST(counter_counts_from_the_value_written_while_enabled)
{
    run_ticks(77);
    ck_assert_uint_eq(in(COUNTER), 0);
    out(COUNTER, 0xfffffff0);
    out(CONFIG, ENABLE);
    run_ticks(32);
    ck_assert_uint_eq(in(COUNTER), 0x100000010);
    ck_assert_uint_eq(bus_in(&bus, COUNTER, 4, NULL), 0x10);
    ck_assert_uint_eq(bus_in(&bus, COUNTER + 4, 4, NULL), 1);
    out(CONFIG, 0);
    run_ticks(1000);
    ck_assert_uint_eq(in(COUNTER), 0x100000010);
    out4(COUNTER + 4, 0xabcd);
    ck_assert_uint_eq(in(COUNTER), 0xabcd00000010);
    out(COUNTER, UINT64_MAX);
    out(CONFIG, ENABLE);
    run_ticks(2);
    ck_assert_msg(in(COUNTER) == 1, "it wraps");
}
END_TEST

static const unsigned widths[] = {0, MODE_32};

START_TEST(one_shot_gives_one_edge_when_the_counter_arrives)
{
    start(2, widths[_i], 100);
    run_ticks(99);
    ck_assert_uint_eq(irqs[LINE].rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    ck_assert_msg(!irqs[LINE].level, "a pulse");
    ck_assert_msg(in(T_CMP(2)) == 100, "the comparator stands");
    ck_assert_msg(in(STATUS) == 0, "edges are not kept");
    run_ticks(1000000);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
}
END_TEST

START_TEST(passed_comparator_waits_for_the_counter_to_come_round)
{
    out(COUNTER, 500);
    start(0, MODE_32, 500); /* where it stands is passed, too */
    run_ticks(UINT32_MAX);
    ck_assert_uint_eq(irqs[LINE].rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    run_ticks(UINT64_C(1) << 32);
    ck_assert_msg(irqs[LINE].rises == 2, "32 bits: each time round");
    start(1, 0, 400);
    run_ticks(UINT64_C(1) << 33);
    ck_assert_msg(irqs[LINE].rises == 4, "64 bits: not in this century");
}
END_TEST

START_TEST(mode_of_32_bits_sees_only_the_low_half)
{
    out(T_CMP(0), 0x700000064);
    start(0, MODE_32, 0x900000064);
    ck_assert_uint_eq(in(T_CMP(0)), 0x64);
    out4(T_CMP(0) + 4, 9);
    ck_assert_uint_eq(in(T_CMP(0)), 0x64);
    out(T_CONF(0), INT_ENB | ROUTE);
    ck_assert_msg(in(T_CMP(0)) == 0x64, "the upper half stays 0");
    out(T_CONF(0), INT_ENB | ROUTE | MODE_32);
    out(CONFIG, 0);
    out(COUNTER, 0x300000000);
    out(CONFIG, ENABLE);
    run_ticks(0x64);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
}
END_TEST

START_TEST(periodic_timer_gives_an_edge_each_period)
{
    start(0, PERIODIC | VAL_SET | widths[_i], MS / TICK);
    ck_assert_msg(!(in(T_CONF(0)) & VAL_SET), "it clears itself");
    for (uint64_t i = 1; i <= 50; i++) {
        run_ticks(MS / TICK - 1);
        ck_assert_uint_eq(irqs[LINE].rises, i - 1);
        run_ticks(1);
        ck_assert_uint_eq(irqs[LINE].rises, i);
        ck_assert_uint_eq(in(T_CMP(0)), (i + 1) * MS / TICK);
    }
}
END_TEST

START_TEST(periodic_comparator_wraps_at_the_timers_width)
{
    out(COUNTER, 0xfffff000);
    start(0, PERIODIC | VAL_SET | MODE_32, 0xfffff800);
    out(T_CMP(0), 0x1000); /* the period alone */
    ck_assert_uint_eq(in(T_CMP(0)), 0xfffff800);
    run_ticks(0x800);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    ck_assert_uint_eq(in(T_CMP(0)), 0x800);
    run_ticks(0x1000);
    ck_assert_uint_eq(in(T_CMP(0)), 0x1800);
    run_ticks(HPET_WAKE_NS_MIN / TICK);
    ck_assert_uint_ge(irqs[LINE].rises, 2);
}
END_TEST

/* As Linux starts it: first time and period by two writes. */
START_TEST(val_set_sets_the_comparator_and_its_absence_the_period)
{
    start(0, PERIODIC | VAL_SET, 300000);
    out(T_CMP(0), 100000);
    ck_assert_uint_eq(in(T_CMP(0)), 300000);
    run_ticks(299999);
    ck_assert_uint_eq(irqs[LINE].rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    run_ticks(100000);
    ck_assert_uint_eq(irqs[LINE].rises, 2);
    ck_assert_uint_eq(in(T_CMP(0)), 500000);
    out(T_CMP(0), 200000);
    ck_assert_msg(in(T_CMP(0)) == 500000, "the next stands, those after it move");
    run_ticks(100000);
    ck_assert_uint_eq(in(T_CMP(0)), 700000);
}
END_TEST

/* 2.3.9.2.2: a 64-bit value by two halves takes the bit twice. */
START_TEST(halves_of_a_comparator_take_the_bit_each)
{
    out(T_CONF(0), PERIODIC | VAL_SET);
    out4(T_CMP(0), 0x1000);
    out(T_CONF(0), PERIODIC | VAL_SET);
    out4(T_CMP(0) + 4, 0x20);
    ck_assert_uint_eq(in(T_CMP(0)), 0x2000001000);
    out4(T_CMP(0) + 4, 0x99);
    ck_assert_msg(in(T_CMP(0)) == 0x2000001000, "this was the period's");
}
END_TEST

START_TEST(val_set_means_nothing_to_a_one_shot_timer)
{
    out(T_CONF(1), VAL_SET);
    ck_assert_uint_eq(in(T_CONF(1)) & VAL_SET, 0);
    out(T_CMP(1), 5);
    out(T_CMP(1), 6);
    ck_assert_uint_eq(in(T_CMP(1)), 6);
}
END_TEST

START_TEST(level_interrupt_stays_until_its_status_bit_is_cleared)
{
    start(1, LEVEL, 100);
    run_ticks(100);
    ck_assert(irqs[LINE].level);
    ck_assert_uint_eq(in(STATUS), 2);
    out(STATUS, 5);
    ck_assert_msg(irqs[LINE].level && in(STATUS) == 2, "the others' bits clear the others");
    out(STATUS, 2);
    ck_assert(!irqs[LINE].level);
    ck_assert_uint_eq(in(STATUS), 0);
}
END_TEST

START_TEST(pending_level_interrupt_costs_no_more_wake_ups)
{
    start(0, LEVEL | PERIODIC | VAL_SET, MS / TICK);
    fake_clock_run(&fake_clock, UINT64_C(1000) * MS);
    ck_assert_uint_eq(fake_clock.expired, 1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    ck_assert_msg(in(T_CMP(0)) == 1001 * (MS / TICK), "the periods went on");
    out(STATUS, 1);
    fake_clock_run(&fake_clock, MS);
    ck_assert_uint_eq(irqs[LINE].rises, 2);
}
END_TEST

START_TEST(timer_without_its_interrupt_runs_and_wakes_nobody)
{
    out(T_CONF(0), LEVEL | PERIODIC | VAL_SET | ROUTE);
    out(T_CMP(0), 100);
    out(CONFIG, ENABLE);
    run_ticks(1050);
    ck_assert_uint_eq(fake_clock.expired, 0);
    ck_assert_uint_eq(in(STATUS), 1);
    ck_assert_uint_eq(in(T_CMP(0)), 1100);
    ck_assert(!irqs[LINE].level);
    out(T_CONF(0), LEVEL | PERIODIC | ROUTE | INT_ENB);
    ck_assert_msg(irqs[LINE].level, "what is pending is let through");
    out(T_CONF(0), LEVEL | PERIODIC | ROUTE);
    ck_assert(!irqs[LINE].level);
}
END_TEST

START_TEST(disabling_lowers_lines_and_keeps_the_status)
{
    start(0, LEVEL, 100);
    run_ticks(100);
    out(CONFIG, 0);
    ck_assert(!irqs[LINE].level);
    ck_assert_uint_eq(in(STATUS), 1);
    run_ticks(1000);
    out(CONFIG, ENABLE);
    ck_assert(irqs[LINE].level);
    out(STATUS, 1);
    ck_assert(!irqs[LINE].level);
}
END_TEST

START_TEST(halted_counter_meets_nothing)
{
    start(0, 0, 100);
    run_ticks(50);
    out(CONFIG, 0);
    run_ticks(1000);
    ck_assert_uint_eq(irqs[LINE].rises, 0);
    out(CONFIG, ENABLE);
    run_ticks(49);
    ck_assert_uint_eq(irqs[LINE].rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
}
END_TEST

static const struct {
    unsigned route, before, result;
} routes[] = {
    {16, 0, 16}, {23, 0, 23}, {15, 0, 0},  {24, 0, 0},
    {31, 0, 0},  {2, 0, 0},   {8, 20, 20}, {0, 20, 0},
};

START_TEST(route_takes_only_what_the_capabilities_have)
{
    out(T_CONF(0), routes[_i].before << ROUTE_SHIFT);
    out(T_CONF(0), routes[_i].route << ROUTE_SHIFT);
    ck_assert_uint_eq(in(T_CONF(0)) >> ROUTE_SHIFT & 31, routes[_i].result);
}
END_TEST

START_TEST(timer_without_a_route_interrupts_nobody)
{
    out(T_CONF(0), INT_ENB | LEVEL);
    out(T_CMP(0), 100);
    out(CONFIG, ENABLE);
    run_ticks(200);
    for (unsigned i = 0; i < HPET_NUM_IRQS; i++) {
        ck_assert_uint_eq(irqs[i].rises, 0);
    }
    ck_assert_uint_eq(in(STATUS), 1);
    out(T_CONF(0), INT_ENB | LEVEL | 17 << ROUTE_SHIFT);
    ck_assert(irqs[17].level);
    out(T_CONF(0), INT_ENB | LEVEL | 18 << ROUTE_SHIFT);
    ck_assert(!irqs[17].level && irqs[18].level);
}
END_TEST

START_TEST(timers_on_one_line_are_wired_together)
{
    start(0, LEVEL, 100);
    start(1, LEVEL, 200);
    run_ticks(200);
    out(STATUS, 1);
    ck_assert(irqs[LINE].level);
    out(STATUS, 2);
    ck_assert(!irqs[LINE].level);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
}
END_TEST

static const unsigned legacy_lines[] = {0, 8, LINE};

START_TEST(legacy_replacement_moves_timers_0_and_1)
{
    out(CONFIG, LEGACY);
    ck_assert(legacy_calls == 1 && legacy_on);
    out(T_CONF((unsigned)_i), INT_ENB | ROUTE);
    out(T_CMP((unsigned)_i), 100);
    out(CONFIG, ENABLE | LEGACY);
    ck_assert_msg(legacy_calls == 1, "told of changes only");
    run_ticks(100);
    for (unsigned i = 0; i < HPET_NUM_IRQS; i++) {
        ck_assert_uint_eq(irqs[i].rises, i == legacy_lines[_i]);
    }
    out(CONFIG, ENABLE);
    ck_assert(legacy_calls == 2 && !legacy_on);
    out(T_CMP((unsigned)_i), 200);
    run_ticks(100);
    ck_assert_uint_eq(irqs[LINE].rises, legacy_lines[_i] == LINE ? 2 : 1);
}
END_TEST

/* A period of one tick, and a host that sleeps too long. */
START_TEST(host_is_woken_at_most_every_100_us)
{
    start(0, PERIODIC | VAL_SET, 1);
    fake_clock_run(&fake_clock, 10 * MS);
    ck_assert_uint_le(fake_clock.expired, 10 * MS / HPET_WAKE_NS_MIN + 1);
    ck_assert_uint_ge(irqs[LINE].rises, 10 * MS / HPET_WAKE_NS_MIN - 1);
    ck_assert_uint_eq(in(T_CMP(0)), in(COUNTER) + 1);
}
END_TEST

START_TEST(periods_of_a_late_host_are_one_interrupt_and_the_grid_stands)
{
    start(0, PERIODIC | VAL_SET, MS / TICK);
    fake_clock_oversleep(&fake_clock, 7 * MS + MS / 2);
    fake_clock_run(&fake_clock, 0);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    ck_assert_uint_eq(in(T_CMP(0)), 8 * (MS / TICK));
    fake_clock_run(&fake_clock, MS / 2 - 1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    fake_clock_run(&fake_clock, 1);
    ck_assert_uint_eq(irqs[LINE].rises, 2);
}
END_TEST

START_TEST(period_of_nothing_is_met_once_a_turn)
{
    start(0, PERIODIC | VAL_SET, 0);
    out(COUNTER, UINT64_MAX - 99);
    fake_clock_run(&fake_clock, MS);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    ck_assert_uint_le(fake_clock.expired, 1);
}
END_TEST

START_TEST(counter_moved_under_a_timer_moves_its_deadline)
{
    start(0, 0, 1000);
    out(COUNTER, 900);
    run_ticks(99);
    ck_assert_uint_eq(irqs[LINE].rises, 0);
    run_ticks(1);
    ck_assert_uint_eq(irqs[LINE].rises, 1);
    out4(COUNTER, 995);
    run_ticks(5);
    ck_assert_uint_eq(irqs[LINE].rises, 2);
}
END_TEST

/* A comparator that is met while its write is served must not be lost. */
START_TEST(time_that_passes_within_an_access_loses_no_interrupt)
{
    uint64_t before;

    fake_clock.step_ns = 7 * TICK;
    start(2, 0, 0);
    for (uint64_t i = 1; i <= 100; i++) {
        before = in(COUNTER);
        out(T_CMP(2), before + i);
        fake_clock_run(&fake_clock, MS);
        /* Met after the write was served or by then, or else passed before it began. */
        ck_assert_uint_eq(irqs[LINE].rises, i <= 7 ? 0 : i - 7);
    }
}
END_TEST

START_TEST(rewriting_the_configuration_loses_no_time)
{
    out(CONFIG, ENABLE);
    fake_clock.step_ns = TICK;
    for (unsigned i = 0; i < 1000; i++) {
        out(CONFIG, ENABLE);
    }
    ck_assert_uint_eq(in(COUNTER), 1001);
}
END_TEST

START_TEST(accesses_are_of_4_and_8_bytes)
{
    uint8_t byte = 1;

    ck_assert_uint_ne(address_space_write(&bus.as, CONFIG, MEMTXATTRS_UNSPECIFIED, &byte, 1),
                      MEMTX_OK);
    ck_assert_uint_eq(in(CONFIG), 0);
    out4(CONFIG + 4, 1);
    ck_assert_msg(in(CONFIG) == 0, "the upper half has no enable bit");
    out4(CONFIG, 1);
    ck_assert_uint_eq(in(CONFIG), 1);
}
END_TEST

START_TEST(init_refuses_what_cannot_be)
{
    struct hpet other = {.counter = 0};

    ck_assert_int_eq(hpet_init(&other, &bus.core, &(struct hpet_config){.route_cap = 1}), -EINVAL);
    ck_assert_int_eq(hpet_init(&other, &bus.core,
                               &(struct hpet_config){.clock = &fake_clock.clock,
                                                     .route_cap = 1U << HPET_NUM_IRQS}),
                     -EINVAL);
    hpet_finish(&other);
}
END_TEST

static void add_modes(TCase *tc)
{
    tcase_add_table_test(tc, one_shot_gives_one_edge_when_the_counter_arrives, widths);
    tcase_add_test(tc, passed_comparator_waits_for_the_counter_to_come_round);
    tcase_add_test(tc, mode_of_32_bits_sees_only_the_low_half);
    tcase_add_table_test(tc, periodic_timer_gives_an_edge_each_period, widths);
    tcase_add_test(tc, periodic_comparator_wraps_at_the_timers_width);
    tcase_add_test(tc, val_set_sets_the_comparator_and_its_absence_the_period);
    tcase_add_test(tc, halves_of_a_comparator_take_the_bit_each);
    tcase_add_test(tc, val_set_means_nothing_to_a_one_shot_timer);
    tcase_add_test(tc, period_of_nothing_is_met_once_a_turn);
    tcase_add_test(tc, counter_moved_under_a_timer_moves_its_deadline);
    tcase_add_test(tc, time_that_passes_within_an_access_loses_no_interrupt);
    tcase_add_test(tc, rewriting_the_configuration_loses_no_time);
}

static void add_interrupts(TCase *tc)
{
    tcase_add_test(tc, level_interrupt_stays_until_its_status_bit_is_cleared);
    tcase_add_test(tc, pending_level_interrupt_costs_no_more_wake_ups);
    tcase_add_test(tc, timer_without_its_interrupt_runs_and_wakes_nobody);
    tcase_add_test(tc, disabling_lowers_lines_and_keeps_the_status);
    tcase_add_test(tc, halted_counter_meets_nothing);
    tcase_add_table_test(tc, route_takes_only_what_the_capabilities_have, routes);
    tcase_add_test(tc, timer_without_a_route_interrupts_nobody);
    tcase_add_test(tc, timers_on_one_line_are_wired_together);
    tcase_add_table_test(tc, legacy_replacement_moves_timers_0_and_1, legacy_lines);
    tcase_add_test(tc, host_is_woken_at_most_every_100_us);
    tcase_add_test(tc, periods_of_a_late_host_are_one_interrupt_and_the_grid_stands);
}

int main(void)
{
    Suite *suite = suite_create("hpet");
    TCase *tc = tcase_create("hpet");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, power_on_is_as_the_specification_says, power_on);
    tcase_add_table_test(tc, reset_is_power_on_state, power_on);
    tcase_add_test(tc, read_only_and_absent_registers_are_not_written);
    tcase_add_test(tc, counter_counts_from_the_value_written_while_enabled);
    tcase_add_test(tc, accesses_are_of_4_and_8_bytes);
    tcase_add_test(tc, init_refuses_what_cannot_be);
    add_modes(tc);
    add_interrupts(tc);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
