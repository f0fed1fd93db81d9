/* irq-cascade.c - irqs 8 to 15 come through input 2 of the first PIC, and need an EOI of both. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define IRQ 11
#define CASCADE 2

static volatile unsigned count;
static volatile uint16_t in_service;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    in_service = pic_in_service();
    count++;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(IRQ, handle, NULL);
    outb(0x21, inb(0x21) | 1 << CASCADE);
    irq_line_set(IRQ, true);
    interrupts_window(2);
    report(count == 0, "none while input 2 is masked");
    report(pic_requested() == (1 << IRQ | 1 << CASCADE), "both PICs are asked");
    outb(0x21, inb(0x21) & (uint8_t) ~(1 << CASCADE));
    interrupts_window(2);
    report(count == 1, "one when it is not");
    report(in_service == (1 << IRQ | 1 << CASCADE), "both had it in service");
    report(pic_in_service() == 0, "neither has now");
    return report_finish();
}
