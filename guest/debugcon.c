/*
 * debugcon.c - lines whose parts leave by the serial port and the debug console in turn: what the
 * user sees must be in the order of writing.
 */
#include "guest/lib/guest.h"

#define LINES 50

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!debugcon_present()) {
        console_printf("debugcon: this machine has none\n");
        return GUEST_EXIT_FAIL;
    }
    for (unsigned i = 1; i <= LINES; i++) {
        console_printf("line %u: ", i);
        debugcon_write("debug console, ");
        console_printf("serial port, ");
        debugcon_write("debug console.\n");
    }
    return GUEST_EXIT_PASS;
}
