/*
 * The 16550A against its data sheet: registers, FIFOs, each interrupt and its priority, and the
 * acre side: a sink that refuses, input that must not be lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/serial.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
enum { MSR = 6, SCR = 7 };
enum { EMPTY = 0x60, OE = 0x02, BI_FE = 0x18, DR = 0x01, FIFO_ERROR = 0x80 };
enum { LOOP = 0x10, EIGHT_BITS = 0x03, DLAB = 0x80, UNLIMITED = 1 << 20 };
/* 8N1 at divisor 1 */
enum { CHAR_NS = 86805 };

static struct fake_bus bus;
static struct fake_clock fake_clock;
static struct fake_irq irq;
static struct fake_sink sink;
static unsigned hook_calls;
static struct serial uart;

static void can_receive(void *opaque)
{
    ck_assert_ptr_eq(opaque, &uart);
    hook_calls++;
}

static void setup(void)
{
    fake_bus_init(&bus);
    fake_clock_init(&fake_clock);
    irq = (struct fake_irq){0};
    hook_calls = 0;
    ck_assert_int_eq(serial_init(&uart, &bus.core,
                                 &(struct serial_config){
                                     .irq = fake_irq_line(&irq),
                                     .sink = fake_byte_sink(&sink, UNLIMITED),
                                     .clock = &fake_clock.clock,
                                     .can_receive = can_receive,
                                     .opaque = &uart,
                                 }),
                     0);
    fake_bus_mount(&bus, 0x3f8, &uart.mr);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &uart.mr);
    serial_finish(&uart);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

static uint8_t in(unsigned reg)
{
    return port_read(&uart.mr, reg);
}

static void out(unsigned reg, uint8_t value)
{
    port_write(&uart.mr, reg, value);
}

static void receive(const char *text)
{
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)text, strlen(text)), strlen(text));
}

static void expect_sink(const char *text)
{
    ck_assert_uint_eq(sink.len, strlen(text));
    ck_assert_mem_eq(sink.data, text, strlen(text));
}

START_TEST(power_on_registers_are_as_the_data_sheet_says)
{
    static const uint8_t expected[] = {0x00, 0x00, 0x01, 0x00, 0x00, EMPTY, 0xb0, 0x00};

    for (unsigned reg = 0; reg < 8; reg++) {
        ck_assert_uint_eq(in(reg), expected[reg]);
    }
    ck_assert(!irq.level);
}
END_TEST

START_TEST(unimplemented_bits_read_zero)
{
    static const uint8_t masks[][2] = {{IER, 0x0f}, {LCR, 0xff}, {MCR, 0x1f}, {SCR, 0xff}};
    unsigned reg = masks[_i][0];

    out(reg, 0xff);
    ck_assert_uint_eq(port_read(&uart.mr, reg), masks[_i][1]);
    out(LCR, 0);
    out(reg, 0x00);
    ck_assert_uint_eq(in(reg), 0);
}
END_TEST

START_TEST(divisor_latch_hides_rbr_thr_and_ier_only)
{
    out(IER, 0x05);
    out(SCR, 0x5a);
    receive("x");
    out(LCR, DLAB | EIGHT_BITS);
    out(DLL, 0x34);
    out(DLM, 0x12);
    ck_assert_uint_eq(in(DLL), 0x34);
    ck_assert_uint_eq(in(DLM), 0x12);
    ck_assert_uint_eq(in(LSR), EMPTY | DR);
    ck_assert_uint_eq(in(SCR), 0x5a);
    out(LCR, EIGHT_BITS);
    ck_assert_uint_eq(in(IER), 0x05);
    ck_assert_uint_eq(in(RBR), 'x');
    expect_sink("");
}
END_TEST

START_TEST(read_only_registers_ignore_writes)
{
    out(LSR, 0xff);
    out(MSR, 0xff);
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert_uint_eq(in(MSR), 0xb0);
}
END_TEST

START_TEST(bytes_go_to_the_sink_at_once)
{
    out(THR, 'h');
    ck_assert_uint_eq(in(LSR), EMPTY);
    out(THR, 'i');
    ck_assert_uint_eq(in(LSR), EMPTY);
    expect_sink("hi");
    ck_assert_uint_eq(serial_tx_lost(&uart), 0);
}
END_TEST

