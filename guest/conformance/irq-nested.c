/* irq-nested.c - while one is in service only a higher priority gets through; the rest waits for
 * EOI. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define LOW 7
#define MIDDLE 5
#define HIGH 3

static volatile unsigned low, middle, high;
static volatile bool lower_between;
static volatile uint16_t in_service;

static void handle_high(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    in_service = pic_in_service();
    high++;
}

static void handle_low(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    low++;
}

static void handle_middle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    middle++;
    irq_line_set(LOW, true);
    irq_line_set(MIDDLE, false);
    irq_line_set(MIDDLE, true);
    interrupts_window(2);
    lower_between = low > 0 || middle > 1;
    irq_line_set(HIGH, true);
    interrupts_window(2);
    interrupt_set(VECTOR_IRQ + MIDDLE, handle_low, NULL);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    irq_enable(LOW, handle_low, NULL);
    irq_enable(MIDDLE, handle_middle, NULL);
    irq_enable(HIGH, handle_high, NULL);
    irq_line_set(MIDDLE, true);
    interrupts_until(&low, 2);
    report(middle == 1 && !lower_between, "in service: none of its own or a lower priority");
    report(high == 1, "one of higher priority comes in between");
    report(in_service == (1 << MIDDLE | 1 << HIGH), "both are in service then");
    report(low == 2, "the others after its EOI");
    report(pic_in_service() == 0, "nothing stays in service");
    return report_finish();
}
