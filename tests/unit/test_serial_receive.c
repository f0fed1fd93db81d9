/*
 * The 16550A's receiver against its data sheet: FIFO, trigger levels, time-out, errors; and the
 * acre side: input that must not be lost.
 */
#include <stdlib.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/serial_fixture.h"

struct trigger {
    uint8_t fcr;
    unsigned level;
};
static const struct trigger triggers[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};

START_TEST(received_data_interrupt_comes_at_the_trigger_level)
{
    unsigned level = triggers[_i].level;

    out(FCR, triggers[_i].fcr);
    out(IER, 0x01);
    for (unsigned i = 1; i <= 16; i++) {
        receive("x");
        ck_assert_int_eq(irq.level, i >= level);
    }
    ck_assert_uint_eq(in(IIR), 0xc4);
    for (unsigned left = 16; left > 0;) {
        in(RBR);
        left--;
        ck_assert_int_eq(irq.level, left >= level);
    }
    ck_assert_uint_eq(irq.rises, 1);
}
END_TEST

START_TEST(trigger_level_does_not_matter_with_the_fifo_off)
{
    out(FCR, 0xc0);
    out(IER, 0x01);
    receive("x");
    ck_assert(irq.level);
    ck_assert_uint_eq(in(IIR), 0x04);
    in(RBR);
    ck_assert(!irq.level);
}
END_TEST

struct char_time {
    uint8_t lcr;
    unsigned divisor;
    uint64_t timeout_ns; /* four characters */
};
static const struct char_time char_times[] = {
    {0x03, 1, 347220},           /* 8N1: 10 bits */
    {0x03, 12, 4166664},         /* the same at 9600 baud: 4 x 1041666 */
    {0x03, 0, 347220},           /* counts as 1 */
    {0x03, 0xffff, 22755208332}, /* 1.76 baud */
    {0x1a, 1, 347220},           /* 7E1: 10 bits */
    {0x07, 1, 381944},           /* 8N2: 11 bits */
    {0x1f, 1, 416664},           /* 8E2: 12 bits */
    {0x04, 1, 260416},           /* 5N1.5: 7.5 bits */
    {0x00, 1, 243052},           /* 5N1: 7 bits */
};

START_TEST(timeout_comes_after_four_character_times)
{
    const struct char_time *t = &char_times[_i];

    out(LCR, DLAB | t->lcr);
    out(DLL, (uint8_t)t->divisor);
    out(DLM, (uint8_t)(t->divisor >> 8));
    out(LCR, t->lcr);
    out(FCR, 0x81);
    out(IER, 0x01);
    receive("x");
    fake_clock_run(&fake_clock, t->timeout_ns - 1);
    ck_assert(!irq.level);
    ck_assert_uint_eq(in(IIR), 0xc1);
    fake_clock_run(&fake_clock, 1);
    ck_assert(irq.level);
    ck_assert_uint_eq(in(IIR), 0xcc);
}
END_TEST

static void fifo_with_timeout(void)
{
    out(LCR, EIGHT_BITS);
    out(FCR, 0x81);
    out(IER, 0x01);
}

START_TEST(timeout_starts_again_with_each_character_and_each_read)
{
    fifo_with_timeout();
    receive("ab");
    for (unsigned i = 0; i < 4; i++) {
        fake_clock_run(&fake_clock, 3 * CHAR_NS);
        receive("c");
    }
    fake_clock_run(&fake_clock, 3 * CHAR_NS);
    in(RBR);
    fake_clock_run(&fake_clock, 4 * CHAR_NS - 1);
    ck_assert(!irq.level);
    fake_clock_run(&fake_clock, 1);
    ck_assert(irq.level);
}
END_TEST

START_TEST(timeout_is_ended_by_a_read_and_not_by_a_character)
{
    fifo_with_timeout();
    receive("ab");
    fake_clock_run(&fake_clock, 4 * CHAR_NS);
    receive("c");
    ck_assert_uint_eq(in(IIR), 0xcc);
    ck_assert(irq.level);
    in(RBR);
    ck_assert(!irq.level);
    ck_assert_uint_eq(in(IIR), 0xc1);
    fake_clock_run(&fake_clock, 4 * CHAR_NS);
    ck_assert_msg(irq.level, "two characters are still there");
    ck_assert_uint_eq(irq.rises, 2);
}
END_TEST

