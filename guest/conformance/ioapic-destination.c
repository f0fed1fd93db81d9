/* ioapic-destination.c - the entry of an input says which CPU is interrupted. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\ncpus = 2\n");

#define PIN 18
#define VECTOR 50

static volatile unsigned counts[2];

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    counts[lapic_id() & 1]++;
}

static void ap_main(unsigned number)
{
    (void)number;
    for (;;) {
        interrupt_wait();
    }
}

static void raise(uint8_t id)
{
    unsigned want = counts[id] + 1;

    ioapic_route(PIN, VECTOR, 0, id);
    irq_line_set(PIN, true);
    interrupts_until(&counts[id], want);
    irq_line_set(PIN, false);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR, handle, NULL);
    report(cpu_start(1, ap_main), "the other CPU starts");
    raise(0);
    report(counts[0] == 1 && counts[1] == 0, "the first CPU");
    raise(1);
    report(counts[0] == 1 && counts[1] == 1, "the second");
    raise(0);
    report(counts[0] == 2 && counts[1] == 1, "the first again");
    return report_finish();
}
