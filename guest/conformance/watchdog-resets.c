/* watchdog-resets.c - an expiry that resets: the machine starts again, the watchdog stopped. */
#include "guest/lib/guest.h"

TEST_NOTE("options = --watchdog-action reset --reboot\n");

#define START 0x443
#define NOW 15
#define TWO_SECONDS 14
#define BEEN_HERE 0x52 /* a byte of the clock chip's memory, which a reset leaves */

int main(const struct boot_info *boot)
{
    (void)boot;
    if (cmos_read(BEEN_HERE) == 0) {
        cmos_write(BEEN_HERE, 1);
        outb(START, TWO_SECONDS);
        outb(START, NOW);
        delay_ms(1000);
        report(false, "it was to start again");
        return report_finish();
    }
    report(true, "it started again");
    delay_ms(2100);
    report(true, "the watchdog did not go on");
    return report_finish();
}