START_TEST(thre_interrupt_comes_when_enabled_with_thr_empty)
{
    out(IER, 0x02);
    ck_assert(irq.level);
    ck_assert_uint_eq(in(IIR), 0x02);
    ck_assert_msg(!irq.level, "reading the IIR that reports it clears it");
    ck_assert_uint_eq(in(IIR), 0x01);
    out(IER, 0x02);
    ck_assert_msg(!irq.level, "writing the same again raises nothing");
    out(IER, 0x00);
    out(IER, 0x02);
    ck_assert(irq.level);
}
END_TEST

START_TEST(thre_interrupt_is_not_cleared_by_an_iir_that_reports_another)
{
    out(IER, 0x03);
    receive("x");
    ck_assert_uint_eq(in(IIR), 0x04);
    ck_assert_uint_eq(in(RBR), 'x');
    ck_assert_uint_eq(in(IIR), 0x02);
    ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

START_TEST(each_write_gives_an_edge_even_if_iir_is_never_read)
{
    out(IER, 0x02);
    ck_assert_uint_eq(irq.rises, 1);
    for (unsigned i = 0; i < 5; i++) {
        out(THR, 'x');
        ck_assert(irq.level);
        ck_assert_uint_eq(irq.rises, 2 + i);
    }
}
END_TEST

START_TEST(disabled_interrupts_stay_silent)
{
    receive("x");
    serial_receive_break(&uart);
    out(THR, 'y');
    out(MCR, LOOP);
    ck_assert_uint_eq(irq.rises, 0);
    ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

/* All five sources at once; each is ended by what the data sheet's table says ends it. */
START_TEST(interrupts_are_reported_by_priority)
{
    out(FCR, 0x01);
    out(MCR, LOOP);
    out(MCR, 0x00); /* deltas */
    serial_receive_break(&uart);
    out(IER, 0x0f);
    ck_assert_uint_eq(in(IIR), 0xc6);
    ck_assert_uint_eq(in(IIR), 0xc6);
    ck_assert_uint_eq(in(LSR), FIFO_ERROR | EMPTY | BI_FE | DR);
    ck_assert_uint_eq(in(IIR), 0xc4);
    fake_clock_run(&fake_clock, 1000000);
    ck_assert_uint_eq(in(IIR), 0xcc);
    ck_assert_uint_eq(in(RBR), 0);
    ck_assert_uint_eq(in(IIR), 0xc2);
    ck_assert_uint_eq(in(IIR), 0xc0);
    ck_assert_uint_eq(in(IIR), 0xc0);
    ck_assert(irq.level);
    ck_assert_uint_eq(in(MSR), 0xbb);
    ck_assert_uint_eq(in(IIR), 0xc1);
    ck_assert(!irq.level);
}
END_TEST

START_TEST(out2_does_not_gate_the_interrupt)
{
    out(MCR, 0x00);
    out(IER, 0x01);
    receive("x");
    ck_assert(irq.level);
}
END_TEST

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

START_TEST(loopback_feeds_the_transmitter_to_the_receiver)
{
    out(MCR, LOOP);
    out(FCR, 0x01);
    out(IER, 0x01);
    out(THR, 'x');
    ck_assert(irq.level);
    ck_assert_uint_eq(in(RBR), 'x');
    expect_sink("");
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)"y", 1), 0);
    serial_receive_break(&uart);
    ck_assert_uint_eq(in(LSR), EMPTY);
    out(MCR, 0);
    ck_assert_uint_eq(hook_calls, 1);
    out(THR, 'z');
    expect_sink("z");
}
END_TEST

struct loop_lines {
    uint8_t mcr, msr;
};
static const struct loop_lines loop_lines[] = {
    {0x00, 0x00}, {0x01, 0x20}, {0x02, 0x10}, {0x04, 0x40}, {0x08, 0x80}, {0x0f, 0xf0},
};

START_TEST(loopback_wires_the_modem_outputs_to_the_inputs)
{
    out(MCR, LOOP | loop_lines[_i].mcr);
    in(MSR);
    ck_assert_uint_eq(in(MSR), loop_lines[_i].msr);
    out(MCR, 0);
    in(MSR);
    ck_assert_uint_eq(in(MSR), 0xb0);
}
END_TEST

