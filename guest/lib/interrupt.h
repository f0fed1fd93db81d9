/*
 * interrupt.h - the IDT and the two 8259 interrupt controllers.
 *
 * Vectors: 0..31 exceptions, 32..47 the PIC's irqs 0..15, 48..62 free for LAPIC timer and IPIs,
 * 63 the LAPIC's spurious vector. An exception without a handler prints one line and ends the
 * machine with GUEST_EXIT_FAULT.
 * Sources: Intel SDM vol. 3A 6.14; Intel 8259A data sheet.
 */
#ifndef ACRE_GUEST_LIB_INTERRUPT_H
#define ACRE_GUEST_LIB_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#define VECTOR_IRQ 32
#define VECTOR_LAPIC 48
#define VECTOR_SPURIOUS 63

struct interrupt_frame { /* as the entries of start.S leave it */
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Runs with interrupts off; the controller gets its EOI afterwards. May change the frame. */
typedef void interrupt_handler(struct interrupt_frame *frame, void *opaque);

/* Builds the IDT and loads it. The library calls it before the program starts. */
void interrupts_init(void);
/* Loads the IDT on a further CPU. */
void interrupts_load(void);
/* @vector  0..62. A NULL handler takes the present one away. */
void interrupt_set(unsigned vector, interrupt_handler *handler, void *opaque);

/* Does a pair of 8259s answer? */
bool pic_present(void);
/*
 * The first call sets both PICs up with everything masked. Edge-triggered, as on the ISA bus.
 * @irq  0..15, not 2
 */
void irq_enable(unsigned irq, interrupt_handler *handler, void *opaque);
void irq_disable(unsigned irq);
/*
 * Lets in a request that the PIC has kept, if there is one. A short window of STI would not do: a
 * KVM that emulates may look for interrupts only now and then. Context: interrupts off.
 */
void irq_drain(unsigned irq);

/* What the PIC has in service, or has been asked for: bit n is irq n. */
uint16_t pic_in_service(void);
uint16_t pic_requested(void);
/* Which irqs the PIC takes as levels (ELCR): bit n is irq n; 0, 1, 2, 8 and 13 stay edges. */
void pic_set_levels(uint16_t irqs);

/*
 * The input lines of QEMU's pc-testdev, on the board qemu-test: what a device's line would do.
 * @gsi  0..23, of which 0..15 are the PIC's irqs too
 */
void irq_line_set(unsigned gsi, bool high);
/*
 * Lets interrupts in for that time, which is long enough for one to arrive that is on its way.
 * Context: interrupts off, and off again afterwards.
 */
void interrupts_window(unsigned ms);
/*
 * Lets interrupts in until *value has reached `want`, for some seconds at most.
 * Returns: whether it has. Context: interrupts off, and off again afterwards.
 */
bool interrupts_until(const volatile unsigned *value, unsigned want);

#endif
