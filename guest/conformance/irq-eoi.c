/*
 * irq-eoi.c - an EOI that names nothing ends the highest in service, one that names an irq ends
 * that; without it nothing of that priority comes again.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define PIC 0x20
#define EOI 0x20
#define SPECIFIC_EOI 0x60
#define LOW 5
#define HIGH 3

static volatile uint16_t nested, after_eoi, after_other, after_own, requested;
static volatile unsigned lows;

/* In the middle of the handler of LOW. The library's own EOIs then find nothing to end. */
static void handle_high(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    nested = pic_in_service();
    outb(PIC, EOI);
    after_eoi = pic_in_service();
    irq_line_set(LOW, false);
    irq_line_set(LOW, true);
    interrupts_window(2);
    requested = pic_requested();
    outb(PIC, SPECIFIC_EOI | HIGH);
    after_other = pic_in_service();
    outb(PIC, SPECIFIC_EOI | LOW);
    after_own = pic_in_service();
}

static void handle_low(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    if (lows++ == 0) {
        irq_line_set(HIGH, true);
        interrupts_window(5);
    }
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(LOW, handle_low, NULL);
    irq_enable(HIGH, handle_high, NULL);
    irq_line_set(LOW, true);
    interrupts_until(&lows, 2);
    report(nested == (1 << LOW | 1 << HIGH), "two are in service");
    report(after_eoi == 1 << LOW, "an EOI that names none ends the higher");
    report(requested == 1 << LOW, "the lower, raised again, waits for its own");
    report(after_other == 1 << LOW, "an EOI for the higher does not end it");
    report(after_own == 0, "one for itself does");
    report(lows == 2, "and it comes again");
    return report_finish();
}
