/*
 * uart-timeout.c - characters that are too few for the trigger interrupt after the time of four
 * characters in which none comes and none is read.
 */
#include "guest/conformance/uart.h"

UART_NOTE;

/* At 300 baud four characters of ten bits take 133 ms. */
enum { DIVISOR = 384, BEFORE_MS = 80, EARLY_MS = 100, AFTER_MS = 170, LATE_MS = 1200 };

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

/* Lets interrupts in until there were `num`, even on a slow machine. */
static bool wait_for(unsigned num)
{
    struct deadline late = deadline_ms(LATE_MS);

    while (interrupts < num && !deadline_passed(&late)) {
        interrupts_window(1);
    }
    return interrupts == num && pending() == IIR_TIMEOUT;
}

int main(const struct boot_info *boot)
{
    struct deadline early;
    bool none;

    (void)boot;
    irq_enable(UART_IRQ, handle, NULL);
    uart_loop(COM2, DIVISOR, FCR_FIFOS | 3 * FCR_TRIGGER);
    uart_out(COM2, SERIAL_IER, IER_RECEIVED);
    early = deadline_ms(EARLY_MS);
    uart_send(COM2, 'a', 4);
    interrupts_window(BEFORE_MS);
    none = interrupts == 0 && pending() == IIR_NONE;
    report(none || deadline_passed(&early), "four characters are too few, before their time");
    report(wait_for(1), "which comes after a pause");
    report(pending() == IIR_TIMEOUT, "reading IIR does not end it");
    report(uart_in(COM2, SERIAL_DATA) == 'a' && pending() == IIR_NONE, "reading a character does");
    report(wait_for(2), "the next pause is the next interrupt");
    uart_out(COM2, SERIAL_IIR, FCR_FIFOS | FCR_CLEAR_RX | 3 * FCR_TRIGGER);
    report(pending() == IIR_NONE, "without characters there is nothing to wait for");
    interrupts_window(AFTER_MS);
    report(interrupts == 2, "nor to interrupt for");
    return report_finish();
}
