/* pit-read-back.c - status and count of several counters latched by one command; count latches. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define CONTROL 0x43
#define CHANNEL0 0x40
#define CHANNEL2 0x42
#define NULL_COUNT 0x40

int main(const struct boot_info *boot)
{
    uint8_t status, low, high;
    uint16_t latched, later;

    (void)boot;
    pit_start(0, 2, 0x8000);
    delay_ms(1);
    outb(CONTROL, 0xc2); /* read back count and status of counter 0 */
    status = inb(CHANNEL0);
    report((status & 0x3f) == 0x34, "status: both bytes, mode 2, binary: 0x%x", status);
    report(!(status & NULL_COUNT), "the count is loaded");
    low = inb(CHANNEL0);
    high = inb(CHANNEL0);
    latched = (uint16_t)(high << 8 | low);
    report(latched > 0 && latched <= 0x8000, "then the count: 0x%x", latched);
    outb(CONTROL, 0x00); /* latch counter 0 */
    delay_ms(2);
    low = inb(CHANNEL0);
    latched = (uint16_t)(inb(CHANNEL0) << 8 | low);
    outb(CONTROL, 0x00);
    low = inb(CHANNEL0);
    later = (uint16_t)(inb(CHANNEL0) << 8 | low);
    report(latched != later, "a latched count stands still, the next differs: 0x%x, 0x%x", latched,
           later);
    outb(CONTROL, 0xb0); /* counter 2, mode 0 */
    outb(CHANNEL2, 0x34);
    report(pit_status(2) & NULL_COUNT, "half a count is none");
    outb(CHANNEL2, 0x12);
    report((pit_status(2) & 0x3f) == 0x30, "counter 2 by itself");
    return report_finish();
}
