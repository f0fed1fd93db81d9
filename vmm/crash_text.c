/*
 * crash_text.c - the report for a person. Parts in the order of the questions: where is it, what
 * happened, by which way did it come there, what did it do before.
 */
#include "vmm/crash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/register_names.h"

enum {
    LINE_SIZE = 256,
    REGISTERS_A_LINE = 4,
    GENERAL_NUM = 18, /* of register_names.h: up to rflags */
    SHORT_EXITS = 8,
    SHORT_FRAMES = 12,
    SHORT_CHANGES = 4,
    SHORT_SERIAL_LINES = 4,
    FULL_SERIAL_LINES = 12,
};

struct printer {
    const struct crash *crash;
    bool full;
    void (*line)(void *opaque, const char *text);
    void *opaque;
};

static void print(const struct printer *printer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void print(const struct printer *printer, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    printer->line(printer->opaque, text);
}

/* " <name+0x1f>", or nothing. */
static const char *named(const struct printer *printer, uint64_t addr,
                         char text[SYMBOLS_TEXT_SIZE + 4])
{
    char name[SYMBOLS_TEXT_SIZE];

    symbols_text(printer->crash->symbols, addr, name);
    (void)snprintf(text, SYMBOLS_TEXT_SIZE + 4, name[0] != '\0' ? " <%s>" : "%s", name);
    return text;
}

static const char *mp_state_name(uint32_t state)
{
    switch (state) {
    case KVM_MP_STATE_RUNNABLE:
        return "runnable";
    case KVM_MP_STATE_UNINITIALIZED:
        return "never started";
    case KVM_MP_STATE_INIT_RECEIVED:
        return "waits for SIPI";
    case KVM_MP_STATE_HALTED:
        return "halted";
    default:
        return "in another state";
    }
}

static void print_header(const struct printer *printer, const struct crash_cpu *cpu)
{
    enum { RFLAGS_IF = 1 << 9, CPL_MASK = 3 };
    char name[SYMBOLS_TEXT_SIZE + 4];

    if (cpu->source == CRASH_SOURCE_NONE) {
        print(printer, "cpu %u: KVM does not tell its registers", cpu->index);
        return;
    }
    if (cpu->source == CRASH_SOURCE_RESET) {
        print(printer, "cpu %u: KVM has reset it, its registers are lost", cpu->index);
        return;
    }
    print(printer, "cpu %u at 0x%" PRIx64 "%s: %u-bit code, paging %s, CPL %u, IF %d%s%s",
          cpu->index, cpu->rip, named(printer, cpu->rip, name), cpu->bits,
          x86_paging_mode_name(x86_paging_mode(&cpu->paging.regs)),
          (unsigned)cpu->sregs.ss.dpl & CPL_MASK, (cpu->regs.rflags & RFLAGS_IF) != 0,
          cpu->has_mp_state ? ", " : "", cpu->has_mp_state ? mp_state_name(cpu->mp_state) : "");
    if (cpu->source == CRASH_SOURCE_LAST_EXIT) {
        print(printer,
              "  KVM has reset the CPU: registers are those of its last exit, control "
              "registers %" PRIu64 " exits older",
              cpu->exits_since);
    }
}

static void print_registers(const struct printer *printer, const struct crash_cpu *cpu)
{
    char text[LINE_SIZE];
    size_t used = 0;
    unsigned i;

    for (i = 0; i < REGISTER_NAMES_NUM; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%3s=%016" PRIx64,
                                 used ? " " : "  ", register_name(i),
                                 register_value(&cpu->regs, &cpu->sregs, i));
        if ((i + 1) % REGISTERS_A_LINE == 0 || i + 1 == REGISTER_NAMES_NUM) {
            print(printer, "%s", text);
            used = 0;
        }
    }
}

