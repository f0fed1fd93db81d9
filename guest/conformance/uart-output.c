/* uart-output.c - what two ports print goes two ways, and every byte of a flood arrives. */
#include "guest/conformance/uart.h"

TEST_NOTE("options = --serial stdio --serial null\nout = ^#(0123456789){400}$\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    console_printf("#");
    for (unsigned i = 0; i < 400; i++) {
        console_printf("0123456789");
        uart_out(COM2, SERIAL_DATA, '!');
    }
    console_printf("\n");
    report(uart_in(COM2, SERIAL_LSR) == LSR_IDLE, "the other port has sent all of its own");
    return report_finish();
}
