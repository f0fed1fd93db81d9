/*
 * uart-two-ports.c - two ports share an interrupt line: it is up while either wants it, and one
 * edge may stand for both.
 */
#include "guest/conformance/uart.h"

UART_NOTE;

static volatile unsigned interrupts;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    interrupts++;
}

static void receive(unsigned port, const char *what)
{
    report(uart_in(port, SERIAL_IIR) == IIR_RECEIVED && uart_in(port, SERIAL_DATA) == 'x', "%s",
           what);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(UART_IRQ, handle, NULL);
    uart_loop(COM2, 1, 0);
    uart_loop(COM4, 1, 0);
    uart_out(COM2, SERIAL_SCR, 2);
    uart_out(COM4, SERIAL_SCR, 4);
    report(uart_in(COM2, SERIAL_SCR) == 2, "each has registers of its own");
    uart_out(COM2, SERIAL_IER, IER_RECEIVED);
    uart_out(COM4, SERIAL_IER, IER_RECEIVED);
    uart_send(COM2, 'x', 1);
    interrupts_window(1);
    report(interrupts == 1, "one port interrupts");
    receive(COM2, "and has received");
    report(uart_in(COM4, SERIAL_IIR) == IIR_NONE, "the other has not");
    uart_send(COM4, 'x', 1);
    interrupts_window(1);
    report(interrupts == 2, "the other one interrupts");
    uart_send(COM2, 'x', 1);
    interrupts_window(1);
    report(interrupts == 2, "while it does, the first makes no edge");
    receive(COM4, "the other is served");
    interrupts_window(1);
    report(interrupts == 2, "the line stays up for the first");
    receive(COM2, "which is served as well");
    uart_send(COM4, 'x', 1);
    interrupts_window(1);
    report(interrupts == 3, "then the line was down, and the next is an edge");
    receive(COM4, "and is served");
    return report_finish();
}
