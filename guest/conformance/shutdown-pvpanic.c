/* shutdown-pvpanic.c - a guest that says by pvpanic that it has shut down is powered off. */
#include "guest/lib/guest.h"

TEST_NOTE("options = -v\n"
          "err = ^acre: guest powered off$\n");

#define PVPANIC 0x505

int main(const struct boot_info *boot)
{
    (void)boot;
    report((inb(PVPANIC) & 4) != 0, "it takes a shutdown");
    outb(PVPANIC, 0xf8);
    report(true, "other bits are none");
    report_finish();
    outb(PVPANIC, 4);
    delay_ms(1000);
    return GUEST_EXIT_FAIL;
}
