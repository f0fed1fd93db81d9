/* pit-one-shot.c - mode 0: OUT is low while it counts, then high; one interrupt, not too early. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define OUT 0x80
#define COUNT 60000 /* 50 ms */

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
    pit_ticks_start(0, 0, tick, NULL); /* the longest; the count that is measured comes over it */
    first = rdtsc();
    pit_set_count(0, COUNT);
    low = !(pit_status(0) & OUT);
    interrupts_until(&count, 1);
    us = us_since(first);
    report(low, "OUT is low while it counts");
    report(count == 1 && us >= 45000, "an interrupt after %lu us", us);
    report(pit_status(0) & OUT, "OUT is high then");
    interrupts_window(60);
    report(count == 1, "and there is no second");
    return report_finish();
}
