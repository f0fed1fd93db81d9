/* rtc-alarm.c - an alarm of a certain time comes when that time does, and only then. */
#include "guest/lib/guest.h"

TEST_NOTE("");

enum { SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM };
enum { A = 0x0a, B = 0x0b, C = 0x0c };
enum { DIVIDER_HELD = 0x70, DIVIDER_RUNS = 0x20 };
enum { SET = 0x80, AIE = 0x20, BINARY = 0x04, HOURS_24 = 0x02 };
enum { UF = 0x10, AF = 0x20, PM = 0x80, ANY = 0xff };

static const struct {
    uint8_t format;
    uint8_t time[3], alarm[3]; /* hours, minutes, seconds */
    unsigned seconds;          /* until it comes; 0: never */
    const char *name;
} rows[] = {
    {HOURS_24, {0x23, 0x59, 0x58}, {0, 0, 0}, 2, "midnight"},
    {HOURS_24, {0x12, 0x34, 0x55}, {0x12, 0x34, 0x56}, 1, "a time of the day, in BCD"},
    {HOURS_24 | BINARY, {12, 34, 55}, {12, 34, 56}, 1, "a time of the day, in binary"},
    {0, {0x11, 0x59, 0x59}, {0x12 | PM, 0, 0}, 1, "noon on a clock of 12 hours"},
    {0, {0x11, 0x59, 0x59}, {0x12, 0, 0}, 0, "midnight there, at noon"},
    {HOURS_24, {0x07, 0x29, 0x59}, {ANY, 0x30, 0}, 1, "a minute of any hour"},
    {HOURS_24, {0x07, 0x29, 0x59}, {ANY, 0x31, 0}, 0, "a minute that is not yet"},
    {HOURS_24, {0x07, 0x29, 0x59}, {0x08, ANY, ANY}, 0, "an hour that is not yet"},
};

/* The first second is half a one: that is how the divider begins. */
static void check(unsigned row)
{
    const unsigned seconds = rows[row].seconds;
    struct deadline limit = deadline_ms(seconds ? 5000 : 700);
    uint64_t first, us;
    uint8_t flags = 0;

    cmos_write(B, SET | rows[row].format);
    for (unsigned i = 0; i < 3; i++) {
        cmos_write((uint8_t)(HOURS - 2 * i), rows[row].time[i]);
        cmos_write((uint8_t)(HOURS_ALARM - 2 * i), rows[row].alarm[i]);
    }
    cmos_write(A, DIVIDER_HELD);
    (void)cmos_read(C);
    cmos_write(B, rows[row].format | AIE);
    first = rdtsc();
    cmos_write(A, DIVIDER_RUNS);
    while (!(flags & AF) && !deadline_passed(&limit)) {
        delay_ms(1);
        flags |= cmos_read(C);
    }
    us = us_since(first);
    if (seconds == 0) {
        report((flags & (UF | AF)) == UF, "%s: no alarm", rows[row].name);
        return;
    }
    report((flags & AF) && us >= seconds * 1000000 - 501000 &&
               cmos_read(SECONDS) == rows[row].alarm[2],
           "%s: after %lu us", rows[row].name, us);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(i);
    }
    return report_finish();
}
