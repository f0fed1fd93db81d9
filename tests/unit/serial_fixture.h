/*
 * serial_fixture.h - a 16550A with what stands around it, for its tests.
 *
 * File-scope state: check forks for each test.
 */
#ifndef ACRE_TESTS_UNIT_SERIAL_FIXTURE_H
#define ACRE_TESTS_UNIT_SERIAL_FIXTURE_H

#include <check.h>

#include "devices/serial.h"
#include "tests/unit/device_fakes.h"

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

static inline void setup(void)
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

static inline void teardown(void)
{
    fake_bus_unmount(&bus, &uart.mr);
    serial_finish(&uart);
    ck_assert_ptr_null(fake_clock.first);
    fake_bus_finish(&bus);
}

static inline uint8_t in(unsigned reg)
{
    return port_read(&uart.mr, reg);
}

static inline void out(unsigned reg, uint8_t value)
{
    port_write(&uart.mr, reg, value);
}

static inline void receive(const char *text)
{
    ck_assert_uint_eq(serial_receive(&uart, (const uint8_t *)text, strlen(text)), strlen(text));
}

static inline void expect_sink(const char *text)
{
    ck_assert_uint_eq(sink.len, strlen(text));
    ck_assert_mem_eq(sink.data, text, strlen(text));
}

#endif
