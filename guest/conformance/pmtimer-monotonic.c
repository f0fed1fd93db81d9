/* pmtimer-monotonic.c - ACPI's PM timer never goes back, and counts 3.579545 MHz. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define PM_TIMER 0x608
#define HZ 3579545
#define MS 50
#define MASK 0xffffff

static uint32_t since(uint32_t before)
{
    return (inl(PM_TIMER) - before) & MASK;
}

int main(const struct boot_info *boot)
{
    uint32_t first, before, now, ticks, us_pm;
    uint64_t around = rdtsc(), within;
    bool monotonic = true;

    (void)boot;
    first = before = inl(PM_TIMER);
    within = rdtsc();
    for (unsigned i = 0; i < 1000; i++) {
        now = inl(PM_TIMER);
        monotonic = monotonic && now <= MASK && ((now - before) & MASK) < MASK / 2;
        before = now;
    }
    report(monotonic, "1000 reads, none before the one before it");
    report(since(first) > 0, "and it moves");
    delay_ms(MS);
    within = us_since(within);
    ticks = since(first);
    around = us_since(around);
    us_pm = (uint32_t)((uint64_t)ticks * 1000000 / HZ);
    report(us_pm >= MS * 1000 && us_pm >= within / 2 && us_pm / 2 <= around,
           "%u us by the PM timer are %lu to %lu us by the TSC", us_pm, within, around);
    outl(PM_TIMER, 0);
    report(since(first) >= ticks, "writes do not touch it");
    now = inw(PM_TIMER);
    report(((inl(PM_TIMER) - now) & 0xffff) < 0x8000, "a part of it can be read");
    return report_finish();
}