START_TEST(modem_deltas_follow_the_lines_and_clear_on_read)
{
    out(MCR, LOOP);
    in(MSR);
    out(IER, 0x08);
    ck_assert(!irq.level);
    out(MCR, LOOP | 0x02);
    ck_assert(irq.level);
    ck_assert_uint_eq(in(IIR), 0x00);
    ck_assert_uint_eq(in(MSR), 0x11);
    ck_assert(!irq.level);
    ck_assert_uint_eq(in(MSR), 0x10);
    out(MCR, LOOP | 0x06);
    ck_assert_msg(in(MSR) == 0x50, "RI's leading edge is not noticed");
    out(MCR, LOOP | 0x02);
    ck_assert_msg(in(MSR) == 0x14, "its trailing edge is");
    out(MCR, LOOP | 0x0b);
    ck_assert_uint_eq(in(MSR), 0xba);
}
END_TEST

START_TEST(fcr_clears_the_fifos_and_forgets_the_command)
{
    out(FCR, 0xc1);
    receive("abc");
    out(FCR, 0xc3);
    ck_assert_uint_eq(in(LSR), EMPTY);
    receive("d");
    ck_assert_msg(in(LSR) == (EMPTY | DR), "the clear bit did not stay");
    sink.room = 0;
    out(THR, 'x');
    out(THR, 'y');
    ck_assert_uint_eq(in(LSR), DR);
    out(IER, 0x02);
    ck_assert(!irq.level);
    out(FCR, 0xc5);
    ck_assert_uint_eq(in(LSR), EMPTY | DR);
    ck_assert_msg(irq.level, "the transmitter has become empty");
    sink.room = UNLIMITED;
    serial_writable(&uart);
    expect_sink("");
}
END_TEST

START_TEST(fcr_without_bit_0_programs_nothing_else)
{
    receive("a");
    out(FCR, 0x02);
    ck_assert_uint_eq(in(LSR), EMPTY | DR);
    out(IER, 0x01);
    out(FCR, 0xc0);
    ck_assert_uint_eq(in(IIR), 0x04);
}
END_TEST

START_TEST(turning_the_fifo_on_or_off_empties_it)
{
    receive("a");
    out(FCR, 0x01);
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert_uint_eq(in(IIR), 0xc1);
    receive("bc");
    out(FCR, 0x01);
    ck_assert_uint_eq(in(LSR), EMPTY | DR);
    out(FCR, 0x00);
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert_uint_eq(in(IIR), 0x01);
}
END_TEST

START_TEST(refusing_sink_keeps_thre_clear_until_it_is_writable)
{
    out(FCR, 0x01);
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), 0xc2);
    sink.room = 1;
    out(THR, 'a');
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert_uint_eq(in(IIR), 0xc2);
    out(THR, 'b');
    out(THR, 'c');
    out(THR, 'd');
    ck_assert_uint_eq(in(LSR), 0);
    ck_assert(!irq.level);
    sink.room = 2;
    serial_writable(&uart);
    ck_assert_msg(in(LSR) == 0, "one byte still waits");
    ck_assert(!irq.level);
    sink.room = 2;
    serial_writable(&uart);
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert(irq.level);
    ck_assert_uint_eq(in(IIR), 0xc2);
    expect_sink("abcd");
}
END_TEST

/* A guest that waits for THRE, a sink that takes a few bytes at a time: nothing is lost. */
START_TEST(back_pressure_loses_no_byte_and_keeps_the_order)
{
    unsigned burst = _i ? 16 : 1, sent = 0;

    out(FCR, _i ? 0x01 : 0x00);
    sink.room = 3;
    for (unsigned round = 0; sent < 3000; round++) {
        if (in(LSR)&0x20) {
            for (unsigned i = 0; i < burst; i++) {
                out(THR, (uint8_t)(sent++ * 7));
            }
        } else {
            sink.room = round % 5;
            serial_writable(&uart);
        }
        ck_assert_uint_lt(round, 20000);
    }
    sink.room = UNLIMITED;
    serial_writable(&uart);
    ck_assert_uint_eq(serial_tx_lost(&uart), 0);
    ck_assert_uint_eq(sink.len, sent);
    for (unsigned i = 0; i < sent; i++) {
        ck_assert_uint_eq(sink.data[i], (uint8_t)(i * 7));
    }
}
END_TEST

