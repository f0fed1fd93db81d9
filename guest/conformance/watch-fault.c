/*
 * watch-fault.c - code in a page whose reads are watched raises exceptions: their handler runs on
 * its own, waits for the other CPU, and returns without a trace of the steps.
 */
#include "guest/lib/guest.h"

TEST_NOTE("cpus = 2\n"
          "options = --watch 0x400800:8:r\n"
          "timeout = 60\n");

#define PAGE 0x400000
#define ROUNDS 3
#define VECTOR_DB 1
#define VECTOR_UD 6
#define VECTOR_PF 14

static volatile uint32_t stop, stopped;
static volatile uint64_t counted;
static volatile unsigned faults, traps;

static void count(unsigned number)
{
    (void)number;
    while (!stop) {
        counted++;
    }
    stopped = 1;
}

static int elsewhere(void)
{
    return 5;
}

/* Goes on in a page that is not watched, where no step would hide a TF that was left. */
static void leave(struct interrupt_frame *frame, void *opaque)
{
    uint64_t until = counted + 100;

    (void)opaque;
    while (counted < until) {
        cpu_pause();
    }
    faults++;
    frame->rip = (uintptr_t)elsewhere;
}

static void trap(struct interrupt_frame *frame, void *opaque)
{
    (void)frame, (void)opaque;
    traps++;
}

int main(const struct boot_info *boot)
{
    /* mov 0xffffffff80000000, %eax; ud2 */
    static const uint8_t page_fault[] = {0x8b, 0x04, 0x25, 0, 0, 0, 0x80};
    static const uint8_t undefined[] = {0x0f, 0x0b};

    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR_DB, trap, NULL);
    interrupt_set(VECTOR_UD, leave, NULL);
    interrupt_set(VECTOR_PF, leave, NULL);
    mmio_copy8(PAGE, (uintptr_t)page_fault, sizeof(page_fault));
    mmio_copy8(PAGE + 0x100, (uintptr_t)undefined, sizeof(undefined));
    report(cpu_start(1, count), "the other CPU starts");
    for (unsigned i = 0; i < ROUNDS; i++) {
        report(code_call(PAGE) == 5, "after a page fault");
        report(code_call(PAGE + 0x100) == 5, "after an undefined instruction");
    }
    stop = 1;
    interrupts_until(&stopped, 1);
    report(faults == 2 * ROUNDS, "each call was one exception: %u", faults);
    report(traps == 0, "and none was a single step: %u", traps);
    return report_finish();
}
