/*
 * uart-timeout.c - characters that are too few for the trigger interrupt after the time of four
 * characters in which none comes and none is read.
 */
#include "guest/conformance/uart.h"

UART_NOTE;

/* At 300 baud four characters of ten bits take 133 ms. */
enum { DIVISOR = 384, BEFORE_MS = 12, AFTER_MS = 170 };

static volatile unsigned interrupts;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    interrupts++;
}

static uint8_t pending(void)
{
    return uart_in(COM2, SERIAL_IIR) & 0xf;
}

int guest_main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(UART_IRQ, handle, NULL);
    uart_loop(COM2, DIVISOR, FCR_FIFOS | 3 * FCR_TRIGGER);
    uart_out(COM2, SERIAL_IER, IER_RECEIVED);
    uart_send(COM2, 'a', 3);
    report(pending() == IIR_NONE, "three characters are too few");
    interrupts_window(BEFORE_MS);
    uart_send(COM2, 'd', 1);
    report(interrupts == 0, "and their time has not come");
    interrupts_window(AFTER_MS);
    report(interrupts == 1 && pending() == IIR_TIMEOUT, "after a pause it has");
    report(pending() == IIR_TIMEOUT, "reading IIR does not end it");
    report(uart_in(COM2, SERIAL_DATA) == 'a' && pending() == IIR_NONE, "reading a character does");
    interrupts_window(AFTER_MS);
    report(interrupts == 2 && pending() == IIR_TIMEOUT, "the next pause is the next interrupt");
    uart_out(COM2, SERIAL_IIR, FCR_FIFOS | FCR_CLEAR_RX | 3 * FCR_TRIGGER);
    report(pending() == IIR_NONE, "without characters there is nothing to wait for");
    interrupts_window(AFTER_MS);
    report(interrupts == 2, "nor to interrupt for");
    return report_finish();
}
