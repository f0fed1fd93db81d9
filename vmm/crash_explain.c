/*
 * crash_explain.c - from registers and memory to what a person asks: which instruction, on which
 * page, which exception, and where its handler was to be found.
 */
#include "vmm/crash.h"

#include <errno.h>
#include <string.h>

#include "vmm/peek.h"

enum {
    VECTOR_UD = 6,
    VECTOR_DF = 8,
    VECTOR_PF = 14,
    CODE_BYTES = 64,   /* from RIP on, and in one go */
    SYMBOL_REACH = 256 /* so far before RIP decoding may begin at a symbol */
};

struct reader {
    const struct vcpu_paging *paging;
    AddressSpace *memory;
};

int crash_read_linear(const struct vcpu_paging *paging, AddressSpace *memory, uint64_t linear,
                      void *buf, size_t len)
{
    const struct peek peek = {.memory = memory, .paging = paging};
    uint64_t bad;

    return peek_read(&peek, linear, buf, len, &bad);
}

static int read_gate(void *opaque, uint64_t linear, void *buf, unsigned len)
{
    const struct reader *reader = opaque;

    return crash_read_linear(reader->paging, reader->memory, linear, buf, len);
}

/* What can be read of `len` bytes; byte by byte only where a page ends in nothing. */
static size_t read_code(const struct reader *reader, uint64_t linear, uint8_t *bytes, size_t len)
{
    size_t num = 0;

    if (crash_read_linear(reader->paging, reader->memory, linear, bytes, len) == 0) {
        return len;
    }
    while (num < len &&
           crash_read_linear(reader->paging, reader->memory, linear + num, bytes + num, 1) == 0) {
        num++;
    }
    return num;
}

/*
 * What comes before RIP can be told only from where an instruction is known to begin: the symbol.
 * Returns: how many lines, the last ones before RIP; 0 when decoding does not arrive at RIP.
 */
static size_t code_before(const struct crash_cpu *cpu, const struct reader *reader,
                          const struct symbols *symbols, struct code_line *lines)
{
    uint8_t bytes[SYMBOL_REACH];
    uint64_t offset = 0;
    struct code_line all[SYMBOL_REACH];
    size_t num, take;

    if (!symbols_find(symbols, cpu->rip, &offset) || offset == 0 || offset > SYMBOL_REACH ||
        crash_read_linear(reader->paging, reader->memory, cpu->rip - offset, bytes, offset) < 0) {
        return 0;
    }
    num = code_disassemble(cpu->bits, cpu->rip - offset, bytes, offset, all, SYMBOL_REACH);
    /* An instruction that RIP lies in the middle of ends as a bad byte. */
    if (num == 0 || strcmp(all[num - 1].text, "(bad)") == 0) {
        return 0;
    }
    take = num < CRASH_CODE_BEFORE ? num : CRASH_CODE_BEFORE;
    memcpy(lines, &all[num - take], take * sizeof(*lines));
    return take;
}

/* The next function has nothing to do with it. */
static void cut_at_symbol(struct crash_cpu *cpu, size_t from, const struct symbols *symbols)
{
    uint64_t offset;
    size_t i;

    for (i = from; i < cpu->code_num; i++) {
        if (symbols_find(symbols, cpu->code[i].addr, &offset) && offset == 0) {
            cpu->code_num = i;
        }
    }
}

static void explain_code(struct crash_cpu *cpu, const struct reader *reader,
                         const struct symbols *symbols)
{
    uint8_t bytes[CODE_BYTES];
    size_t len = read_code(reader, cpu->rip, bytes, sizeof(bytes)), before;

    if (len == 0) {
        return;
    }
    cpu->code_num = code_before(cpu, reader, symbols, cpu->code);
    before = cpu->code_num;
    cpu->code_num += code_disassemble(cpu->bits, cpu->rip, bytes, len, cpu->code + before,
                                      CRASH_CODE_MAX - before);
    cut_at_symbol(cpu, before + 1, symbols);
}

static struct x86_idt table_of(const struct crash_cpu *cpu)
{
    return (struct x86_idt){
        .base = cpu->sregs.idt.base,
        .limit = cpu->sregs.idt.limit,
        .form = cpu->sregs.efer & CRASH_EFER_LMA ? X86_IDT_64
                : cpu->sregs.cr0 & CRASH_CR0_PE  ? X86_IDT_32
                                                 : X86_IDT_REAL,
    };
}

