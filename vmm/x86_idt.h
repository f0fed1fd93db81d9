/*
 * x86_idt.h - the interrupt descriptor table: which handler an exception takes, or why none.
 *
 * The table is the guest's, and nothing is assumed of it.
 *
 * Context: any thread; no locks; one read. Nothing is allocated.
 * Source: Intel SDM vol. 3A 6.3.1 (vectors), 6.11 and 6.14.1 (gates), 20.1.4 (real mode).
 */
#ifndef ACRE_VMM_X86_IDT_H
#define ACRE_VMM_X86_IDT_H

#include <stdbool.h>
#include <stdint.h>

enum x86_idt_form {
    X86_IDT_REAL, /* 4 bytes a vector: offset, segment */
    X86_IDT_32,   /* 8 bytes a vector */
    X86_IDT_64,   /* 16 bytes a vector */
};

struct x86_idt {
    uint64_t base; /* linear */
    uint16_t limit;
    enum x86_idt_form form;
};

enum x86_gate_result {
    X86_GATE_OK,
    X86_GATE_BEYOND_LIMIT,
    X86_GATE_NO_MEMORY, /* its page is not mapped, or no memory is there */
    X86_GATE_NOT_A_GATE,
    X86_GATE_NOT_PRESENT,
};

enum { X86_GATE_SIZE_MAX = 16 };

struct x86_gate {
    enum x86_gate_result result;
    uint64_t addr; /* linear, where it lies or would lie */
    uint8_t raw[X86_GATE_SIZE_MAX];
    unsigned raw_len; /* bytes read; 0: none */
    /* Where there are bytes. */
    uint16_t selector; /* real mode: the segment */
    uint64_t offset;   /* the handler's */
    unsigned type; /* 5 task, 6, 7 16-bit, 14, 15 32- or 64-bit; odd: leaves IF alone; real: 0 */
    unsigned dpl, ist; /* ist: 64-bit only, 0: none */
};

/*
 * @vector  0..255
 * @read    copies `len` bytes (4, 8 or 16) from a linear address; 0 or -errno.
 */
void x86_gate_read(const struct x86_idt *idt, unsigned vector,
                   int (*read)(void *opaque, uint64_t linear, void *buf, unsigned len),
                   void *opaque, struct x86_gate *gate);

/* "beyond the table's limit" and so on; NULL for X86_GATE_OK. */
const char *x86_gate_result_name(enum x86_gate_result result);
/* "interrupt gate", "trap gate", "task gate", ... */
const char *x86_gate_type_name(unsigned type);
/* "#UD" and so on; NULL for vectors that are no exceptions. */
const char *x86_exception_name(unsigned vector);

#endif
