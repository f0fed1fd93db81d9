/*
 * watch-lock.c - two CPUs' locked instructions on watched memory and beside it lose nothing.
 */
#include "guest/lib/guest.h"

#define WATCHED 0x400010
#define NEIGHBOUR 0x400100
#define ROUNDS 20

TEST_NOTE(
    "cpus = 2\n"
    "options = --watch 0x400010:8:w\n"
    "err = ^acre: watch 1: cpu [01] wrote [48] bytes at 0x400010: 0x[0-9a-f]+ -> 0x[0-9a-f]+, by "
    "an instruction that was stepped, at 0x[0-9a-f]+ \\(count\n"
    "err = ^acre: watch 1: 0x400010, 8 bytes, w: 80 hits$\n");

static volatile uint32_t ready, done;

static __attribute__((noinline)) void count(void)
{
    uint64_t one;

    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < 2) {
        cpu_pause();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        mmio_lock_inc32(WATCHED);
        one = 1;
        __asm__ volatile("lock xaddq %0, (%1)"
                         : "+r"(one)
                         : "r"((uint64_t)WATCHED)
                         : "memory", "cc");
        mmio_lock_inc32(NEIGHBOUR);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(unsigned number)
{
    (void)number;
    count();
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    report(cpu_start(1, ap_main), "the other CPU starts");
    count();
    interrupts_until(&done, 2);
    report(done == 2, "both have counted");
    report(mmio_read64(WATCHED) == 4 * ROUNDS, "the watched word: %lu", mmio_read64(WATCHED));
    report(mmio_read32(NEIGHBOUR) == 2 * ROUNDS, "its neighbour: %u", mmio_read32(NEIGHBOUR));
    return report_finish();
}
