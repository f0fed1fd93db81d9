/* uart-trigger.c - the received-data interrupt comes at 1, 4, 8 and 14 characters and goes below.
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

static uint8_t pending(void)
{
    return uart_in(COM2, SERIAL_IIR) & 0xf;
}

int main(const struct boot_info *boot)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    (void)boot;
    irq_enable(UART_IRQ, handle, NULL);
    for (unsigned i = 0; i < sizeof(levels); i++) {
        /* So slow that no time-out comes between: 4 characters take 8 s. */
        uart_loop(COM2, 0x6000, (uint8_t)(FCR_FIFOS | i * FCR_TRIGGER));
        uart_out(COM2, SERIAL_IER, IER_RECEIVED);
        interrupts = 0;
        uart_send(COM2, 'a', levels[i] - 1u);
        interrupts_window(1);
        report(pending() == IIR_NONE && interrupts == 0, "nothing below %u", levels[i]);
        uart_send(COM2, 'x', 1);
        interrupts_window(1);
        report(pending() == IIR_RECEIVED && interrupts == 1, "interrupt at %u", levels[i]);
        uart_send(COM2, 'y', 2);
        interrupts_window(1);
        report(pending() == IIR_RECEIVED && interrupts == 1, "one for all of them");
        for (unsigned left = 2; left > 0; left--) {
            (void)uart_in(COM2, SERIAL_DATA);
        }
        report(pending() == IIR_RECEIVED, "which stands while %u are there", levels[i]);
        (void)uart_in(COM2, SERIAL_DATA);
        report(pending() == IIR_NONE, "and ends below");
    }
    return report_finish();
}
