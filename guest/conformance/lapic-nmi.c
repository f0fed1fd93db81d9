/* lapic-nmi.c - an NMI comes with interrupts off, to the CPU it is sent to, once. */
#include "guest/lib/guest.h"

TEST_NOTE("cpus = 2\n");

#define VECTOR_NMI 2

static volatile unsigned counts[2];
static volatile bool ready;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    counts[lapic_id() & 1]++;
}

static void ap_main(unsigned number)
{
    (void)number;
    ready = true;
    for (;;) {
        cpu_pause();
    }
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR_NMI, handle, NULL);
    report(cpu_start(1, ap_main), "the other CPU starts");
    while (!ready) {
        cpu_pause();
    }
    lapic_send_nmi(0);
    interrupts_until(&counts[0], 1);
    report(counts[0] == 1 && counts[1] == 0, "one to itself");
    lapic_send_nmi(1);
    interrupts_until(&counts[1], 1);
    report(counts[0] == 1 && counts[1] == 1, "one to the other");
    return report_finish();
}
