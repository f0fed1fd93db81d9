/* hpet-one-shot.c - a comparator met once gives one edge at the I/O APIC, and never early. */
#include "guest/lib/guest.h"
#include "guest/lib/hpet.h"

TEST_NOTE("");

#define PIN 20
#define VECTOR 50
#define US 5000

static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
}

static void check(unsigned num, unsigned mode)
{
    uint64_t counter;

    count = 0;
    hpet_start(num, PIN << HPET_ROUTE_SHIFT | mode, US, 0);
    while (count == 0) {
        interrupt_wait();
    }
    counter = hpet_read(HPET_COUNTER);
    report(counter >= hpet_ticks_of_us(US), "timer %u, %u bits: at %lu, not before %lu", num,
           mode ? 32 : 64, counter, hpet_ticks_of_us(US));
    report(hpet_read(HPET_STATUS) == 0, "an edge leaves no status");
    interrupts_window(3 * US / 1000);
    report(count == 1, "and not again");
    hpet_write(0x100 + 0x20 * num, 0);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR, handle, NULL);
    ioapic_route(PIN, VECTOR, 0, 0);
    for (unsigned num = 0; num < 3; num++) {
        check(num, 0);
        check(num, HPET_MODE_32);
    }
    return report_finish();
}
