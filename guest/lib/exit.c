/* exit.c - the ways out, each one port write. */
#include "guest/lib/exit.h"

#include "guest/lib/console.h"
#include "guest/lib/io.h"

#define PORT_DEBUG_EXIT 0xf4
#define PORT_SLEEP_CONTROL 0x604
#define SLEEP_ENABLE_S5 0x2000
#define PORT_I8042_COMMAND 0x64
#define I8042_PULSE_RESET 0xfe

void guest_hang(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

void guest_exit(int status)
{
    console_flush();
    outl(PORT_DEBUG_EXIT, (uint32_t)status);
    guest_hang();
}

void guest_poweroff(void)
{
    console_flush();
    outw(PORT_SLEEP_CONTROL, SLEEP_ENABLE_S5);
}

void guest_reset(void)
{
    console_flush();
    outb(PORT_I8042_COMMAND, I8042_PULSE_RESET);
}
