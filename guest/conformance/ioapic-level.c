/*
 * ioapic-level.c - a level at the I/O APIC comes again after each EOI until the line falls. One
 * more may follow, which was on its way then: a KVM that emulates the guest delivers so.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define PIN 17
#define VECTOR 50
#define TIMES 4

static volatile unsigned count;
static volatile uint32_t first_entry;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    if (count == 0) {
        first_entry = ioapic_entry(PIN);
    }
    if (++count == TIMES) {
        irq_line_set(PIN, false);
    }
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR, handle, NULL);
    ioapic_route(PIN, VECTOR, IOAPIC_LEVEL, 0);
    interrupts_window(2);
    report(count == 0, "none while it is low");
    irq_line_set(PIN, true);
    interrupts_until(&count, TIMES);
    interrupts_window(5);
    report(count == TIMES || count == TIMES + 1, "it comes %u times, until it falls", TIMES);
    report(first_entry & IOAPIC_REMOTE_IRR, "the entry says that one is being served");
    report(!(ioapic_entry(PIN) & IOAPIC_REMOTE_IRR), "and no longer afterwards");
    return report_finish();
}
