/* pit-gate.c - counter 2 counts while bit 0 of port 0x61 is set; bit 5 there is its OUT. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define PORT 0x61
#define GATE 1
#define OUT 0x20
#define COUNT 60000 /* 50 ms */

/* Returns: whether OUT rose in time. */
static bool rises(void)
{
    struct deadline limit = deadline_ms(1000);

    while (!(inb(PORT) & OUT) && !deadline_passed(&limit)) {
        cpu_pause();
    }
    return inb(PORT) & OUT;
}

int main(const struct boot_info *boot)
{
    uint16_t before;

    (void)boot;
    outb(PORT, 0);
    pit_start(2, 1, COUNT);
    report(inb(PORT) & OUT, "mode 1: high until it is triggered");
    outb(PORT, GATE);
    report(!(inb(PORT) & OUT), "low from the gate's edge on");
    report(rises(), "until it has counted");
    report(inb(PORT) & GATE, "the gate reads as it was set");
    outb(PORT, 0);
    pit_start(2, 0, COUNT);
    before = pit_count(2);
    delay_ms(60);
    report(pit_count(2) == before && !(inb(PORT) & OUT),
           "mode 0: without the gate it stands still");
    outb(PORT, GATE);
    report(rises(), "with it, it counts to its end");
    return report_finish();
}
