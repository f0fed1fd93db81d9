/* pit-strobe.c - modes 4 and 5: OUT is high but for one tick, at the end of the count. */
#include "guest/lib/guest.h"

TEST_NOTE("");

enum { PORT_GATE2 = 0x61, GATE = 1, OUT = 0x80, NOT_LOADED = 0x40 };
#define COUNT 60000 /* 50 ms; what lies above is passed below 0 */

static volatile unsigned count;

static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

/* The end of counter 0's strobe is an interrupt. */
static void check_mode_4(void)
{
    uint64_t first, us;

    pit_ticks_start(4, 0, tick, NULL); /* the longest; the count that is measured comes over it */
    first = rdtsc();
    pit_set_count(0, COUNT);
    report(pit_status(0) & OUT, "mode 4: OUT is high while it counts");
    interrupts_until(&count, 1);
    us = us_since(first);
    report(count == 1 && us >= 45000, "mode 4: an interrupt after %lu us", us);
    interrupts_window(60);
    report(count == 1 && (pit_status(0) & OUT), "mode 4: no second one, and OUT is high");
    pit_set_count(0, COUNT);
    report(interrupts_until(&count, 2), "mode 4: a count that is written begins anew");
    irq_disable(PIT_IRQ);
}

/* Pulls counter 2's gate up, and waits until that had its effect. */
static void trigger(void)
{
    outb(PORT_GATE2, 0);
    outb(PORT_GATE2, GATE);
    delay_ms(1);
}

static void check_mode_5(void)
{
    struct deadline limit;
    uint16_t before;

    outb(PORT_GATE2, 0);
    pit_start(2, 5, COUNT);
    delay_ms(1);
    report((pit_status(2) & (OUT | NOT_LOADED)) == (OUT | NOT_LOADED),
           "mode 5: the count waits for a trigger, OUT is high");
    trigger();
    outb(PORT_GATE2, 0);
    report((pit_status(2) & (OUT | NOT_LOADED)) == OUT, "mode 5: an edge of the gate is one");
    before = pit_count(2);
    delay_ms(1);
    report(pit_count(2) != before, "mode 5: it counts though the gate is low");
    limit = deadline_ms(2000);
    while (pit_count(2) <= COUNT && !deadline_passed(&limit)) {
        cpu_pause();
    }
    report(!deadline_passed(&limit), "mode 5: it goes on below 0");
    trigger();
    report(pit_count(2) <= COUNT, "mode 5: another trigger begins anew");
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check_mode_4();
    check_mode_5();
    return report_finish();
}
