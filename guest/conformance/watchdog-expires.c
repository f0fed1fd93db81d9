/* watchdog-expires.c - a watchdog that is stopped does nothing; one that expires ends the run. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 123\n"
          "err = ^acre: watchdog expired$\n");

#define STOP 0x441
#define START 0x443
#define NOW 15
#define TWO_SECONDS 14

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(START, TWO_SECONDS);
    outb(STOP, 0);
    outb(START, 0); /* 30 s */
    delay_ms(2100);
    report(true, "it was stopped, then started for longer");
    report_finish();
    outb(START, NOW);
    delay_ms(2000);
    guest_exit(GUEST_EXIT_FAIL);
}
