/* rtc-formats.c - BCD and binary, 12 and 24 hours, and memory that keeps what it is given. */
#include "guest/lib/guest.h"

TEST_NOTE("");

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, A = 0x0a, B = 0x0b, C = 0x0c, D = 0x0d };
enum { DIVIDER_HELD = 0x70, DIVIDER_RUNS = 0x20 };
enum { SET = 0x80, BINARY = 0x04, HOURS_24 = 0x02, UF = 0x10, PM = 0x80 };

static const struct {
    uint8_t format, hours, before_hours;
    const char *name;
} rows[] = {
    {HOURS_24, 0x13, 0x12, "BCD, 24 hours: 12 to 13"},
    {HOURS_24 | BINARY, 13, 12, "binary, 24 hours: 12 to 13"},
    {0, 0x01 | PM, 0x12 | PM, "BCD, 12 hours: 12 PM to 1 PM"},
    {BINARY, 12, 11 | PM, "binary, 12 hours: 11 PM to 12 AM"},
};

/* A second before the hour, and the second after: it comes half a second after the divider is let
 * go. */
static void check(unsigned row)
{
    const uint8_t last = rows[row].format & BINARY ? 59 : 0x59;

    cmos_write(B, SET | rows[row].format);
    cmos_write(HOURS, rows[row].before_hours);
    cmos_write(MINUTES, last);
    cmos_write(SECONDS, last);
    cmos_write(A, DIVIDER_HELD);
    (void)cmos_read(C);
    cmos_write(B, rows[row].format);
    cmos_write(A, DIVIDER_RUNS);
    while (!(cmos_read(C) & UF)) {
        cpu_pause();
    }
    report(cmos_read(HOURS) == rows[row].hours && cmos_read(MINUTES) == 0, "%s", rows[row].name);
}

int main(const struct boot_info *boot)
{
    bool kept = true;

    (void)boot;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(i);
    }
    report(cmos_read(D) == 0x80, "the battery is good");
    cmos_write(B, SET);
    cmos_write(SECONDS, 0xd9);
    report(cmos_read(SECONDS) == 0x59, "the seconds' highest bit is read-only");
    for (unsigned i = 0x40; i < 0x80; i++) {
        cmos_write((uint8_t)i, (uint8_t)(i * 37));
    }
    for (unsigned i = 0x40; i < 0x80; i++) {
        kept = kept && cmos_read((uint8_t)i) == (uint8_t)(i * 37);
    }
    report(kept, "its memory keeps what it is given");
    return report_finish();
}
