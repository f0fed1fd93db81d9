/*
 * irq-spurious.c - a level that is withdrawn before the CPU takes it leaves nothing: no interrupt
 * of that line, nothing in service; at most an irq 7 that is none.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define IRQ 5

static volatile unsigned count, real_sevens;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

/* The library keeps spurious ones away. */
static void handle_seven(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    real_sevens++;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(7, handle_seven, NULL);
    irq_enable(IRQ, handle, NULL);
    pic_set_levels(1 << IRQ);
    for (unsigned i = 0; i < 10; i++) {
        irq_line_set(IRQ, true);
        irq_line_set(IRQ, false);
        interrupts_window(1);
    }
    report(count == 0, "no interrupt of a level that is gone");
    report(real_sevens == 0, "no irq 7 that is in service");
    report(pic_in_service() == 0 && pic_requested() == 0, "the PIC is at rest");
    irq_line_set(IRQ, true);
    irq_disable(IRQ);
    interrupts_window(2);
    report(count == 0, "nor of one that was masked meanwhile");
    irq_enable(IRQ, handle, NULL);
    irq_line_set(IRQ, false);
    pic_set_levels(0);
    irq_line_set(IRQ, true);
    interrupts_window(2);
    report(count == 1, "an edge that stays comes");
    return report_finish();
}
