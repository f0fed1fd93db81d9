/*
 * x86_idt.c - gates are taken apart byte by byte, so that no form of them depends on how a compiler
 * lays out bit-fields.
 */
#include "vmm/x86_idt.h"

#include <stddef.h>

enum { PRESENT = 0x80, DPL_SHIFT = 5, DPL_MASK = 3, TYPE_MASK = 0x1f, IST_MASK = 7 };
enum { TASK = 5, INTERRUPT_16 = 6, TRAP_16 = 7, INTERRUPT = 14, TRAP = 15 };

static uint64_t little(const uint8_t *bytes, unsigned len)
{
    uint64_t value = 0;
    unsigned i;

    for (i = 0; i < len; i++) {
        value |= (uint64_t)bytes[i] << 8 * i;
    }
    return value;
}

static bool is_gate(enum x86_idt_form form, unsigned type)
{
    return type == INTERRUPT || type == TRAP ||
           (form == X86_IDT_32 && (type == TASK || type == INTERRUPT_16 || type == TRAP_16));
}

static void take_apart(enum x86_idt_form form, struct x86_gate *gate)
{
    const uint8_t *raw = gate->raw;

    gate->offset = little(raw, 2);
    gate->selector = (uint16_t)little(raw + 2, 2);
    if (form == X86_IDT_REAL) {
        gate->result = X86_GATE_OK;
        return;
    }
    gate->type = raw[5] & TYPE_MASK;
    gate->dpl = raw[5] >> DPL_SHIFT & DPL_MASK;
    gate->offset |= little(raw + 6, 2) << 16;
    if (form == X86_IDT_64) {
        gate->offset |= little(raw + 8, 4) << 32;
        gate->ist = raw[4] & IST_MASK;
    }
    gate->result = !is_gate(form, gate->type) ? X86_GATE_NOT_A_GATE
                   : raw[5] & PRESENT         ? X86_GATE_OK
                                              : X86_GATE_NOT_PRESENT;
}

void x86_gate_read(const struct x86_idt *idt, unsigned vector,
                   int (*read)(void *opaque, uint64_t linear, void *buf, unsigned len),
                   void *opaque, struct x86_gate *gate)
{
    static const unsigned sizes[] = {[X86_IDT_REAL] = 4, [X86_IDT_32] = 8, [X86_IDT_64] = 16};
    unsigned size = sizes[idt->form];

    *gate = (struct x86_gate){.addr = idt->base + (uint64_t)vector * size};
    if (vector * size + size - 1 > idt->limit) {
        gate->result = X86_GATE_BEYOND_LIMIT;
    } else if (read(opaque, gate->addr, gate->raw, size) < 0) {
        gate->result = X86_GATE_NO_MEMORY;
    } else {
        gate->raw_len = size;
        take_apart(idt->form, gate);
    }
}

const char *x86_gate_result_name(enum x86_gate_result result)
{
    static const char *const names[] = {
        [X86_GATE_BEYOND_LIMIT] = "beyond the table's limit",
        [X86_GATE_NO_MEMORY] = "no memory there",
        [X86_GATE_NOT_A_GATE] = "not a gate",
        [X86_GATE_NOT_PRESENT] = "not present",
    };

    return result == X86_GATE_OK ? NULL : names[result];
}

const char *x86_gate_type_name(unsigned type)
{
    switch (type) {
    case TASK:
        return "task gate";
    case INTERRUPT_16:
        return "16-bit interrupt gate";
    case TRAP_16:
        return "16-bit trap gate";
    case INTERRUPT:
        return "interrupt gate";
    case TRAP:
        return "trap gate";
    default:
        return "vector";
    }
}

const char *x86_exception_name(unsigned vector)
{
    static const char *const names[] = {
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", NULL,  "#TS",
        "#NP", "#SS", "#GP", "#PF", NULL,  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
    };

    return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : NULL;
}
