/* uart-loopback.c - a port that hears itself: words of 5 to 8 bits, and its modem lines. */
#include "guest/conformance/uart.h"

UART_NOTE;

int main(const struct boot_info *boot)
{
    static const struct {
        uint8_t out, in;
    } lines[] = {{1, 0x20}, {2, 0x10}, {4, 0x40}, {8, 0x80}, {0xf, 0xf0}};

    (void)boot;
    uart_loop(COM2, 1, 0);
    for (unsigned length = 0; length < 4; length++) {
        uart_out(COM2, SERIAL_LCR, (uint8_t)length);
        uart_out(COM2, SERIAL_DATA, 0xb5);
        report(uart_in(COM2, SERIAL_LSR) == (LSR_IDLE | SERIAL_LSR_DATA), "a character arrives");
        report(uart_in(COM2, SERIAL_DATA) == (0xb5 & 0xff >> (3 - length)), "with %u bits",
               length + 5);
        report(uart_in(COM2, SERIAL_LSR) == LSR_IDLE, "and is gone when read");
    }
    uart_out(COM2, SERIAL_LCR, SERIAL_LCR_8N1 | LCR_BREAK);
    uart_out(COM2, SERIAL_DATA, 'b');
    report(uart_in(COM2, SERIAL_DATA) == 'b', "a break acts on the line and not on the loop");
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        uart_out(COM2, SERIAL_MCR, SERIAL_MCR_LOOP | lines[i].out);
        report((uart_in(COM2, SERIAL_MSR) & 0xf0) == lines[i].in, "MCR %x is MSR %02x",
               lines[i].out, lines[i].in);
    }
    uart_out(COM2, SERIAL_MCR, SERIAL_MCR_READY);
    report((uart_in(COM2, SERIAL_MSR) & 0xf0) == 0xb0,
           "out of the loop the cable's lines are back");
    return report_finish();
}
