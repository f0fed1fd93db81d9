/* hpet-counter.c - the HPET's counter: its rate against the TSC, halves, halt and start value. */
#include "guest/lib/guest.h"
#include "guest/lib/hpet.h"

TEST_NOTE("");

#define MS 20

int main(const struct boot_info *boot)
{
    uint64_t cap = hpet_read(HPET_CAP_ID), before, after, around, within;
    bool grows = true;

    (void)boot;
    report((cap & 0xffffa0ff) == 0x8086a001, "Intel's, revision 1, 64 bits, legacy replacement");
    report((cap >> 8 & 31) >= 2, "%lu timers", (cap >> 8 & 31) + 1);
    report(cap >> 32 != 0 && cap >> 32 <= 0x5f5e100, "a tick is %lu fs", cap >> 32);
    before = hpet_read(HPET_COUNTER);
    report(before == 0 && hpet_read(HPET_COUNTER) == before, "it stands at 0 at first");

    hpet_write(HPET_COUNTER, 0xfffffffe);
    around = rdtsc();
    hpet_write(HPET_CONFIG, HPET_ENABLE);
    before = hpet_read(HPET_COUNTER);
    within = rdtsc();
    for (unsigned i = 0; i < 100; i++) {
        uint64_t now = hpet_read(HPET_COUNTER);

        grows = grows && now > before;
        before = now;
    }
    report(grows, "no two reads are the same, nor go back");
    report(before > 0xfffffffe, "it goes on from what was written, past 32 bits");
    delay_ms(MS);
    within = us_since(within);
    after = hpet_read(HPET_COUNTER) - 0xfffffffe;
    around = us_since(around);
    after = after * (cap >> 32) / 1000000000;
    report(after >= MS * 1000 && after >= within / 2 && after / 2 <= around,
           "%lu us by the HPET are %lu to %lu us by the TSC", after, within, around);

    before = hpet_read(HPET_COUNTER);
    report(mmio_read32(HPET_BASE + HPET_COUNTER + 4) == before >> 32, "halves can be read");
    hpet_write(HPET_CONFIG, 0);
    before = hpet_read(HPET_COUNTER);
    delay_ms(1);
    report(hpet_read(HPET_COUNTER) == before, "halted it stands");
    return report_finish();
}
