/* lapic-timer.c - the LAPIC's timer: once, over and over, and never early. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define COUNT_MS (1000000 / 16) /* KVM's LAPIC counts nanoseconds, here by 16 */
#define PERIOD_MS 5
#define PERIODS 10

static volatile unsigned count;

static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

int main(const struct boot_info *boot)
{
    uint64_t first = rdtsc(), us;

    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR_LAPIC, tick, NULL);
    lapic_timer_start(VECTOR_LAPIC, COUNT_MS * PERIOD_MS, false);
    while (count == 0) {
        interrupt_wait();
    }
    us = us_since(first);
    report(us >= PERIOD_MS * 1000, "once: after %lu us, not before %u", us, PERIOD_MS * 1000);
    interrupts_window(3 * PERIOD_MS);
    report(count == 1, "and not again");
    count = 0;
    first = rdtsc();
    lapic_timer_start(VECTOR_LAPIC, COUNT_MS * PERIOD_MS, true);
    while (count < PERIODS) {
        interrupt_wait();
    }
    us = us_since(first);
    lapic_timer_stop(VECTOR_LAPIC);
    report(us >= PERIODS * PERIOD_MS * 1000, "%u periods took %lu us, not too few", PERIODS, us);
    count = 0;
    interrupts_window(3 * PERIOD_MS);
    report(count == 0, "none once it is stopped");
    return report_finish();
}
