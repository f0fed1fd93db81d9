/* uart-fifo.c - a receiver that holds sixteen characters or one, and what it says of one more. */
#include "guest/conformance/uart.h"

UART_NOTE;

static bool holds(uint8_t first, unsigned num)
{
    while (num-- > 0) {
        if (!(uart_in(COM2, SERIAL_LSR) & SERIAL_LSR_DATA) ||
            uart_in(COM2, SERIAL_DATA) != first++) {
            return false;
        }
    }
    return !(uart_in(COM2, SERIAL_LSR) & SERIAL_LSR_DATA);
}

int main(const struct boot_info *boot)
{
    const uint8_t one_more = LSR_IDLE | SERIAL_LSR_DATA | LSR_OVERRUN;

    (void)boot;
    uart_loop(COM2, 1, FCR_FIFOS);
    report((uart_in(COM2, SERIAL_IIR) & IIR_FIFOS) == IIR_FIFOS, "IIR says that the FIFOs are on");
    uart_send(COM2, 'a', 16);
    report(uart_in(COM2, SERIAL_LSR) == (LSR_IDLE | SERIAL_LSR_DATA), "sixteen fit");
    uart_send(COM2, 'z', 1);
    report(uart_in(COM2, SERIAL_LSR) == one_more, "one more is an overrun");
    report(!(uart_in(COM2, SERIAL_LSR) & LSR_OVERRUN), "which is said once");
    report(holds('a', 16), "the sixteen stay, in order");
    uart_send(COM2, 'a', 5);
    uart_out(COM2, SERIAL_IIR, FCR_FIFOS | FCR_CLEAR_TX);
    report(holds('a', 5), "clearing the transmitter leaves them");
    uart_send(COM2, 'a', 5);
    uart_out(COM2, SERIAL_IIR, FCR_FIFOS | FCR_CLEAR_RX);
    report(holds(0, 0), "clearing the receiver does not");
    uart_send(COM2, 'a', 5);
    uart_out(COM2, SERIAL_IIR, 0);
    report(holds(0, 0) && !(uart_in(COM2, SERIAL_IIR) & IIR_FIFOS), "nor does turning FIFOs off");
    uart_send(COM2, 'a', 2);
    report(uart_in(COM2, SERIAL_LSR) == one_more, "without FIFOs the second is an overrun");
    report(holds('b', 1), "and takes the place of the first");
    return report_finish();
}
