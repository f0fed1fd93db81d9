/* irq-masked.c - a request that comes while it is masked waits, in the PIC or at the CPU. */
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
    irq_disable(IRQ);
    irq_line_set(IRQ, true);
    interrupts_window(2);
    report(count == 0, "masked in the PIC: none");
    report(pic_requested() == 1 << IRQ, "but it is kept");
    irq_enable(IRQ, handle, NULL);
    report(count == 0, "masked in the CPU: none");
    delay_ms(2);
    report(count == 0, "however long");
    interrupts_window(2);
    report(count == 1, "then it comes");
    interrupts_window(2);
    report(count == 1, "once");
    return report_finish();
}
