/* pctestdev-gsi.c - testdev's lines above 15 reach the I/O APIC, each its own pin. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

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
    lapic_enable(false);
    interrupt_set(VECTOR_LAPIC, handle, NULL);
    for (unsigned pin = 16; pin < 24; pin++) {
        ioapic_route(pin, VECTOR_LAPIC, 0, lapic_id());
        count = 0;
        irq_line_set(pin, true);
        interrupts_window(1);
        report(count == 1, "pin %u", pin);
        irq_line_set(pin, true);
        irq_line_set(pin == 23 ? 16 : pin + 1, true);
        interrupts_window(1);
        report(count == 1, "no edge, or not its pin");
        irq_line_set(pin, false);
        irq_line_set(pin == 23 ? 16 : pin + 1, false);
        ioapic_route(pin, VECTOR_LAPIC, IOAPIC_MASKED, lapic_id());
    }
    return report_finish();
}
