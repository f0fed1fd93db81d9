/* uart-priority.c - of all that is pending IIR names the most urgent: errors, data, THRE, modem. */
#include "guest/conformance/uart.h"

UART_NOTE;

static uint8_t pending(void)
{
    return uart_in(COM2, SERIAL_IIR);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    uart_loop(COM2, 1, 0);
    uart_out(COM2, SERIAL_MCR, SERIAL_MCR_LOOP | 2); /* CTS comes */
    uart_send(COM2, 'a', 2);                         /* data, and an overrun */
    report(pending() == IIR_NONE, "nothing while all are masked");
    uart_out(COM2, SERIAL_IER, IER_MODEM);
    report(pending() == IIR_MODEM, "the modem's lines");
    uart_out(COM2, SERIAL_IER, IER_MODEM | IER_THRE);
    report(pending() == IIR_THRE, "go after the transmitter");
    uart_out(COM2, SERIAL_IER, IER_MODEM);
    uart_out(COM2, SERIAL_IER, IER_MODEM | IER_THRE | IER_RECEIVED);
    report(pending() == IIR_RECEIVED, "which goes after the receiver");
    uart_out(COM2, SERIAL_IER, IER_MODEM | IER_THRE | IER_RECEIVED | IER_LINE);
    report(pending() == IIR_LINE, "which goes after errors");
    report(uart_in(COM2, SERIAL_LSR) & LSR_OVERRUN, "LSR has the error");
    report(pending() == IIR_RECEIVED, "and ends it");
    report(uart_in(COM2, SERIAL_DATA) == 'b', "the data ends the next");
    report(pending() == IIR_THRE, "IIR itself ends the transmitter's");
    report(pending() == IIR_MODEM, "so that the lines are what remains");
    report((uart_in(COM2, SERIAL_MSR) & 0xf) == 1, "MSR has them");
    report(pending() == IIR_NONE, "and that was all");
    uart_out(COM2, SERIAL_MCR, SERIAL_MCR_LOOP | 4);
    report((uart_in(COM2, SERIAL_MSR) & 0xf) == 1, "CTS is noticed when it goes, too");
    uart_out(COM2, SERIAL_MCR, SERIAL_MCR_LOOP);
    report((uart_in(COM2, SERIAL_MSR) & 0xf) == 4, "RI only then");
    return report_finish();
}
