/* hpet-level.c - a level-triggered timer holds its line until its status bit is cleared. */
#include "guest/lib/guest.h"
#include "guest/lib/hpet.h"

TEST_NOTE("");

#define PIN 22
#define VECTOR 50
#define TIMER 1
#define TIMES 3

static volatile unsigned count;
static volatile bool status_set = true;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    if (count++ < TIMES) {
        status_set = status_set && hpet_read(HPET_STATUS) == 1 << TIMER;
    }
    if (count == TIMES) {
        hpet_write(HPET_STATUS, 1 << TIMER);
    }
}

int main(const struct boot_info *boot)
{
    struct deadline limit;

    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR, handle, NULL);
    ioapic_route(PIN, VECTOR, IOAPIC_LEVEL, 0);
    hpet_start(TIMER, PIN << HPET_ROUTE_SHIFT | HPET_LEVEL, 2000, 0);
    limit = deadline_ms(5000);
    interrupts_on();
    while (count < TIMES && !deadline_passed(&limit)) {
        cpu_pause();
    }
    interrupts_off();
    interrupts_window(5);
    report(count == TIMES || count == TIMES + 1, "it comes %u times, until it is cleared", TIMES);
    report(status_set, "the status names the timer");
    report(hpet_read(HPET_STATUS) == 0, "and is clear now");
    return report_finish();
}
