/* lapic-priority.c - the LAPIC gives the higher vector first, and none below the task priority. */
#include "guest/lib/guest.h"

TEST_NOTE("");

#define LOW 40  /* priority class 2 */
#define HIGH 50 /* class 3 */

static volatile unsigned order[4], count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    order[count++ % 4] = (unsigned)frame->vector;
    if (frame->vector < VECTOR_LAPIC) {
        lapic_eoi(); /* the library takes it for one of the PIC's */
    }
}

int main(const struct boot_info *boot)
{
    (void)boot;
    lapic_enable(false);
    interrupt_set(LOW, handle, NULL);
    interrupt_set(HIGH, handle, NULL);
    lapic_send(0, LOW);
    lapic_send(0, HIGH);
    interrupts_window(2);
    report(count == 2 && order[0] == HIGH && order[1] == LOW, "the higher vector first");
    count = 0;
    lapic_set_priority(2);
    lapic_send(0, LOW);
    lapic_send(0, HIGH);
    interrupts_window(2);
    report(count == 1 && order[0] == HIGH, "above the task priority only");
    lapic_set_priority(0);
    interrupts_window(2);
    report(count == 2 && order[1] == LOW, "the other once it is lowered");
    lapic_send(0, HIGH);
    lapic_send(0, HIGH);
    interrupts_window(2);
    report(count == 3, "the same one twice before it is taken counts once");
    return report_finish();
}
