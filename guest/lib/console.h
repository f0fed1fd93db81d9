/*
 * console.h - text on the first serial port, polled; and the same port by interrupt.
 *
 * Lines end in "\n" alone. Polled output waits until the port takes a byte.
 * Source: National Semiconductor PC16550D data sheet.
 */
#ifndef ACRE_GUEST_LIB_CONSOLE_H
#define ACRE_GUEST_LIB_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_PORT 0x3f8
#define SERIAL_IRQ 4
#define SERIAL_FIFO_SIZE 16

enum serial_reg { /* offsets from SERIAL_PORT */
                  SERIAL_DATA = 0,
                  SERIAL_IER = 1,
                  SERIAL_IIR = 2, /* written: FCR */
                  SERIAL_LCR = 3,
                  SERIAL_MCR = 4,
                  SERIAL_LSR = 5,
                  SERIAL_MSR = 6,
                  SERIAL_SCR = 7,
};
enum { SERIAL_FCR_ENABLE = 1, SERIAL_FCR_CLEAR = 6 };
enum { SERIAL_LCR_8N1 = 3, SERIAL_LCR_DLAB = 0x80 };
enum { SERIAL_MCR_READY = 0xb /* DTR, RTS, OUT2 */, SERIAL_MCR_LOOP = 0x10 };
enum { SERIAL_LSR_DATA = 1, SERIAL_LSR_THRE = 0x20, SERIAL_LSR_TEMT = 0x40 };
enum { SERIAL_IER_RECEIVED = 1, SERIAL_IER_THRE = 2 };

/* 115200 8N1, FIFOs on, no interrupts. */
void console_init(void);
/*
 * A subset of printf: %d %i %u %x %c %s %p %%, l and z before the integers, a width, the flags 0
 * and -. Context: may be called by several CPUs; a call's text stays together.
 */
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_vprintf(const char *format, __builtin_va_list args)
    __attribute__((format(printf, 1, 0)));
void console_write(const char *data, size_t len);
/* Waits, for a second at most, until the last byte has left the port. */
void console_flush(void);
/* What answers at SERIAL_PORT: "16550A", "16450", "8250"; NULL: nothing. */
const char *console_uart_type(void);

/* The debug console at port 0xe9: takes any byte at once. Source: Bochs, QEMU isa-debugcon. */
bool debugcon_present(void);
void debugcon_write(const char *text);

/*
 * Interrupt-driven input and output beside the polled kind, with 256 bytes of room each way. Needs
 * a PIC. Input that finds no room is lost.
 */
void serial_interrupts_start(void);
/* Returns: the next received byte, or -1 when none waits. Context: interrupts off. */
int serial_take(void);
/* Returns: false when there is no room now. Context: interrupts off. */
bool serial_give(uint8_t byte);
/* Has all that was given left for the port? Context: interrupts off. */
bool serial_drained(void);

#endif
