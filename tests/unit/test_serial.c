/*
 * The 16550A against its data sheet: registers, interrupts and their priority, the transmitter; and
 * the acre side: a sink that refuses.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/serial_fixture.h"

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

START_TEST(loopback_feeds_the_transmitter_to_the_receiver)
{
    out(LCR, EIGHT_BITS);
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

static const uint8_t word_bits[] = {0x1f, 0x3f, 0x7f, 0xff};

START_TEST(word_length_cuts_what_is_looped_back_and_not_what_is_sent)
{
    out(LCR, (uint8_t)_i);
    out(THR, 0xff);
    ck_assert_uint_eq(sink.data[0], 0xff);
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)"\xff", 1), 1);
    ck_assert_uint_eq(in(RBR), 0xff);
    out(MCR, LOOP);
    out(THR, 0xff);
    ck_assert_uint_eq(in(RBR), word_bits[_i]);
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

int main(void)
{
    Suite *suite = suite_create("serial");
    TCase *tc = tcase_create("serial");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, power_on_registers_are_as_the_data_sheet_says);
    tcase_add_loop_test(tc, unimplemented_bits_read_zero, 0, 4);
    tcase_add_test(tc, divisor_latch_hides_rbr_thr_and_ier_only);
    tcase_add_test(tc, read_only_registers_ignore_writes);
    tcase_add_test(tc, fcr_clears_the_fifos_and_forgets_the_command);
    tcase_add_test(tc, fcr_without_bit_0_programs_nothing_else);
    tcase_add_test(tc, turning_the_fifo_on_or_off_empties_it);
    tcase_add_test(tc, loopback_feeds_the_transmitter_to_the_receiver);
    tcase_add_table_test(tc, word_length_cuts_what_is_looped_back_and_not_what_is_sent, word_bits);
    tcase_add_table_test(tc, loopback_wires_the_modem_outputs_to_the_inputs, loop_lines);
    tcase_add_test(tc, modem_deltas_follow_the_lines_and_clear_on_read);
    tcase_add_test(tc, reset_is_power_on_state);
    tcase_add_test(tc, wider_accesses_are_bytes_at_consecutive_ports);
    tcase_add_test(tc, string_output_is_one_dispatch_in_order);
    tcase_add_test(tc, init_needs_a_clock_and_finish_takes_a_zeroed_device);
    tcase_add_test(tc, unconnected_lines_and_hooks_go_nowhere);
    tcase_add_test(tc, thre_interrupt_comes_when_enabled_with_thr_empty);
    tcase_add_test(tc, thre_interrupt_is_not_cleared_by_an_iir_that_reports_another);
    tcase_add_test(tc, each_write_gives_an_edge_even_if_iir_is_never_read);
    tcase_add_test(tc, disabled_interrupts_stay_silent);
    tcase_add_test(tc, interrupts_are_reported_by_priority);
    tcase_add_test(tc, out2_does_not_gate_the_interrupt);
    tcase_add_test(tc, bytes_go_to_the_sink_at_once);
    tcase_add_test(tc, refusing_sink_keeps_thre_clear_until_it_is_writable);
    tcase_add_loop_test(tc, back_pressure_loses_no_byte_and_keeps_the_order, 0, 2);
    tcase_add_test(tc, writable_with_nothing_waiting_raises_nothing);
    tcase_add_test(tc, bytes_beyond_a_full_transmitter_are_counted);
    tcase_add_test(tc, what_is_written_during_a_break_is_timing_only);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
