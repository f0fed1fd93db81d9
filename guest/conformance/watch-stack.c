/*
 * watch-stack.c - interrupts and exceptions are taken on a stack that is watched: each pushes its
 * frame there, whose writes are told like others, and returns to what it interrupted.
 */
#include "guest/lib/guest.h"

TEST_NOTE("options = --watch 0x402fc0:0x40:w\n"
          "timeout = 60\n"
          "err = ^acre: watch 1: cpu 0 wrote 8 bytes at 0x402f[c-f][08]: 0x[0-9a-f]+ -> 0x8, by "
          "exception 6, at 0x[0-9a-f]+ \\(on_the_stack\\+\n"
          "err = ^acre: watch 1: 0x402fc0, 64 bytes, w: [0-9]{2,} hits$\n");

#define STACK_TOP 0x403000
#define TICKS 5

static volatile unsigned ticks, traps;

static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame, (void)opaque;
    ticks++;
}

static void skip_ud2(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    traps++;
    frame->rip += 2;
}

static __attribute__((noinline)) void on_the_stack(void)
{
    for (unsigned i = 0; i < 2; i++) {
        __asm__ volatile("ud2");
    }
    pit_ticks_start(2, (uint16_t)(PIT_HZ / 1000 * 10), tick, NULL);
    while (ticks < TICKS) {
        interrupt_wait();
    }
    interrupts_on();
    while (ticks < 2 * TICKS) { /* touches no stack: KVM may have no reason to come out */
        cpu_pause();
    }
    interrupts_off();
    irq_disable(PIT_IRQ);
}

/* Runs a function with RSP at the top of the watched page. */
static void call_on(uint64_t top, void (*function)(void))
{
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %0, %%rsp\n\t"
                     "call *%1\n\t"
                     "movq %%rbx, %%rsp"
                     :
                     : "r"(top), "r"(function)
                     : "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
                       "cc");
}

int main(const struct boot_info *boot)
{
    (void)boot;
    interrupt_set(6, skip_ud2, NULL);
    call_on(STACK_TOP, on_the_stack);
    report(traps == 2, "exceptions: %u", traps);
    report(ticks >= 2 * TICKS, "interrupts, halted and not: %u", ticks);
    return report_finish();
}
