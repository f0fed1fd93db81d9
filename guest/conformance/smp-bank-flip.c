/*
 * smp-bank-flip.c - while one CPU switches a bank, the other reads it: it sees one or the other
 * whole, and beside it nothing changes.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\ncpus = 2\n");

#define BANK 0xd1000000
#define BESIDE 0xd1200000
#define RAM_QUAD UINT64_C(0x1111111111111111)
#define ROM_QUAD UINT64_C(0x6d6f72206b6e6162)
#define FLIPS 100

static volatile unsigned ready, stop, rams, roms, wrong, beside;

static void ap_main(unsigned number)
{
    (void)number;
    ready = 1;
    for (uint64_t i = 0; !stop; i++) {
        uint64_t seen = mmio_read64(BANK + i * 8 % 0x10000);

        rams += seen == RAM_QUAD;
        roms += seen == ROM_QUAD;
        wrong += seen != RAM_QUAD && seen != ROM_QUAD;
        mmio_write64(BESIDE + 0x18000, i);
        beside += mmio_read64(BESIDE + 0x18000) != i;
    }
    ready = 2;
}

int main(const struct boot_info *boot)
{
    uint64_t bank_switch = bank_switch_open(boot), to = BANK, count = 0x10000 / 8;
    bool done = true;

    bank_switch_select(bank_switch, "bank-ram");
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(RAM_QUAD) : "memory");
    lapic_enable(false);
    report(cpu_start(1, ap_main) && interrupts_until(&ready, 1), "the other CPU reads");
    for (unsigned i = 1; i <= FLIPS; i++) {
        done = done && bank_switch_set(bank_switch, BANK_SWITCH_ENABLED, i % 2) == 0;
        delay_ms(i % 8 == 0);
    }
    stop = 1;
    report(interrupts_until(&ready, 2) && done, "%u switches while it did", FLIPS);
    report(rams > 0 && roms > 0, "it saw both");
    report(wrong == 0, "and %u times neither", wrong);
    report(beside == 0, "memory beside them was memory all the time");
    return report_finish();
}