static void print_segments(const struct printer *printer, const struct crash_cpu *cpu)
{
    const struct kvm_sregs *sregs = &cpu->sregs;
    const struct {
        const char *name;
        const struct kvm_segment *segment;
    } segments[] = {{"cs", &sregs->cs}, {"ss", &sregs->ss},  {"ds", &sregs->ds},
                    {"es", &sregs->es}, {"fs", &sregs->fs},  {"gs", &sregs->gs},
                    {"tr", &sregs->tr}, {"ldt", &sregs->ldt}};
    size_t i;

    for (i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
        const struct kvm_segment *segment = segments[i].segment;

        print(printer, "  %-3s %04x base 0x%" PRIx64 " limit 0x%" PRIx32 " type 0x%x dpl %u%s%s%s",
              segments[i].name, segment->selector, (uint64_t)segment->base, segment->limit,
              segment->type, segment->dpl, segment->l ? " 64-bit" : "",
              segment->db ? " 32-bit" : "", segment->present ? "" : " not present");
    }
    print(printer, "  gdt base 0x%" PRIx64 " limit 0x%x; idt base 0x%" PRIx64 " limit 0x%x",
          (uint64_t)sregs->gdt.base, sregs->gdt.limit, (uint64_t)sregs->idt.base, sregs->idt.limit);
}

static void print_walk(const struct printer *printer, const char *what, uint64_t addr,
                       const struct x86_walk *walk)
{
    char flags[48], name[SYMBOLS_TEXT_SIZE + 4];
    unsigned i;

    if (walk->result == X86_WALK_OK && !printer->full) {
        return;
    }
    if (walk->result == X86_WALK_OK) {
        print(printer, "  %s 0x%" PRIx64 "%s is at physical 0x%" PRIx64 ", page of 0x%" PRIx64 "%s",
              what, addr, named(printer, addr, name), walk->gpa, walk->page_size,
              walk->page_size == 0 ? " (paging off)" : "");
    } else {
        print(printer, "  %s 0x%" PRIx64 "%s is not mapped: %s", what, addr,
              named(printer, addr, name), x86_walk_result_name(walk->result));
    }
    for (i = 0; i < walk->level_num; i++) {
        x86_walk_flags(&walk->levels[i], flags, sizeof(flags));
        print(printer, "    %-5s 0x%" PRIx64 ": %016" PRIx64 " %s", walk->levels[i].name,
              walk->levels[i].entry_gpa, walk->levels[i].raw, flags);
    }
}

static void print_gate(const struct printer *printer, const struct x86_gate *gate,
                       enum x86_walk_result handler, char *text, size_t size)
{
    char name[SYMBOLS_TEXT_SIZE + 4];

    if (gate->result != X86_GATE_OK) {
        (void)snprintf(text, size, "no handler: gate at 0x%" PRIx64 " is %s%s", gate->addr,
                       gate->result == X86_GATE_NO_MEMORY ? "not readable: " : "",
                       x86_gate_result_name(gate->result));
        return;
    }
    (void)snprintf(text, size, "%s at 0x%" PRIx64 " to %04x:0x%" PRIx64 "%s%s%s",
                   x86_gate_type_name(gate->type), gate->addr, gate->selector, gate->offset,
                   named(printer, gate->offset, name),
                   handler != X86_WALK_OK ? ", not mapped: " : "",
                   handler != X86_WALK_OK ? x86_walk_result_name(handler) : "");
}

static const char *how_name(enum crash_how how)
{
    return how == CRASH_HOW_INJECTED  ? "being delivered"
           : how == CRASH_HOW_PENDING ? "pending"
                                      : "a guess";
}

static void print_exceptions(const struct printer *printer, const struct crash_cpu *cpu)
{
    char gate[LINE_SIZE], error[32];
    const char *name;
    size_t i;

    for (i = 0; i < cpu->exception_num; i++) {
        const struct crash_exception *exception = &cpu->exceptions[i];

        error[0] = '\0';
        if (exception->has_error_code) {
            (void)snprintf(error, sizeof(error), " error 0x%" PRIx32, exception->error_code);
        }
        print_gate(printer, &exception->gate, exception->handler, gate, sizeof(gate));
        name = x86_exception_name(exception->vector);
        print(printer, "  exception %s (%u)%s, %s%s: %s", name ? name : "?", exception->vector,
              error, how_name(exception->how),
              cpu->source == CRASH_SOURCE_LAST_EXIT ? ", by the IDT of then" : "", gate);
    }
}

