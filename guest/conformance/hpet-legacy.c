/*
 * hpet-legacy.c - with legacy replacement on, timer 0 has the interrupt of the 8254 and timer 1
 * that of the real-time clock, which themselves are not heard until it is off again.
 */
#include "guest/lib/guest.h"
#include "guest/lib/hpet.h"

TEST_NOTE("");

#define RTC_IRQ 8
#define US 3000
#define PIT_COUNT 1193 /* a millisecond */

static volatile unsigned counts[2];

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (*(volatile unsigned *)opaque)++;
}

static void clear(void)
{
    counts[0] = counts[1] = 0;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(RTC_IRQ, handle, (void *)(uintptr_t)&counts[1]);
    pit_ticks_start(2, PIT_COUNT, handle, (void *)(uintptr_t)&counts[0]);
    while (counts[0] == 0) {
        interrupt_wait();
    }
    hpet_write(HPET_CONFIG, HPET_LEGACY);
    interrupts_window(2);
    clear();
    interrupts_window(10);
    report(counts[0] == 0, "the 8254 is not heard");

    hpet_start(0, HPET_PERIODIC, US, HPET_LEGACY);
    while (counts[0] < 3) {
        interrupt_wait();
    }
    report(hpet_read(HPET_COUNTER) >= hpet_ticks_of_us(3 * US), "timer 0 is, at its own pace");
    report(counts[1] == 0, "and on no other line");
    hpet_write(0x100, 0);
    interrupts_window(2);

    clear();
    hpet_start(1, 0, US, HPET_LEGACY);
    while (counts[1] == 0) {
        interrupt_wait();
    }
    report(counts[0] == 0, "timer 1 has the clock's line");

    clear();
    hpet_write(HPET_CONFIG, HPET_ENABLE);
    while (counts[0] < 3) {
        interrupt_wait();
    }
    report(true, "the 8254 is heard again");
    irq_disable(PIT_IRQ);
    return report_finish();
}
