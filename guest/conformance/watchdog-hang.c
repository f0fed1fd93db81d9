/* watchdog-hang.c - while a watchdog runs, a machine that does nothing is left to it. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 123\n");

#define START 0x443
#define TWO_SECONDS 14

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(START, TWO_SECONDS);
    guest_hang();
}
