/* pit-periodic.c - modes 2 and 3: an interrupt each period, none too early, for as long as it runs.
 */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define PERIOD_MS 5
#define COUNT ((uint16_t)(PIT_HZ / 1000 * PERIOD_MS))
#define PERIODS 10

static volatile unsigned count;

static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

static void check(unsigned mode)
{
    uint64_t first, us;

    count = 0;
    pit_ticks_start(mode, COUNT, tick, NULL);
    interrupts_until(&count, 1);
    first = rdtsc();
    count = 0;
    interrupts_until(&count, PERIODS);
    us = us_since(first);
    report(count >= PERIODS, "mode %u: interrupts", mode);
    report(us >= (PERIODS - 2) * PERIOD_MS * 1000, "mode %u: %u periods took %lu us, not too few",
           mode, PERIODS, us);
    report(pit_count(0) <= COUNT, "mode %u: the counter stays below what was set", mode);
    irq_disable(PIT_IRQ);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check(2);
    check(3);
    return report_finish();
}
