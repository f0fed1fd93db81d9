/* testdev-irq.c - a device's line follows its register; pulses are edges; DMA interrupts when done.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

static struct testdev dev;
static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    count++;
    testdev_write(&dev, TESTDEV_IRQ_LOWER, UINT64_MAX);
}

int main(const struct boot_info *boot)
{
    dev = testdev_open(boot, 0);
    irq_enable(dev.irq, handle, NULL);
    interrupts_window(2);
    report(count == 0, "none before");
    testdev_write(&dev, TESTDEV_IRQ_RAISE, TESTDEV_IRQ_GUEST);
    report(pic_requested() == 1u << dev.irq, "irq %u is requested at once", dev.irq);
    interrupts_until(&count, 1);
    interrupts_window(2);
    report(count == 1 && testdev_read(&dev, TESTDEV_IRQ_PENDING) == 0, "and served");
    (void)testdev_dma(&dev, TESTDEV_DMA_FILL, 0, 0x800000, 8, TESTDEV_DMA_IRQ);
    report(testdev_read(&dev, TESTDEV_IRQ_PENDING) == TESTDEV_IRQ_DMA,
           "a DMA says that it is done");
    interrupts_until(&count, 2);
    interrupts_window(2);
    report(count == 2, "by an interrupt");
    testdev_write(&dev, TESTDEV_IRQ_PULSE, 3);
    interrupts_until(&count, 3);
    interrupts_window(2);
    report(count == 3, "pulses while none can be taken are one");
    return report_finish();
}
