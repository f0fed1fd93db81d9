/* hpet-periodic.c - a periodic timer interrupts each period, and its comparator keeps the grid. */
#include "guest/lib/guest.h"
#include "guest/lib/hpet.h"

TEST_NOTE("");

#define PIN 21
#define VECTOR 50
#define PERIOD_US 5000
#define PERIODS 10

static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

static void check(unsigned num, unsigned mode)
{
    uint64_t period = hpet_ticks_of_us(PERIOD_US), comparator, counter;

    count = 0;
    hpet_start(num, PIN << HPET_ROUTE_SHIFT | HPET_PERIODIC | mode, PERIOD_US, 0);
    while (count < PERIODS) {
        interrupt_wait();
    }
    counter = hpet_read(HPET_COUNTER);
    comparator = hpet_read(0x108 + 0x20 * num);
    report(counter >= PERIODS * period, "timer %u: %u periods took %lu ticks, not too few", num,
           PERIODS, counter);
    report(comparator % period == 0 && comparator > counter, "the next is at %lu periods",
           comparator / period);
    hpet_write(HPET_CONFIG, 0);
    hpet_write(0x100 + 0x20 * num, 0);
    interrupts_window(2);
    count = 0;
    interrupts_window(2 * PERIOD_US / 1000);
    report(count == 0, "none while the counter is halted");
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR, handle, NULL);
    ioapic_route(PIN, VECTOR, 0, 0);
    check(0, 0);
    check(1, HPET_MODE_32);
    check(2, 0);
    return report_finish();
}
