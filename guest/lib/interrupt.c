/*
 * interrupt.c - one IDT for all CPUs; every entry leads to interrupt_dispatch(), which finds the
 * handler in a table. File-scope state: the tables are the machine's.
 */
#include "guest/lib/interrupt.h"

#include "guest/lib/apic.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exit.h"
#include "guest/lib/io.h"
#include "guest/lib/start.h"
#include "guest/lib/time.h"

#define ENTRY_SIZE 16 /* bytes from one interrupt entry of start.S to the next */
#define GATE_INTERRUPT 0x8e

enum { PIC1 = 0x20, PIC2 = 0xa0 }; /* command ports; data is one above */
#define PIC_ELCR 0x4d0
#define PIC_EOI 0x20
#define PIC_READ_IRR 0x0a
#define PIC_READ_ISR 0x0b
#define PIC_CASCADE_IRQ 2
#define TESTDEV_LINES 0x2000
#define WINDOW_LOOPS 1000 /* at least: the host may stop the CPU for longer than a window lasts */

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const char isr_entries[];

/* In a page of its own: what shares a page with it could not be watched. */
static union {
    struct gate gates[VECTORS];
    uint8_t page[4096];
} idt __attribute__((aligned(4096)));
static struct {
    interrupt_handler *handler;
    void *opaque;
} handlers[VECTORS];
static bool pic_ready;

void interrupt_dispatch(struct interrupt_frame *frame);

void interrupts_init(void)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        uint32_t entry = (uint32_t)(uintptr_t)isr_entries + i * ENTRY_SIZE;

        idt.gates[i] = (struct gate){
            .offset_low = (uint16_t)entry,
            .offset_mid = (uint16_t)(entry >> 16),
            .selector = SELECTOR_CODE64,
            .type = GATE_INTERRUPT,
        };
    }
    interrupts_load();
}

void interrupts_load(void)
{
    const struct table_pointer pointer = {.limit = sizeof(idt.gates) - 1,
                                          .base = (uintptr_t)idt.gates};

    __asm__ volatile("lidt %0" ::"m"(pointer));
}

void interrupt_set(unsigned vector, interrupt_handler *handler, void *opaque)
{
    handlers[vector].opaque = opaque;
    handlers[vector].handler = handler;
}

static void report_unhandled(const struct interrupt_frame *f)
{
    static uint32_t reporting; /* a fault while reporting one ends the machine at once */

    if (__atomic_exchange_n(&reporting, 1, __ATOMIC_ACQUIRE)) {
        guest_exit(GUEST_EXIT_FAULT);
    }
    console_printf("\n# unhandled %s %lu error 0x%lx rip 0x%lx rsp 0x%lx cr2 0x%lx\n",
                   f->vector < VECTOR_IRQ ? "exception" : "interrupt", f->vector, f->error, f->rip,
                   f->rsp, read_cr2());
    guest_exit(GUEST_EXIT_FAULT);
}

static uint16_t pic_register(uint8_t command)
{
    outb(PIC1, command);
    outb(PIC2, command);
    return (uint16_t)(inb(PIC2) << 8 | inb(PIC1));
}

uint16_t pic_in_service(void)
{
    return pic_register(PIC_READ_ISR);
}

uint16_t pic_requested(void)
{
    return pic_register(PIC_READ_IRR);
}

void pic_set_levels(uint16_t irqs)
{
    outb(PIC_ELCR, (uint8_t)irqs);
    outb(PIC_ELCR + 1, (uint8_t)(irqs >> 8));
}

void irq_line_set(unsigned gsi, bool high)
{
    outb((uint16_t)(TESTDEV_LINES + gsi), high);
}

void interrupts_window(unsigned ms)
{
    struct deadline end = deadline_ms(ms);

    interrupts_on();
    for (unsigned i = 0; i < WINDOW_LOOPS || !deadline_passed(&end); i++) {
        cpu_pause();
    }
    interrupts_off();
}

/* A PIC that has nothing after all gives irq 7 or 15, which gets no EOI of that PIC. */
static bool pic_is_spurious(unsigned irq)
{
    if (irq == 7) {
        return !(pic_in_service() & 0x80);
    }
    if (irq == 15 && !(pic_in_service() & 0x8000)) {
        outb(PIC1, PIC_EOI);
        return true;
    }
    return false;
}

static void pic_eoi(unsigned irq)
{
    if (irq >= 8) {
        outb(PIC2, PIC_EOI);
    }
    outb(PIC1, PIC_EOI);
}

/* Called by start.S. */
void interrupt_dispatch(struct interrupt_frame *frame)
{
    unsigned vector = (unsigned)frame->vector;
    bool from_pic = vector >= VECTOR_IRQ && vector < VECTOR_LAPIC;

    if (vector == VECTOR_SPURIOUS || (from_pic && pic_is_spurious(vector - VECTOR_IRQ))) {
        return;
    }
    if (!handlers[vector].handler) {
        report_unhandled(frame);
    }
    handlers[vector].handler(frame, handlers[vector].opaque);
    if (from_pic) {
        pic_eoi(vector - VECTOR_IRQ);
    } else if (vector >= VECTOR_LAPIC) {
        lapic_eoi();
    }
}

bool pic_present(void)
{
    uint8_t old = inb(PIC1 + 1), seen;

    outb(PIC1 + 1, 0xa5);
    seen = inb(PIC1 + 1);
    outb(PIC1 + 1, old);
    return seen == 0xa5;
}

static void pic_init(uint16_t pic, uint8_t vector, uint8_t cascade)
{
    outb(pic, 0x11); /* ICW1: edge, cascaded, ICW4 follows */
    outb((uint16_t)(pic + 1), vector);
    outb((uint16_t)(pic + 1), cascade);
    outb((uint16_t)(pic + 1), 0x01); /* ICW4: 8086 mode */
    outb((uint16_t)(pic + 1), 0xff);
}

static void irq_mask(unsigned irq, bool masked)
{
    uint16_t port = irq < 8 ? PIC1 + 1 : PIC2 + 1;
    uint8_t bit = (uint8_t)(1u << (irq & 7)), mask = inb(port);

    outb(port, masked ? mask | bit : mask & (uint8_t)~bit);
}

void irq_enable(unsigned irq, interrupt_handler *handler, void *opaque)
{
    interrupt_set(VECTOR_IRQ + irq, handler, opaque);
    if (!pic_ready) {
        pic_init(PIC1, VECTOR_IRQ, 1 << PIC_CASCADE_IRQ);
        pic_init(PIC2, VECTOR_IRQ + 8, PIC_CASCADE_IRQ);
        irq_mask(PIC_CASCADE_IRQ, false);
        pic_ready = true;
    }
    irq_mask(irq, false);
}

void irq_disable(unsigned irq)
{
    irq_mask(irq, true);
}

void irq_drain(unsigned irq)
{
    uint16_t pic = irq < 8 ? PIC1 : PIC2;

    interrupts_on();
    outb(pic, PIC_READ_IRR);
    while (inb(pic) & 1u << (irq & 7)) {
        cpu_pause();
    }
    interrupts_off();
}

bool interrupts_until(const volatile unsigned *value, unsigned want)
{
    struct deadline limit = deadline_ms(5000);

    interrupts_on();
    while (*value < want && !deadline_passed(&limit)) {
        cpu_pause();
    }
    interrupts_off();
    return *value >= want;
}
