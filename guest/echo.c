/*
 * echo.c - sends back what the serial port receives, both ways by interrupt, until ^D.
 */
#include "guest/lib/guest.h"

#define END_OF_TRANSMISSION 0x04

static void give(uint8_t byte)
{
    while (!serial_give(byte)) {
        interrupt_wait();
    }
}

int main(const struct boot_info *boot)
{
    unsigned count = 0;
    int byte;

    (void)boot;
    if (!pic_present()) {
        console_printf("echo: this machine has no interrupts\n");
        return GUEST_EXIT_FAIL;
    }
    console_printf("echo: ready, ^D ends\n");
    console_flush();
    serial_interrupts_start();
    for (;;) {
        while ((byte = serial_take()) < 0) {
            interrupt_wait();
        }
        if (byte == END_OF_TRANSMISSION) {
            break;
        }
        give((uint8_t)byte);
        count++;
    }
    while (!serial_drained()) {
        interrupt_wait();
    }
    irq_disable(SERIAL_IRQ);
    console_printf("\necho: %u bytes\n", count);
    return GUEST_EXIT_PASS;
}