static void print_code(const struct printer *printer, const struct crash_cpu *cpu)
{
    char bytes[3 * CODE_LEN_MAX + 1], name[SYMBOLS_TEXT_SIZE + 4];
    size_t i;
    unsigned j;

    if (cpu->code_num == 0) {
        print(printer, "code at 0x%" PRIx64 " is not readable", cpu->rip);
        return;
    }
    print(printer, "code:");
    for (i = 0; i < cpu->code_num; i++) {
        const struct code_line *line = &cpu->code[i];

        for (j = 0; j < line->len; j++) {
            (void)snprintf(bytes + (size_t)3 * j, 4, "%02x ", line->bytes[j]);
        }
        print(printer, "%s 0x%" PRIx64 ": %-33s %s%s", line->addr == cpu->rip ? ">" : " ",
              line->addr, line->len > 0 ? bytes : "", line->text,
              line->addr == cpu->rip ? named(printer, line->addr, name) : "");
    }
}

static void print_stack(const struct printer *printer, const struct crash_cpu *cpu)
{
    size_t num = cpu->frame_num, i;
    char name[SYMBOLS_TEXT_SIZE + 4];

    if (num == 0) {
        if (cpu->bits >= 32) {
            print(printer, "stack at 0x%" PRIx64 ": no return addresses found",
                  (uint64_t)cpu->regs.rsp);
        }
        return;
    }
    num = !printer->full && num > SHORT_FRAMES ? SHORT_FRAMES : num;
    print(printer, "stack at 0x%" PRIx64 " (\"?\": a guess):", (uint64_t)cpu->regs.rsp);
    for (i = 0; i < num; i++) {
        print(printer, "%s 0x%" PRIx64 "%s", cpu->frames[i].guess ? "?" : " ", cpu->frames[i].addr,
              named(printer, cpu->frames[i].addr, name));
    }
}

static void print_cpu(const struct printer *printer, const struct crash_cpu *cpu)
{
    print_header(printer, cpu);
    if (cpu->source == CRASH_SOURCE_NONE || cpu->source == CRASH_SOURCE_RESET) {
        return;
    }
    print_registers(printer, cpu);
    if (printer->full) {
        print_segments(printer, cpu);
    }
    print_exceptions(printer, cpu);
    print_walk(printer, "rip", cpu->rip, &cpu->rip_walk);
    if (cpu->has_cr2_walk) {
        print_walk(printer, "cr2", cpu->sregs.cr2, &cpu->cr2_walk);
    }
    print_code(printer, cpu);
    print_stack(printer, cpu);
}

/* Text goes out byte by byte. Returns: how many exits from `i` on are writes to one place. */
static size_t run_length(const struct crash *crash, size_t i)
{
    const struct history_line *first = &crash->exits[i];
    size_t end = i;

    while (end < crash->exit_num) {
        const struct history_line *line = &crash->exits[end];

        if (!line->exit.write || line->exit.size != 1 || line->exit.count != 1 ||
            !line->exit.done || line->cpu != first->cpu || line->exit.addr != first->exit.addr ||
            line->exit.reason != first->exit.reason) {
            break;
        }
        end++;
    }
    return end > i ? end - i : 1;
}

