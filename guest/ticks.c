/*
 * ticks.c - the interrupts of the i8254 and of the LAPIC's timer against the time stamp counter.
 * Bounds are wide: the machine around may stop for a while, and then deliver late, but never early.
 */
#include "guest/lib/guest.h"

#define PERIODS 20
#define PERIOD_MS 10
#define COUNT ((uint16_t)(PIT_HZ / 1000 * PERIOD_MS))
#define SLOWEST 20                             /* times as long as it should take */
#define LAPIC_COUNT (1000000 / 16 * PERIOD_MS) /* KVM's LAPIC counts nanoseconds, here by 16 */

struct ticks {
    volatile unsigned count;
    uint64_t tsc[PERIODS + 1]; /* when each came */
};

static void tick(struct interrupt_frame *frame, void *opaque)
{
    struct ticks *ticks = opaque;

    (void)frame;
    if (ticks->count <= PERIODS) {
        ticks->tsc[ticks->count] = rdtsc();
        ticks->count++;
    }
}

static bool monotonic(const struct ticks *ticks)
{
    for (unsigned i = 1; i <= PERIODS; i++) {
        if (ticks->tsc[i] <= ticks->tsc[i - 1]) {
            return false;
        }
    }
    return true;
}

/* Waits for all ticks, asleep; the runner's time limit ends a machine that never gives them. */
static void check_ticks(struct ticks *ticks, const char *timer)
{
    uint64_t us;

    while (ticks->count <= PERIODS) {
        interrupt_wait();
    }
    us = (ticks->tsc[PERIODS] - ticks->tsc[0]) * 1000 / tsc_khz(NULL);
    report(monotonic(ticks), "%s: the TSC grows from each tick to the next", timer);
    report(us >= PERIODS * PERIOD_MS * 500, "%s: %u periods of %u ms took %lu us, not too few",
           timer, PERIODS, PERIOD_MS, us);
    report(us <= (uint64_t)PERIODS * PERIOD_MS * 1000 * SLOWEST,
           "%s: nor more than %u times as many", timer, SLOWEST);
}

static void check_periodic(unsigned mode, const char *name)
{
    struct ticks ticks = {.count = 0};

    pit_ticks_start(mode, COUNT, tick, &ticks);
    check_ticks(&ticks, name);
    irq_disable(PIT_IRQ);
}

static void check_lapic(void)
{
    struct ticks ticks = {.count = 0};

    lapic_enable(true);
    interrupt_set(VECTOR_LAPIC, tick, &ticks);
    lapic_timer_start(VECTOR_LAPIC, LAPIC_COUNT, true);
    check_ticks(&ticks, "LAPIC");
    lapic_timer_stop(VECTOR_LAPIC);
}

static void check_deadline(void)
{
    struct ticks ticks = {.count = 0};
    uint64_t deadline = rdtsc() + tsc_khz(NULL) * PERIOD_MS;

    if (!lapic_deadline_present()) {
        report_skip("TSC deadline", "CPUID does not announce it");
        return;
    }
    interrupt_set(VECTOR_LAPIC, tick, &ticks);
    lapic_deadline_start(VECTOR_LAPIC, deadline);
    while (ticks.count == 0) {
        interrupt_wait();
    }
    report(ticks.tsc[0] >= deadline, "TSC deadline: the tick came %lu us after it, not before",
           (ticks.tsc[0] - deadline) * 1000 / tsc_khz(NULL));
}

static void check_one_shot(void)
{
    struct ticks ticks = {.count = 0};
    struct deadline more;
    uint64_t first, us;

    pit_ticks_start(0, COUNT, tick, &ticks);
    first = rdtsc();
    report(!(pit_status(0) & 0x80), "mode 0: OUT is low while it counts");
    while (ticks.count == 0) {
        interrupt_wait();
    }
    us = (ticks.tsc[0] - first) * 1000 / tsc_khz(NULL);
    report(us >= PERIOD_MS * 500, "mode 0: the tick came after %lu us, not at once", us);
    report(pit_status(0) & 0x80, "mode 0: OUT is high afterwards");
    more = deadline_ms(5 * PERIOD_MS);
    interrupts_on();
    while (!deadline_passed(&more)) {
        cpu_pause();
    }
    interrupts_off();
    irq_disable(PIT_IRQ);
    report(ticks.count == 1, "mode 0: %u tick in the next %u ms as well", ticks.count,
           5 * PERIOD_MS);
}

static void check_counting(void)
{
    uint16_t high, low;

    pit_start(0, 2, 0);
    high = pit_count(0);
    delay_ms(2);
    low = pit_count(0);
    report(high > low, "the counter goes down: 0x%x, 2 ms later 0x%x", high, low);
}

int main(const struct boot_info *boot)
{
    const char *source;
    uint64_t khz;

    (void)boot;
    if (!pic_present() || !pit_present()) {
        report_skip("PIT interrupts", "this machine has no interrupts");
        return report_finish();
    }
    khz = tsc_khz(&source);
    console_printf("# TSC at %lu kHz by %s\n", khz, source);
    check_counting();
    check_periodic(2, "mode 2");
    check_periodic(3, "mode 3");
    check_one_shot();
    check_lapic();
    check_deadline();
    return report_finish();
}
