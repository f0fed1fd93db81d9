/* irq-lines.c - each line interrupts with its own vector, and no other. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

static volatile uint32_t seen;
static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    seen |= 1u << (frame->vector - VECTOR_IRQ);
    count++;
}

int main(const struct boot_info *boot)
{
    static const unsigned irqs[] = {3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15};

    (void)boot;
    for (unsigned i = 0; i < sizeof(irqs) / sizeof(irqs[0]); i++) {
        irq_enable(irqs[i], handle, NULL);
    }
    for (unsigned i = 0; i < sizeof(irqs) / sizeof(irqs[0]); i++) {
        seen = 0;
        count = 0;
        irq_line_set(irqs[i], true);
        interrupts_window(1);
        report(seen == 1u << irqs[i] && count == 1, "irq %u", irqs[i]);
        irq_line_set(irqs[i], false);
    }
    return report_finish();
}
