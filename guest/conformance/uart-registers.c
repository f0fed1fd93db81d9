/* uart-registers.c - what a 16550A's registers hold at power-on, and which of their bits exist. */
#include "guest/conformance/uart.h"

UART_NOTE;

static void masks(void)
{
    static const struct {
        enum serial_reg reg;
        uint8_t mask;
    } cases[] = {{SERIAL_IER, 0x0f}, {SERIAL_LCR, 0x7f}, {SERIAL_MCR, 0x1f}, {SERIAL_SCR, 0xff}};

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uart_out(COM2, cases[i].reg, cases[i].mask);
        report(uart_in(COM2, cases[i].reg) == cases[i].mask, "register %u holds %02x", cases[i].reg,
               cases[i].mask);
        uart_out(COM2, cases[i].reg, cases[i].reg == SERIAL_LCR ? 0 : (uint8_t)~cases[i].mask);
        report(uart_in(COM2, cases[i].reg) == 0, "and no other bit");
    }
}

int main(const struct boot_info *boot)
{
    static const uint8_t power_on[] = {0, 0, IIR_NONE, 0, 0, LSR_IDLE, 0xb0 /* CTS DSR DCD */};

    (void)boot;
    for (unsigned reg = 0; reg < sizeof(power_on); reg++) {
        report(uart_in(COM2, reg) == power_on[reg], "register %u at power-on", reg);
    }
    uart_out(COM2, SERIAL_LCR, SERIAL_LCR_DLAB);
    uart_out(COM2, SERIAL_DATA, 0x34);
    uart_out(COM2, SERIAL_IER, 0x12);
    report(uart_in(COM2, SERIAL_DATA) == 0x34 && uart_in(COM2, SERIAL_IER) == 0x12, "the divisor");
    uart_out(COM2, SERIAL_LCR, 0);
    report(uart_in(COM2, SERIAL_DATA) == 0 && uart_in(COM2, SERIAL_IER) == 0, "hides two others");
    masks();
    report(uart_in(COM2 + 8, SERIAL_DATA) == 0xff, "a port has eight registers");
    return report_finish();
}
