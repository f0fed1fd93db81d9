/* pit-bcd.c - a counter in BCD never shows a digit above 9; a count of one byte is one byte. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define CONTROL 0x43
#define CHANNEL0 0x40
#define READS 40

static bool is_bcd(uint8_t byte)
{
    return (byte & 0x0f) <= 9 && byte >> 4 <= 9;
}

int main(const struct boot_info *boot)
{
    bool bcd = true, moved = false;
    uint8_t low, high, last = 0;

    (void)boot;
    outb(CONTROL, 0x35); /* counter 0, both bytes, mode 2, BCD */
    outb(CHANNEL0, 0x99);
    outb(CHANNEL0, 0x99);
    for (unsigned i = 0; i < READS; i++) {
        outb(CONTROL, 0x00);
        low = inb(CHANNEL0);
        high = inb(CHANNEL0);
        bcd = bcd && is_bcd(low) && is_bcd(high);
        moved = moved || (i > 0 && low != last);
        last = low;
    }
    report(bcd, "%u counts, all of them decimal", READS);
    report(moved, "and it counts");
    report(pit_status(0) & 1, "the status says BCD");
    outb(CONTROL, 0x14); /* counter 0, low byte only, mode 2 */
    outb(CHANNEL0, 0x80);
    for (unsigned i = 0; i < READS; i++) {
        bcd = bcd && inb(CHANNEL0) <= 0x80;
    }
    report(bcd, "a count of one byte stays below what was set");
    report((pit_status(0) & 0x3f) == 0x14, "the status says so");
    return report_finish();
}
