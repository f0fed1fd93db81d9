/* irq-level.c - a level-triggered line interrupts over and over, as long as it is high. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define IRQ 5
#define TIMES 3

static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    if (++count % TIMES == 0) {
        irq_line_set(IRQ, false);
    }
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(IRQ, handle, NULL);
    pic_set_levels(1 << IRQ);
    interrupts_window(2);
    report(count == 0, "none while it is low");
    irq_line_set(IRQ, true);
    report(pic_requested() == 1 << IRQ, "the PIC is asked");
    interrupts_window(5);
    report(count == TIMES, "%u, and none after it fell", count);
    report(pic_requested() == 0 && pic_in_service() == 0, "the PIC is at rest");
    irq_line_set(IRQ, true);
    interrupts_window(5);
    report(count == 2 * TIMES, "the same again");
    return report_finish();
}
