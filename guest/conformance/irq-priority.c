/* irq-priority.c - of requests that wait, the lower number comes first; the second PIC's at 2. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

static volatile unsigned order[8], count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    order[count++ % 8] = (unsigned)frame->vector - VECTOR_IRQ;
}

int main(const struct boot_info *boot)
{
    static const unsigned raised[] = {7, 5, 12, 3, 10, 6};
    static const unsigned served[] = {10, 12, 3, 5, 6, 7};
    unsigned num = sizeof(raised) / sizeof(raised[0]);

    (void)boot;
    for (unsigned i = 0; i < num; i++) {
        irq_enable(raised[i], handle, NULL);
    }
    for (unsigned i = 0; i < num; i++) {
        irq_line_set(raised[i], true);
    }
    for (unsigned i = 0; i < 100 && count < num; i++) {
        interrupts_window(5);
    }
    report(count == num, "%u of %u came", count, num);
    for (unsigned i = 0; i < num; i++) {
        report(order[i] == served[i], "irq %u as number %u", served[i], i + 1);
    }
    return report_finish();
}
