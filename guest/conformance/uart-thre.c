/* uart-thre.c - when a transmitter that is empty interrupts, and what ends it. */
#include "guest/conformance/uart.h"

UART_NOTE;

static volatile unsigned interrupts;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    interrupts++;
}

/* Lets interrupts in. Returns: how many there were since the last time. */
static unsigned seen(void)
{
    unsigned before = interrupts;

    interrupts_window(1);
    return interrupts - before;
}

static uint8_t pending(void)
{
    return uart_in(COM2, SERIAL_IIR) & 0xf;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(UART_IRQ, handle, NULL);
    uart_loop(COM2, 1, FCR_FIFOS);
    uart_out(COM2, SERIAL_MCR, SERIAL_MCR_READY); /* what is sent goes out */
    report(seen() == 0, "not while it is masked");
    uart_out(COM2, SERIAL_IER, IER_THRE);
    report(seen() == 1, "as soon as it is enabled");
    report(pending() == IIR_THRE, "IIR names it");
    report(pending() == IIR_NONE, "and ends it by being read");
    uart_out(COM2, SERIAL_IER, IER_THRE);
    report(seen() == 0, "writing the same enable again is no news");
    uart_send(COM2, 'a', 1);
    report(seen() == 1, "a character that has left is");
    uart_send(COM2, 'b', 1);
    report(seen() == 1, "the next one, too, though IIR was not read");
    uart_out(COM2, SERIAL_IER, 0);
    report(pending() == IIR_NONE, "masking hides it");
    uart_out(COM2, SERIAL_IER, IER_THRE);
    report(seen() == 1 && pending() == IIR_THRE, "enabling shows it again");
    report(uart_in(COM2, SERIAL_LSR) == LSR_IDLE, "the transmitter is idle all the while");
    return report_finish();
}