START_TEST(writable_with_nothing_waiting_raises_nothing)
{
    out(IER, 0x02);
    in(IIR);
    serial_writable(&uart);
    ck_assert(!irq.level);
}
END_TEST

START_TEST(bytes_beyond_a_full_transmitter_are_counted)
{
    sink.room = 0;
    out(THR, 'a');
    out(THR, 'b');
    ck_assert_uint_eq(serial_tx_lost(&uart), 1);
    sink.room = UNLIMITED;
    serial_writable(&uart);
    expect_sink("b");
    sink = (struct fake_sink){0};
    out(FCR, 0x01);
    for (unsigned i = 0; i < 20; i++) {
        out(THR, (uint8_t)('a' + i));
    }
    ck_assert_uint_eq(serial_tx_lost(&uart), 1 + 4);
    sink.room = UNLIMITED;
    serial_writable(&uart);
    expect_sink("abcdefghijklmnop");
}
END_TEST

START_TEST(what_is_written_during_a_break_is_timing_only)
{
    out(IER, 0x02);
    in(IIR);
    out(THR, 'a');
    in(IIR);
    out(LCR, 0x40 | EIGHT_BITS);
    out(THR, 0);
    ck_assert_uint_eq(in(LSR), EMPTY);
    ck_assert_uint_eq(in(IIR), 0x02);
    out(LCR, EIGHT_BITS);
    out(THR, 'b');
    expect_sink("ab");
}
END_TEST

START_TEST(reset_is_power_on_state)
{
    out(FCR, 0xc1);
    out(IER, 0x0f);
    out(MCR, LOOP | 0x0f);
    out(SCR, 0x77);
    out(LCR, 0x1b);
    out(THR, 'x');
    serial_reset(&uart);
    ck_assert(!irq.level);
    power_on_registers_are_as_the_data_sheet_says_fn(0);
    out(LCR, DLAB);
    ck_assert_uint_eq(in(DLL), 1);
    ck_assert_uint_eq(in(DLM), 0);
    ck_assert_ptr_null(fake_clock.first);
}
END_TEST

START_TEST(wider_accesses_are_bytes_at_consecutive_ports)
{
    MemTxResult result;

    ck_assert_uint_eq(bus_out(&bus, 0x3f8 + MCR, 1, 0x0b), MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, 0x3f8 + THR, 1, 'H'), MEMTX_OK);
    ck_assert_uint_eq(bus_out(&bus, 0x3f8 + THR, 2, 0x0500 | 'i'), MEMTX_OK);
    expect_sink("Hi");
    ck_assert_uint_eq(in(IER), 0x05);
    ck_assert_uint_eq(bus_in(&bus, 0x3f8 + MCR, 4, &result), 0x00b0600b);
    ck_assert_uint_eq(result, MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, 0x3f8 + LSR, 1, NULL), EMPTY);
    ck_assert_uint_eq(bus_in(&bus, 0x3f7, 1, NULL), 0xff);
}
END_TEST

START_TEST(string_output_is_one_dispatch_in_order)
{
    MemoryAccessCache cache = {0};
    char text[] = "string output";

    ck_assert_uint_eq(address_space_rw_items(&bus.as, &cache, 0x3f8, MEMTXATTRS_UNSPECIFIED, text,
                                             1, strlen(text), true),
                      MEMTX_OK);
    expect_sink("string output");
}
END_TEST

START_TEST(init_needs_a_clock_and_finish_takes_a_zeroed_device)
{
    struct serial zeroed = {0};

    ck_assert_int_eq(serial_init(&zeroed, &bus.core, &(struct serial_config){0}), -EINVAL);
    serial_finish(&zeroed);
}
END_TEST

START_TEST(unconnected_lines_and_hooks_go_nowhere)
{
    static struct serial bare;

    ck_assert_int_eq(
        serial_init(&bare, &bus.core,
                    &(struct serial_config){.name = "serial1", .clock = &fake_clock.clock}),
        0);
    ck_assert_str_eq(memory_region_name(&bare.mr), "serial1");
    port_write(&bare.mr, IER, 0x0f);
    port_write(&bare.mr, THR, 'x');
    ck_assert_uint_eq(port_read(&bare.mr, LSR), EMPTY);
    ck_assert_uint_eq(serial_receive(&bare, (const uint8_t *)"ab", 2), 1);
    ck_assert_uint_eq(port_read(&bare.mr, RBR), 'a');
    serial_finish(&bare);
}
END_TEST

