/* rtc-update.c - UIP tells of an update before it takes place, and of none that does not. */
#include "guest/lib/guest.h"

TEST_NOTE("");

enum { A = 0x0a, B = 0x0b, C = 0x0c, UIP = 0x80, SET = 0x80, HOURS_24 = 0x02, UF = 0x10 };
enum { SECONDS = 0, TRIES = 8 };

/*
 * Time from UIP's rise to the second's end; 0: the end came unannounced, we may have been away.
 * Called when a second has just ended.
 */
static uint64_t next_update_us(uint8_t *second)
{
    uint64_t rise = 0;
    uint8_t now;

    delay_ms(900);
    (void)cmos_read(C);
    do {
        now = cmos_read(SECONDS);
        if ((cmos_read(A) & UIP) && rise == 0) {
            rise = rdtsc();
            *second = now;
        }
    } while (!(cmos_read(C) & UF));
    return rise ? us_since(rise) : 0;
}

int main(const struct boot_info *boot)
{
    struct deadline limit;
    uint8_t before = 0;
    uint64_t us = 0;
    bool seen = false;

    (void)boot;
    cmos_write(B, HOURS_24);
    (void)cmos_read(C);
    while (!(cmos_read(C) & UF)) {
        delay_ms(1);
    }
    for (unsigned i = 0; i < TRIES && us == 0; i++) {
        us = next_update_us(&before);
    }
    report(us > 0, "UIP is set %lu us before the second ends", us);
    report(!(cmos_read(A) & UIP), "and clear when it has ended");
    report(cmos_read(SECONDS) != before, "the time changes in between");
    limit = deadline_ms(500);
    while (!deadline_passed(&limit)) {
        delay_ms(1);
        seen = seen || (cmos_read(A) & UIP);
    }
    report(!seen, "for half a second there is no UIP");
    cmos_write(B, SET | HOURS_24);
    (void)cmos_read(C);
    limit = deadline_ms(1100);
    while (!deadline_passed(&limit)) {
        delay_ms(1);
        seen = seen || (cmos_read(A) & UIP);
    }
    report(!seen && !(cmos_read(C) & UF), "with SET there is neither UIP nor update");
    return report_finish();
}
