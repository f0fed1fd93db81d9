/* reset-control.c - a reset by the chip set's register 0xcf9. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 120\n"
          "err = ^acre: guest asked for a reset\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    delay_ms(1000);
    return GUEST_EXIT_FAIL;
}
