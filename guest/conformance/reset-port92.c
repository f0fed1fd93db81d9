/* reset-port92.c - a reset by bit 0 of port 0x92. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 120\n"
          "err = ^acre: guest asked for a reset\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(0x92, inb(0x92) | 1);
    delay_ms(1000);
    return GUEST_EXIT_FAIL;
}
