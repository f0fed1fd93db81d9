/*
 * scribble.c - writes pages on request: a digit N from the serial port has it write to the pages N,
 * N + 16 and N + 32 of the memory at 16 MiB, which nothing else touches, each with its own address;
 * ^D ends it. For monitors that save memory, or say what was written.
 */
#include "guest/lib/guest.h"

#define BASE UINT64_C(0x1000000)
#define PAGE 4096
#define END_OF_TRANSMISSION 0x04

static void scribble(unsigned digit)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t addr = BASE + (digit + 16 * i) * (uint64_t)PAGE;

        *(volatile uint64_t *)addr = addr;
    }
}

int main(const struct boot_info *boot)
{
    int byte;

    (void)boot;
    console_printf("ready\n");
    console_flush();
    serial_interrupts_start();
    for (;;) {
        while ((byte = serial_take()) < 0) {
            interrupt_wait();
        }
        if (byte == END_OF_TRANSMISSION) {
            break;
        }
        if (byte >= '0' && byte <= '9') {
            scribble((unsigned)(byte - '0'));
            while (!serial_give((uint8_t)byte)) {
                interrupt_wait();
            }
        }
    }
    irq_disable(SERIAL_IRQ);
    return GUEST_EXIT_PASS;
}