static TCase *registers(void)
{
    TCase *tc = tcase_create("registers");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, power_on_registers_are_as_the_data_sheet_says);
    tcase_add_loop_test(tc, unimplemented_bits_read_zero, 0, 4);
    tcase_add_test(tc, divisor_latch_hides_rbr_thr_and_ier_only);
    tcase_add_test(tc, read_only_registers_ignore_writes);
    tcase_add_test(tc, fcr_clears_the_fifos_and_forgets_the_command);
    tcase_add_test(tc, fcr_without_bit_0_programs_nothing_else);
    tcase_add_test(tc, turning_the_fifo_on_or_off_empties_it);
    tcase_add_test(tc, loopback_feeds_the_transmitter_to_the_receiver);
    tcase_add_table_test(tc, loopback_wires_the_modem_outputs_to_the_inputs, loop_lines);
    tcase_add_test(tc, modem_deltas_follow_the_lines_and_clear_on_read);
    tcase_add_test(tc, reset_is_power_on_state);
    tcase_add_test(tc, wider_accesses_are_bytes_at_consecutive_ports);
    tcase_add_test(tc, string_output_is_one_dispatch_in_order);
    tcase_add_test(tc, init_needs_a_clock_and_finish_takes_a_zeroed_device);
    tcase_add_test(tc, unconnected_lines_and_hooks_go_nowhere);
    return tc;
}

static TCase *interrupts(void)
{
    TCase *tc = tcase_create("interrupts");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, thre_interrupt_comes_when_enabled_with_thr_empty);
    tcase_add_test(tc, thre_interrupt_is_not_cleared_by_an_iir_that_reports_another);
    tcase_add_test(tc, each_write_gives_an_edge_even_if_iir_is_never_read);
    tcase_add_test(tc, disabled_interrupts_stay_silent);
    tcase_add_test(tc, interrupts_are_reported_by_priority);
    tcase_add_test(tc, out2_does_not_gate_the_interrupt);
    tcase_add_table_test(tc, received_data_interrupt_comes_at_the_trigger_level, triggers);
    tcase_add_test(tc, trigger_level_does_not_matter_with_the_fifo_off);
    tcase_add_table_test(tc, timeout_comes_after_four_character_times, char_times);
    tcase_add_test(tc, timeout_starts_again_with_each_character_and_each_read);
    tcase_add_test(tc, timeout_is_ended_by_a_read_and_not_by_a_character);
    tcase_add_test(tc, no_timeout_without_characters_or_without_fifo);
    tcase_add_test(tc, timeout_is_seen_on_time_after_a_faster_divisor);
    tcase_add_test(tc, a_guest_that_polls_costs_no_timers);
    tcase_add_test(tc, a_guest_with_interrupts_arms_once_in_four_character_times);
    return tc;
}

static TCase *data(void)
{
    TCase *tc = tcase_create("data");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bytes_go_to_the_sink_at_once);
    tcase_add_test(tc, fifo_holds_sixteen_and_the_register_one);
    tcase_add_test(tc, host_is_told_once_when_room_appears);
    tcase_add_loop_test(tc, every_way_to_room_is_told, 0, 4);
    tcase_add_test(tc, overrun_keeps_the_fifo_and_replaces_the_register);
    tcase_add_test(tc, overrun_raises_the_line_status_interrupt);
    tcase_add_test(tc, break_is_a_null_character_with_bi_and_fe);
    tcase_add_test(tc, errors_show_when_their_character_is_at_the_top);
    tcase_add_test(tc, break_without_room_is_an_overrun);
    tcase_add_test(tc, refusing_sink_keeps_thre_clear_until_it_is_writable);
    tcase_add_loop_test(tc, back_pressure_loses_no_byte_and_keeps_the_order, 0, 2);
    tcase_add_test(tc, writable_with_nothing_waiting_raises_nothing);
    tcase_add_test(tc, bytes_beyond_a_full_transmitter_are_counted);
    tcase_add_test(tc, what_is_written_during_a_break_is_timing_only);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("serial");

    suite_add_tcase(suite, registers());
    suite_add_tcase(suite, interrupts());
    suite_add_tcase(suite, data());
    return run_suite(suite);
}
