/* smp-start.c - INIT and SIPI start each further CPU once, with an APIC id of its own. */
#include "guest/lib/guest.h"

TEST_NOTE("cpus = 3\n");

static volatile uint32_t ids; /* bit n: the CPU with APIC id n reported */
static volatile uint32_t numbers;
static volatile unsigned entries;

static void ap_main(unsigned number)
{
    __atomic_fetch_or(&ids, 1u << lapic_id(), __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&numbers, 1u << number, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&entries, 1, __ATOMIC_SEQ_CST);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    report(lapic_id() == 0, "the first CPU has id 0");
    report(cpu_start(1, ap_main), "id 1 starts");
    report(cpu_start(2, ap_main), "id 2 starts");
    report(interrupts_until(&entries, 2), "both run");
    report(ids == 0x6 && numbers == 0x6, "ids 0x%x, numbers 0x%x", ids, numbers);
    report(entries == 2, "and nobody ran twice");
    return report_finish();
}