/* "cpu 0 port write 0x3f8 6 bytes "riple." (serial+0x0)" */
static void print_run(const struct printer *printer, const struct history_line *first, size_t num)
{
    enum { SHOWN_MAX = 32 };
    char bytes[SHOWN_MAX + 1], region[sizeof(first->region) + 24] = "";
    size_t shown = num < SHOWN_MAX ? num : SHOWN_MAX, i;

    for (i = 0; i < shown; i++) {
        uint64_t byte = first[num - shown + i].exit.value;

        bytes[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
    }
    bytes[shown] = '\0';
    if (first->region[0] != '\0') {
        (void)snprintf(region, sizeof(region), " (%s+0x%" PRIx64 ")", first->region, first->offset);
    }
    print(printer, "  cpu %u %s write 0x%" PRIx64 " %zu bytes \"%s%s\"%s", first->cpu,
          history_reason_name(first->exit.reason), first->exit.addr, num, shown < num ? ".." : "",
          bytes, region);
}

static void print_exits(const struct printer *printer)
{
    const struct crash *crash = printer->crash;
    size_t line_num = 0, i, num;
    char text[LINE_SIZE];

    for (i = 0; i < crash->exit_num; i += run_length(crash, i)) {
        line_num++;
    }
    if (line_num > 0) {
        print(printer, "last exits:");
    }
    for (i = 0; i < crash->exit_num; i += num, line_num--) {
        num = run_length(crash, i);
        if (line_num > SHORT_EXITS && !printer->full) {
            continue;
        }
        if (num > 1) {
            print_run(printer, &crash->exits[i], num);
        } else {
            history_text(&crash->exits[i], text, sizeof(text));
            print(printer, "  %s", text);
        }
    }
}

static void print_changes(const struct printer *printer)
{
    const struct crash *crash = printer->crash;
    size_t i =
        !printer->full && crash->change_num > SHORT_CHANGES ? crash->change_num - SHORT_CHANGES : 0;

    if (crash->change_num > 0) {
        print(printer, "last changes of the map:");
    }
    for (; i < crash->change_num; i++) {
        const struct map_change *change = &crash->changes[i];

        print(printer,
              "  %" PRIu64 ": %s 0x%" PRIx64 "-0x%" PRIx64 ": %" PRIu32 " removed, %" PRIu32
              " added (%s %s)",
              change->number, change->io ? "ports" : "memory", change->first, change->last,
              change->removed, change->added, change->cause ? change->cause : "?", change->region);
    }
}

/* From the start of the last `num` lines. */
static const char *last_lines(const char *data, size_t len, size_t num)
{
    const char *from = data + len;

    if (len > 0 && data[len - 1] == '\n') {
        from--;
    }
    while (from > data && !(from[-1] == '\n' && --num == 0)) {
        from--;
    }
    return from;
}

static void print_serial(const struct printer *printer, const struct crash_serial *serial)
{
    const char *from = last_lines(serial->data, serial->len,
                                  printer->full ? FULL_SERIAL_LINES : SHORT_SERIAL_LINES);
    const char *end = serial->data + serial->len;

    print(printer, "last lines of %s:", serial->name);
    while (from < end) {
        const char *newline = memchr(from, '\n', (size_t)(end - from));
        size_t len = (size_t)((newline ? newline : end) - from);

        while (len > 0 && from[len - 1] == '\r') {
            len--;
        }
        print(printer, "| %.*s", len < LINE_SIZE - 3 ? (int)len : LINE_SIZE - 3, from);
        from = newline ? newline + 1 : end;
    }
}

void crash_print(const struct crash *crash, enum crash_form form,
                 void (*line)(void *opaque, const char *text), void *opaque)
{
    const struct printer printer = {crash, form == CRASH_FORM_FULL, line, opaque};
    size_t i;

    if (form == CRASH_FORM_NONE) {
        return;
    }
    for (i = 0; i < crash->cpu_num; i++) {
        if (i == 0 || printer.full) {
            print_cpu(&printer, &crash->cpus[i]);
        } else {
            print_header(&printer, &crash->cpus[i]);
        }
    }
    print_exits(&printer);
    print_changes(&printer);
    for (i = 0; i < crash->serial_num; i++) {
        print_serial(&printer, &crash->serials[i]);
    }
}