START_TEST(no_timeout_without_characters_or_without_fifo)
{
    fifo_with_timeout();
    receive("a");
    in(RBR);
    fake_clock_run(&fake_clock, 100 * CHAR_NS);
    ck_assert_uint_eq(irq.rises, 0);
    out(FCR, 0x00);
    receive("a");
    fake_clock_run(&fake_clock, 100 * CHAR_NS);
    ck_assert_uint_eq(in(IIR), 0x04);
}
END_TEST

START_TEST(timeout_is_seen_on_time_after_a_faster_divisor)
{
    out(LCR, DLAB | EIGHT_BITS);
    out(DLM, 0xff);
    fifo_with_timeout();
    receive("a");
    out(LCR, DLAB | EIGHT_BITS);
    out(DLM, 0);
    out(LCR, EIGHT_BITS);
    receive("b");
    fake_clock_run(&fake_clock, 4 * CHAR_NS);
    ck_assert(irq.level);
}
END_TEST

START_TEST(a_guest_that_polls_costs_no_timers)
{
    out(FCR, 0x01);
    for (unsigned i = 0; i < 100; i++) {
        receive("x");
        in(LSR);
        in(RBR);
        out(THR, 'y');
    }
    ck_assert_uint_eq(fake_clock.arms, 0);
}
END_TEST

START_TEST(a_guest_with_interrupts_arms_once_in_four_character_times)
{
    fifo_with_timeout();
    for (unsigned i = 0; i < 100; i++) {
        receive("xy");
        in(RBR);
        in(RBR);
    }
    ck_assert_uint_eq(fake_clock.arms, 1);
}
END_TEST

START_TEST(fifo_holds_sixteen_and_the_register_one)
{
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)"ab", 2), 1);
    ck_assert_uint_eq(in(RBR), 'a');
    out(FCR, 0x01);
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)"0123456789abcdefXYZ", 19), 16);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(in(LSR), EMPTY | DR);
        ck_assert_uint_eq(in(RBR), (uint8_t) "0123456789abcdef"[i]);
    }
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert_msg(in(RBR) == 'f', "an empty receiver shows the last character");
}
END_TEST

START_TEST(host_is_told_once_when_room_appears)
{
    receive("a");
    in(RBR);
    ck_assert_msg(hook_calls == 0, "nothing was refused");
    receive("a");
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)"bc", 2), 0);
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)"bc", 2), 0);
    ck_assert_uint_eq(hook_calls, 0);
    in(RBR);
    ck_assert_uint_eq(hook_calls, 1);
    in(RBR);
    ck_assert_uint_eq(hook_calls, 1);
}
END_TEST

/* What makes room: turning the FIFO on, clearing it, leaving loopback, reset. */
START_TEST(every_way_to_room_is_told)
{
    receive("a");
    serial_receive(&uart, (const uint8_t *)"b", 1);
    if (_i == 2) {
        out(MCR, LOOP);
        ck_assert_uint_eq(in(RBR), 'a');
        ck_assert_uint_eq(hook_calls, 0);
    }
    switch (_i) {
    case 0:
        out(FCR, 0x01);
        break;
    case 1:
        out(FCR, 0x01);
        serial_receive(&uart, (const uint8_t *)"0123456789abcdefg", 17);
        hook_calls = 0;
        out(FCR, 0x03);
        break;
    case 2:
        out(MCR, 0);
        break;
    default:
        serial_reset(&uart);
        break;
    }
    ck_assert_uint_eq(hook_calls, 1);
    ck_assert_uint_eq(in(LSR)&DR, 0);
}
END_TEST

