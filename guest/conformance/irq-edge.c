/* irq-edge.c - an edge-triggered line interrupts once for each time it rises. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define IRQ 5

static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(IRQ, handle, NULL);
    interrupts_window(2);
    report(count == 0, "none before");
    irq_line_set(IRQ, true);
    interrupts_window(2);
    report(count == 1, "one when it rises");
    interrupts_window(2);
    report(count == 1, "no further while it stays");
    irq_line_set(IRQ, true);
    interrupts_window(2);
    report(count == 1, "nor when it is set once more");
    irq_line_set(IRQ, false);
    interrupts_window(2);
    report(count == 1, "none when it falls");
    irq_line_set(IRQ, true);
    interrupts_window(2);
    report(count == 2, "one when it rises again");
    return report_finish();
}
