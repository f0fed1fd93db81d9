/*
 * uart.h - a serial port beside the console's, for guests that take one apart. Register names are
 * console.h's. COM2 and COM4 go nowhere (UART_NOTE); in loopback they hear themselves.
 *
 * Source: National Semiconductor PC16550D data sheet.
 */
#ifndef ACRE_GUEST_CONFORMANCE_UART_H
#define ACRE_GUEST_CONFORMANCE_UART_H

#include "guest/lib/guest.h"

#define UART_NOTE TEST_NOTE("options = --serial stdio --serial null --serial null --serial null\n")

#define COM2 0x2f8
#define COM4 0x2e8
#define UART_IRQ 3 /* of both */

enum { IER_RECEIVED = 1, IER_THRE = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_NONE = 1, IIR_MODEM = 0, IIR_THRE = 2, IIR_RECEIVED = 4, IIR_LINE = 6 };
enum { IIR_TIMEOUT = 0xc, IIR_FIFOS = 0xc0 };
enum { FCR_FIFOS = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, FCR_TRIGGER = 0x40 /* times 0..3 */ };
enum { LCR_BREAK = 0x40 };
enum { LSR_OVERRUN = 2, LSR_IDLE = SERIAL_LSR_THRE | SERIAL_LSR_TEMT };

static inline uint8_t uart_in(unsigned port, enum serial_reg reg)
{
    return inb((uint16_t)(port + reg));
}

static inline void uart_out(unsigned port, enum serial_reg reg, uint8_t value)
{
    outb((uint16_t)(port + reg), value);
}

/* 8N1 at 115200 / divisor baud, FIFOs empty, no interrupts, in loopback with all outputs off. */
static inline void uart_loop(unsigned port, uint16_t divisor, uint8_t fcr)
{
    uart_out(port, SERIAL_LCR, SERIAL_LCR_DLAB | SERIAL_LCR_8N1);
    uart_out(port, SERIAL_DATA, (uint8_t)divisor);
    uart_out(port, SERIAL_IER, (uint8_t)(divisor >> 8));
    uart_out(port, SERIAL_LCR, SERIAL_LCR_8N1);
    uart_out(port, SERIAL_IER, 0);
    uart_out(port, SERIAL_IIR, (uint8_t)(fcr | FCR_CLEAR_RX | FCR_CLEAR_TX));
    uart_out(port, SERIAL_MCR, SERIAL_MCR_LOOP);
    (void)uart_in(port, SERIAL_LSR);
    (void)uart_in(port, SERIAL_MSR);
    (void)uart_in(port, SERIAL_DATA);
}

/* `num` characters, counting up from `first`. In loopback they are received at once. */
static inline void uart_send(unsigned port, uint8_t first, unsigned num)
{
    while (num-- > 0) {
        uart_out(port, SERIAL_DATA, first++);
    }
}

#endif
