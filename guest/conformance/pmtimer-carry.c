/*
 * pmtimer-carry.c - when the PM timer's highest bit changes, TMR_STS is set, and with TMR_EN the
 * SCI comes. The first time is 2^23 ticks after power-on: 2.34 s.
 */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define STATUS 0x600
#define ENABLE 0x602
#define CONTROL 0x604
#define PM_TIMER 0x608
#define TMR 1
#define SCI 9

static volatile unsigned count;
static volatile uint32_t when;
static volatile uint16_t status;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    when = inl(PM_TIMER);
    status = inw(STATUS);
    outw(STATUS, TMR);
    count++;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    report(inw(CONTROL) & 1, "SCI_EN: it is an interrupt that comes");
    report(inw(STATUS) == 0, "nothing has happened yet");
    irq_enable(SCI, handle, NULL);
    pic_set_levels(1 << SCI);
    outw(ENABLE, TMR);
    report(inw(ENABLE) == TMR, "TMR_EN is kept");
    while (count == 0) {
        interrupt_wait();
    }
    report(when >= 0x800000, "it came at 0x%x", when);
    report(status == TMR, "TMR_STS was set");
    interrupts_window(5);
    report(count == 1 && inw(STATUS) == 0, "and is gone when it is cleared");
    return report_finish();
}
