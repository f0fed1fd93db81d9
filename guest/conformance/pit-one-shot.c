/* pit-one-shot.c - mode 0: OUT is low while it counts, then high; one interrupt, not before its
 * time. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define COUNT ((uint16_t)(PIT_HZ / 100)) /* 10 ms */
#define OUT 0x80

static volatile unsigned count;

static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

int main(const struct boot_info *boot)
{
    uint64_t first, us;
    unsigned low;

    (void)boot;
    pit_ticks_start(0, COUNT, tick, NULL);
    first = rdtsc();
    low = !(pit_status(0) & OUT);
    interrupts_until(&count, 1);
    us = (rdtsc() - first) * 1000 / tsc_khz(NULL);
    report(low, "OUT is low while it counts");
    report(count == 1 && us >= 9000, "an interrupt after %lu us", us);
    report(pit_status(0) & OUT, "OUT is high then");
    interrupts_window(25);
    report(count == 1, "and there is no second");
    return report_finish();
}
