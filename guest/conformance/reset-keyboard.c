/* reset-keyboard.c - a reset by the keyboard controller's command 0xfe. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 120\n"
          "err = ^acre: guest asked for a reset\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(0x64, 0xfe);
    delay_ms(1000);
    return GUEST_EXIT_FAIL;
}
