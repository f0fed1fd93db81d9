/*
 * watch-user.c - interrupts and exceptions of a user program change to a stack of the TSS that is
 * watched.
 */
#include "guest/lib/guest.h"

TEST_NOTE("options = --watch 0x402fd8:0x28:w\n"
          "timeout = 60\n"
          "err = ^acre: watch 1: cpu 0 wrote 8 bytes at 0x402ff8: 0x0 -> 0x1b, by interrupt 32, at "
          "0x500[0-9a-f]{3}$\n"
          "err = ^acre: watch 1: 0x402fd8, 40 bytes, w: [0-9]{2,} hits$\n");

#define RSP0 0x403000
#define CODE 0x500000
#define STACK 0x600ff0
#define TICKS 3

static volatile unsigned ticks, of_user;
static volatile uint64_t stack, frame_end;

/* The program is let out of its loop by what stands at its RSI. */
static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    of_user += (frame->cs & 3) == 3;
    stack = frame->rsp;
    frame_end = (uint64_t)(frame + 1);
    if (++ticks == TICKS) {
        mmio_write32(frame->rsi, 1);
    }
}

int main(const struct boot_info *boot)
{
    /* 1: cmpl $0, (%rsi); je 1b; ud2 */
    static const uint8_t code[] = {0x83, 0x3e, 0x00, 0x74, 0xfb, 0x0f, 0x0b};
    volatile uint32_t go = 0;

    (void)boot;
    memcpy((void *)CODE, code, sizeof(code));
    user_init(RSP0);
    pit_ticks_start(2, (uint16_t)(PIT_HZ / 1000 * 10), tick, NULL);
    user_run(CODE, STACK, (uint64_t)&go);
    irq_disable(PIT_IRQ);
    report(true, "the program ends by UD2");
    report(ticks >= TICKS && of_user == ticks, "it was interrupted %u times", ticks);
    report(stack == STACK, "its stack pointer is in the frame: %lx", stack);
    report(frame_end == RSP0, "which lies where the TSS says: to %lx", frame_end);
    return report_finish();
}