START_TEST(overrun_keeps_the_fifo_and_replaces_the_register)
{
    out(LCR, EIGHT_BITS);
    out(MCR, LOOP);
    out(THR, 'a');
    out(THR, 'b');
    ck_assert_uint_eq(in(LSR), EMPTY | OE | DR);
    ck_assert_msg(in(LSR) == (EMPTY | DR), "reading LSR clears OE");
    ck_assert_uint_eq(in(RBR), 'b');
    out(FCR, 0x01);
    for (unsigned i = 0; i < 17; i++) {
        out(THR, (uint8_t)('a' + i));
    }
    ck_assert_uint_eq(in(LSR), EMPTY | OE | DR);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(in(RBR), 'a' + i);
    }
    ck_assert_uint_eq(in(LSR), EMPTY);
}
END_TEST

START_TEST(overrun_raises_the_line_status_interrupt)
{
    out(MCR, LOOP);
    out(IER, 0x04);
    out(THR, 'a');
    ck_assert(!irq.level);
    out(THR, 'b');
    ck_assert(irq.level);
    ck_assert_uint_eq(in(IIR), 0x06);
    in(LSR);
    ck_assert(!irq.level);
}
END_TEST

START_TEST(break_is_a_null_character_with_bi_and_fe)
{
    serial_receive_break(&uart);
    ck_assert_msg(in(LSR) == (EMPTY | BI_FE | DR), "bit 7 is 0 with the FIFO off");
    ck_assert_uint_eq(in(LSR), EMPTY | DR);
    ck_assert_uint_eq(in(RBR), 0);
}
END_TEST

START_TEST(errors_show_when_their_character_is_at_the_top)
{
    out(FCR, 0x01);
    out(IER, 0x04);
    receive("a");
    serial_receive_break(&uart);
    receive("b");
    serial_receive_break(&uart);
    ck_assert(!irq.level);
    ck_assert_uint_eq(in(LSR), FIFO_ERROR | EMPTY | DR);
    ck_assert_uint_eq(in(RBR), 'a');
    ck_assert(irq.level);
    ck_assert_uint_eq(in(LSR), FIFO_ERROR | EMPTY | BI_FE | DR);
    ck_assert(!irq.level);
    ck_assert_msg(in(LSR) == (FIFO_ERROR | EMPTY | DR), "there is another break below");
    in(RBR);
    ck_assert_uint_eq(in(RBR), 'b');
    ck_assert_uint_eq(in(LSR), FIFO_ERROR | EMPTY | BI_FE | DR);
    ck_assert_uint_eq(in(LSR), EMPTY | DR);
}
END_TEST

START_TEST(break_without_room_is_an_overrun)
{
    receive("a");
    serial_receive_break(&uart);
    ck_assert_uint_eq(in(LSR), EMPTY | OE | BI_FE | DR);
    ck_assert_uint_eq(in(RBR), 0);
    out(FCR, 0x01);
    receive("0123456789abcdef");
    serial_receive_break(&uart);
    ck_assert_uint_eq(in(LSR), EMPTY | OE | DR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serial_receive");
    TCase *tc = tcase_create("receive");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, received_data_interrupt_comes_at_the_trigger_level, triggers);
    tcase_add_test(tc, trigger_level_does_not_matter_with_the_fifo_off);
    tcase_add_table_test(tc, timeout_comes_after_four_character_times, char_times);
    tcase_add_test(tc, timeout_starts_again_with_each_character_and_each_read);
    tcase_add_test(tc, timeout_is_ended_by_a_read_and_not_by_a_character);
    tcase_add_test(tc, no_timeout_without_characters_or_without_fifo);
    tcase_add_test(tc, timeout_is_seen_on_time_after_a_faster_divisor);
    tcase_add_test(tc, a_guest_that_polls_costs_no_timers);
    tcase_add_test(tc, a_guest_with_interrupts_arms_once_in_four_character_times);
    tcase_add_test(tc, fifo_holds_sixteen_and_the_register_one);
    tcase_add_test(tc, host_is_told_once_when_room_appears);
    tcase_add_loop_test(tc, every_way_to_room_is_told, 0, 4);
    tcase_add_test(tc, overrun_keeps_the_fifo_and_replaces_the_register);
    tcase_add_test(tc, overrun_raises_the_line_status_interrupt);
    tcase_add_test(tc, break_is_a_null_character_with_bi_and_fe);
    tcase_add_test(tc, errors_show_when_their_character_is_at_the_top);
    tcase_add_test(tc, break_without_room_is_an_overrun);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
