/* smp-lock.c - locked instructions of two CPUs on the same RAM lose nothing, through an alias too.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = smp.dtb\ncpus = 2\n");

#define ALIAS 0xd0000000 /* shows RAM from 8 MiB on */
#define RAM 0x800000
#define ROUNDS 2000

static volatile uint32_t ready, done;

static void count(uint64_t addr)
{
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < 2) {
        cpu_pause();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        mmio_lock_inc32(addr);
        __atomic_fetch_add((uint64_t *)(addr + 8), 3, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(unsigned number)
{
    (void)number;
    count(ALIAS);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    report(cpu_start(1, ap_main), "the other CPU starts");
    count(RAM);
    interrupts_until(&done, 2);
    report(done == 2, "both have counted");
    report(mmio_read32(RAM) == 2 * ROUNDS, "lock inc: %u", mmio_read32(RAM));
    report(mmio_read64(RAM + 8) == 2 * 3 * ROUNDS, "lock xadd: %lu", mmio_read64(RAM + 8));
    return report_finish();
}
