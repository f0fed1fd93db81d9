/* ioapic-edge.c - an edge at an input of the I/O APIC, of those that the PIC lacks too; masked
 * none. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define VECTOR 50

static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

static void check(unsigned pin)
{
    count = 0;
    ioapic_route(pin, VECTOR, IOAPIC_MASKED, 0);
    irq_line_set(pin, true);
    interrupts_window(2);
    report(count == 0, "input %u: none while masked", pin);
    irq_line_set(pin, false);
    ioapic_route(pin, VECTOR, 0, 0);
    irq_line_set(pin, true);
    interrupts_window(2);
    report(count == 1, "input %u: one when it rises", pin);
    irq_line_set(pin, false);
    irq_line_set(pin, true);
    interrupts_window(2);
    report(count == 2, "input %u: and again", pin);
    ioapic_route(pin, VECTOR, IOAPIC_MASKED, 0);
    irq_line_set(pin, false);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR, handle, NULL);
    check(5);
    check(11);
    check(16);
    check(23);
    return report_finish();
}
