/* rtc-interrupts.c - the clock's interrupt: periodic, each second, and at an alarm. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define RTC_IRQ 8
enum { SECONDS_ALARM = 1, MINUTES_ALARM = 3, HOURS_ALARM = 5, A = 0x0a, B = 0x0b, C = 0x0c };
enum { HZ_64 = 0x2a, HOURS_24 = 0x02, UIE = 0x10, AIE = 0x20, PIE = 0x40, IRQF = 0x80 };
enum { ANY = 0xff };

static volatile unsigned count;
static volatile uint8_t flags;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    flags |= cmos_read(C);
    count++;
}

static void wait_for(uint8_t enable, unsigned times, const char *what)
{
    (void)cmos_read(C);
    irq_drain(RTC_IRQ);
    count = flags = 0;
    cmos_write(B, HOURS_24 | enable);
    while (count < times) {
        interrupt_wait();
    }
    cmos_write(B, HOURS_24);
    report((flags & (IRQF | enable)) == (IRQF | enable), "%s: flags 0x%x", what, flags);
}

int main(const struct boot_info *boot)
{
    uint64_t first, us;

    (void)boot;
    irq_enable(RTC_IRQ, handle, NULL);
    cmos_write(A, HZ_64);
    first = rdtsc();
    wait_for(PIE, 4, "64 times a second");
    us = us_since(first);
    report(us >= 3 * 15625, "4 took %lu us, not too few", us);
    wait_for(UIE, 1, "when a second has ended");
    cmos_write(SECONDS_ALARM, ANY);
    cmos_write(MINUTES_ALARM, ANY);
    cmos_write(HOURS_ALARM, ANY);
    wait_for(AIE, 1, "at an alarm of any second");
    cmos_write(SECONDS_ALARM, 0x75); /* there is no such second */
    (void)cmos_read(C);
    delay_ms(1100);
    report(!(cmos_read(C) & AIE), "an alarm that never matches does not come");
    return report_finish();
}
