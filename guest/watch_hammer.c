/*
 * watch_hammer.c - every CPU writes words of its own in one page and reads them back, and counts in
 * one that all share (two CPUs, when the command line says "two"), until a byte comes on the serial
 * port: whatever is done to the page meanwhile (watches come and go), no value may be stale and no
 * count lost.
 */
#include "guest/lib/guest.h"

#define PAGE 0x400000
#define SHARED (PAGE + 0x800)
#define SLOT 0x100 /* bytes between the words of two CPUs */

static volatile uint32_t stop, done;
static uint64_t counted[2], stale[2];

static bool is_told_to_stop(void)
{
    return inb(0x3fd) & SERIAL_LSR_DATA;
}

static void hammer(unsigned cpu)
{
    uint64_t word = PAGE + cpu * SLOT;

    for (uint64_t i = 0; !stop; i++) {
        mmio_write64(word, i);
        stale[cpu] += mmio_read64(word) != i;
        mmio_write32(word + 12, (uint32_t)~i);
        stale[cpu] += mmio_read32(word + 12) != (uint32_t)~i;
        mmio_lock_inc32(SHARED);
        counted[cpu]++;
        if (cpu == 0 && is_told_to_stop()) {
            stop = 1;
        }
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(unsigned number)
{
    hammer(number);
}

int main(const struct boot_info *boot)
{
    uint32_t cpus = 1;

    if (strcmp(boot->cmdline, "two") == 0) {
        lapic_enable(false);
        cpus += cpu_start(1, ap_main);
    }
    console_printf("ready, %u CPUs\n", cpus);
    hammer(0);
    interrupts_until(&done, cpus);
    report(stale[0] + stale[1] == 0, "stale values: %lu", stale[0] + stale[1]);
    report(mmio_read32(SHARED) == (uint32_t)(counted[0] + counted[1]), "counted %lu, there are %u",
           counted[0] + counted[1], mmio_read32(SHARED));
    return report_finish();
}