/* In 64-bit mode code segments have base 0; elsewhere the flat model is by far the usual one. */
static uint64_t handler_of(const struct x86_idt *idt, const struct x86_gate *gate)
{
    return idt->form == X86_IDT_REAL ? (uint64_t)gate->selector * 16 + gate->offset : gate->offset;
}

/* Returns: the exception; NULL when there is no room, or it is known already. */
static struct crash_exception *add_exception(struct crash_cpu *cpu, const struct reader *reader,
                                             unsigned vector, enum crash_how how)
{
    const struct x86_idt idt = table_of(cpu);
    struct crash_exception *exception = &cpu->exceptions[cpu->exception_num];
    struct x86_walk walk;
    size_t i;

    for (i = 0; i < cpu->exception_num; i++) {
        if (cpu->exceptions[i].vector == vector) {
            return NULL;
        }
    }
    if (cpu->exception_num == CRASH_EXCEPTION_MAX) {
        return NULL;
    }
    cpu->exception_num++;
    *exception = (struct crash_exception){.vector = vector, .how = how};
    x86_gate_read(&idt, vector, read_gate, (void *)(uintptr_t)reader, &exception->gate);
    if (exception->gate.result == X86_GATE_OK) {
        vcpu_paging_walk(reader->paging, reader->memory, handler_of(&idt, &exception->gate), &walk);
        exception->handler = walk.result;
    }
    return exception;
}

static void explain_known(struct crash_cpu *cpu, const struct reader *reader)
{
    const struct kvm_vcpu_events *events = &cpu->events;
    bool pending = (events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && events->exception.pending;
    struct crash_exception *exception;

    if (!cpu->has_events || (!events->exception.injected && !pending)) {
        return;
    }
    exception = add_exception(cpu, reader, events->exception.nr,
                              events->exception.injected ? CRASH_HOW_INJECTED : CRASH_HOW_PENDING);
    if (exception && events->exception.has_error_code) {
        exception->has_error_code = true;
        exception->error_code = events->exception.error_code;
    }
}

static bool at_undefined(const struct crash_cpu *cpu)
{
    size_t i;

    for (i = 0; i < cpu->code_num; i++) {
        if (cpu->code[i].addr == cpu->rip) {
            return strncmp(cpu->code[i].text, "ud", 2) == 0;
        }
    }
    return false;
}

/* A triple fault: some exception, then one on the way to its handler, then none for #DF either. */
static void explain_triple(struct crash_cpu *cpu, const struct reader *reader)
{
    if (cpu->source == CRASH_SOURCE_END && at_undefined(cpu)) {
        (void)add_exception(cpu, reader, VECTOR_UD, CRASH_HOW_GUESS);
    } else if (cpu->source == CRASH_SOURCE_END &&
               (cpu->rip_walk.result != X86_WALK_OK ||
                (cpu->has_cr2_walk && cpu->cr2_walk.result != X86_WALK_OK))) {
        (void)add_exception(cpu, reader, VECTOR_PF, CRASH_HOW_GUESS);
    }
    (void)add_exception(cpu, reader, VECTOR_DF, CRASH_HOW_GUESS);
}

void crash_explain_cpu(struct crash_cpu *cpu, enum verdict_kind kind, AddressSpace *memory,
                       const struct symbols *symbols)
{
    const struct reader reader = {&cpu->paging, memory};

    if (cpu->source == CRASH_SOURCE_NONE || cpu->source == CRASH_SOURCE_RESET) {
        return;
    }
    cpu->bits = code_bits(&cpu->sregs);
    cpu->rip = cpu->bits == 64 ? cpu->regs.rip : (uint32_t)(cpu->sregs.cs.base + cpu->regs.rip);
    vcpu_paging_walk(&cpu->paging, memory, cpu->rip, &cpu->rip_walk);
    cpu->has_cr2_walk = cpu->sregs.cr2 != 0;
    if (cpu->has_cr2_walk) {
        vcpu_paging_walk(&cpu->paging, memory, cpu->sregs.cr2, &cpu->cr2_walk);
    }
    explain_code(cpu, &reader, symbols);
    explain_known(cpu, &reader);
    if (kind == VERDICT_TRIPLE_FAULT) {
        explain_triple(cpu, &reader);
    }
    crash_walk_stack(cpu, memory, symbols);
}
