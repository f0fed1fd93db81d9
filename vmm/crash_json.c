/*
 * crash_json.c - the report for programs. jansson's setters take NULL values as errors, so results
 * are OR-ed and looked at once for each object.
 */
#include "vmm/crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vmm/map_json.h"
#include "vmm/register_names.h"

enum { CRASH_JSON_VERSION = 1 };

/* Returns: the object; NULL, and it is gone, when something failed. */
static json_t *finished(json_t *object, int failed)
{
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value);
}

static int set_text(json_t *object, const char *key, const char *text)
{
    return set(object, key, json_string(text));
}

static int set_hex(json_t *object, const char *key, uint64_t value)
{
    return set(object, key, map_json_hex(value));
}

static int set_symbol(json_t *object, const char *key, const struct crash *crash, uint64_t addr)
{
    char name[SYMBOLS_TEXT_SIZE];

    symbols_text(crash->symbols, addr, name);
    /* Names are the file's bytes, which need be no UTF-8. */
    return name[0] != '\0' ? set(object, key, json_string(name) ?: json_string("?")) : 0;
}

/* An array of `num` values that `make` gives. */
static json_t *array_of(const struct crash *crash, const void *items, size_t size, size_t num,
                        json_t *(*make)(const struct crash *crash, const void *item))
{
    json_t *array = json_array();
    int failed = !array;
    size_t i;

    for (i = 0; i < num && !failed; i++) {
        failed = json_array_append_new(array, make(crash, (const char *)items + i * size));
    }
    return finished(array, failed);
}

static json_t *make_level(const struct crash *crash, const void *item)
{
    const struct x86_walk_level *level = item;
    json_t *object = json_object();
    int failed = set_text(object, "name", level->name);

    (void)crash;
    failed |= set_hex(object, "address", level->entry_gpa);
    failed |= set_hex(object, "value", level->raw);
    return finished(object, failed);
}

static json_t *make_walk(const struct crash *crash, const struct x86_walk *walk)
{
    json_t *object = json_object();
    int failed = set_text(object, "mode", x86_paging_mode_name(walk->mode));

    failed |= set_text(object, "result",
                       walk->result == X86_WALK_OK ? "ok" : x86_walk_result_name(walk->result));
    if (walk->result == X86_WALK_OK) {
        failed |= set_hex(object, "gpa", walk->gpa);
        failed |= set_hex(object, "page_size", walk->page_size);
    }
    failed |=
        set(object, "levels",
            array_of(crash, walk->levels, sizeof(walk->levels[0]), walk->level_num, make_level));
    return finished(object, failed);
}

static json_t *make_place(const struct crash *crash, uint64_t addr, const struct x86_walk *walk)
{
    json_t *object = json_object();
    int failed = set_hex(object, "address", addr);

    failed |= set_symbol(object, "symbol", crash, addr);
    failed |= set(object, "walk", make_walk(crash, walk));
    return finished(object, failed);
}

static json_t *make_code(const struct crash *crash, const void *item)
{
    const struct code_line *line = item;
    char bytes[3 * CODE_LEN_MAX + 1] = "";
    json_t *object = json_object();
    int failed = set_hex(object, "address", line->addr);
    unsigned i;

    for (i = 0; i < line->len; i++) {
        (void)snprintf(bytes + (size_t)3 * i, 4, i + 1 < line->len ? "%02x " : "%02x",
                       line->bytes[i]);
    }
    failed |= set_text(object, "bytes", bytes);
    failed |= set_text(object, "text", line->text);
    failed |= set_symbol(object, "symbol", crash, line->addr);
    return finished(object, failed);
}

static json_t *make_gate(const struct crash *crash, const struct x86_gate *gate)
{
    json_t *object = json_object();
    int failed = set_hex(object, "address", gate->addr);

    failed |= set_text(object, "result",
                       gate->result == X86_GATE_OK ? "ok" : x86_gate_result_name(gate->result));
    if (gate->raw_len > 0) {
        failed |= set_text(object, "type", x86_gate_type_name(gate->type));
        failed |= set_hex(object, "selector", gate->selector);
        failed |= set_hex(object, "handler", gate->offset);
        failed |= set_symbol(object, "symbol", crash, gate->offset);
        failed |= set(object, "dpl", json_integer(gate->dpl));
        failed |= set(object, "ist", json_integer(gate->ist));
    }
    return finished(object, failed);
}

static json_t *make_exception(const struct crash *crash, const void *item)
{
    static const char *const hows[] = {[CRASH_HOW_INJECTED] = "delivering",
                                       [CRASH_HOW_PENDING] = "pending",
                                       [CRASH_HOW_GUESS] = "guess"};
    const struct crash_exception *exception = item;
    const char *name = x86_exception_name(exception->vector);
    json_t *object = json_object();
    int failed = set(object, "vector", json_integer(exception->vector));

    failed |= name ? set_text(object, "name", name) : 0;
    failed |= set_text(object, "how", hows[exception->how]);
    if (exception->has_error_code) {
        failed |= set_hex(object, "error_code", exception->error_code);
    }
    failed |= set(object, "gate", make_gate(crash, &exception->gate));
    if (exception->gate.result == X86_GATE_OK && exception->handler != X86_WALK_OK) {
        failed |= set_text(object, "handler_walk", x86_walk_result_name(exception->handler));
    }
    return finished(object, failed);
}

static json_t *make_frame(const struct crash *crash, const void *item)
{
    const struct crash_frame *frame = item;
    json_t *object = json_object();
    int failed = set_hex(object, "address", frame->addr);

    failed |= set_symbol(object, "symbol", crash, frame->addr);
    failed |= set_text(object, "how", frame->guess ? "guess" : "frame");
    return finished(object, failed);
}

static json_t *make_registers(const struct crash_cpu *cpu)
{
    json_t *object = json_object();
    int failed = 0;
    unsigned i;

    for (i = 0; i < REGISTER_NAMES_NUM; i++) {
        failed |= set_hex(object, register_name(i), register_value(&cpu->regs, &cpu->sregs, i));
    }
    return finished(object, failed);
}

static json_t *make_segment(const struct kvm_segment *segment)
{
    json_t *object = json_object();
    int failed = set_hex(object, "selector", segment->selector);

    failed |= set_hex(object, "base", segment->base);
    failed |= set_hex(object, "limit", segment->limit);
    failed |= set(object, "type", json_integer(segment->type));
    failed |= set(object, "dpl", json_integer(segment->dpl));
    failed |= set(object, "present", json_boolean(segment->present));
    return finished(object, failed);
}

static json_t *make_segments(const struct kvm_sregs *sregs)
{
    json_t *object = json_object();
    int failed = set(object, "cs", make_segment(&sregs->cs));

    failed |= set(object, "ss", make_segment(&sregs->ss));
    failed |= set(object, "ds", make_segment(&sregs->ds));
    failed |= set(object, "es", make_segment(&sregs->es));
    failed |= set(object, "fs", make_segment(&sregs->fs));
    failed |= set(object, "gs", make_segment(&sregs->gs));
    failed |= set(object, "tr", make_segment(&sregs->tr));
    failed |= set(object, "ldt", make_segment(&sregs->ldt));
    return finished(object, failed);
}

static json_t *make_table(const struct kvm_dtable *table)
{
    json_t *object = json_object();
    int failed = set_hex(object, "base", table->base);

    failed |= set_hex(object, "limit", table->limit);
    return finished(object, failed);
}

static int fill_cpu(json_t *object, const struct crash *crash, const struct crash_cpu *cpu)
{
    int failed = set(object, "bits", json_integer(cpu->bits));

    if (cpu->has_mp_state) {
        failed |= set(object, "mp_state", json_integer(cpu->mp_state));
    }
    failed |= set(object, "registers", make_registers(cpu));
    failed |= set(object, "segments", make_segments(&cpu->sregs));
    failed |= set(object, "gdt", make_table(&cpu->sregs.gdt));
    failed |= set(object, "idt", make_table(&cpu->sregs.idt));
    failed |= set(object, "rip", make_place(crash, cpu->rip, &cpu->rip_walk));
    if (cpu->has_cr2_walk) {
        failed |= set(object, "cr2", make_place(crash, cpu->sregs.cr2, &cpu->cr2_walk));
    }
    failed |= set(object, "code",
                  array_of(crash, cpu->code, sizeof(cpu->code[0]), cpu->code_num, make_code));
    failed |= set(object, "exceptions",
                  array_of(crash, cpu->exceptions, sizeof(cpu->exceptions[0]), cpu->exception_num,
                           make_exception));
    failed |= set(object, "stack",
                  array_of(crash, cpu->frames, sizeof(cpu->frames[0]), cpu->frame_num, make_frame));
    return failed;
}

static json_t *make_cpu(const struct crash *crash, const void *item)
{
    static const char *const sources[] = {[CRASH_SOURCE_NONE] = "none",
                                          [CRASH_SOURCE_END] = "end",
                                          [CRASH_SOURCE_LAST_EXIT] = "last-exit",
                                          [CRASH_SOURCE_RESET] = "reset"};
    const struct crash_cpu *cpu = item;
    json_t *object = json_object();
    int failed = set(object, "cpu", json_integer(cpu->index));

    failed |= set_text(object, "state", sources[cpu->source]);
    if (cpu->source == CRASH_SOURCE_END || cpu->source == CRASH_SOURCE_LAST_EXIT) {
        failed |= fill_cpu(object, crash, cpu);
    }
    return finished(object, failed);
}

static json_t *make_change(const struct crash *crash, const void *item)
{
    const struct map_change *change = item;
    json_t *object = json_object();
    int failed = set(object, "number", json_integer((json_int_t)change->number));

    (void)crash;
    failed |= set_text(object, "space", change->io ? "io" : "memory");
    failed |= change->cause ? set_text(object, "cause", change->cause) : 0;
    failed |= set(object, "region", json_string(change->region) ?: json_string("?"));
    failed |= set(object, "removed", json_integer(change->removed));
    failed |= set(object, "added", json_integer(change->added));
    failed |= set_hex(object, "first", change->first);
    failed |= set_hex(object, "last", change->last);
    return finished(object, failed);
}

/* A guest's bytes: what is no plain text is '?', since JSON wants UTF-8. */
static json_t *clean_line(const char *data, size_t len)
{
    char text[CRASH_SERIAL_SIZE];
    size_t i;

    while (len > 0 && data[len - 1] == '\r') {
        len--;
    }
    for (i = 0; i < len; i++) {
        text[i] = data[i] >= ' ' && data[i] <= '~' ? data[i] : data[i] == '\t' ? ' ' : '?';
    }
    return json_stringn(text, len);
}

static json_t *make_serial(const struct crash *crash, const void *item)
{
    const struct crash_serial *serial = item;
    const char *from = serial->data, *end = from + serial->len;
    json_t *object = json_object(), *lines = json_array();
    int failed = set_text(object, "name", serial->name);

    (void)crash;
    while (from < end) {
        const char *newline = memchr(from, '\n', (size_t)(end - from));

        failed |= json_array_append_new(
            lines, clean_line(from, (size_t)((newline ? newline : end) - from)));
        from = newline ? newline + 1 : end;
    }
    failed |= set(object, "lines", lines);
    return finished(object, failed);
}

json_t *crash_json(const struct crash *crash)
{
    json_t *root;
    int failed;

    json_object_seed(1); /* or jansson would open a file for a random one */
    root = json_object();
    failed = set(root, "version", json_integer(CRASH_JSON_VERSION));

    failed |= set(root, "cpus",
                  array_of(crash, crash->cpus, sizeof(crash->cpus[0]), crash->cpu_num, make_cpu));
    failed |= set(
        root, "map_changes",
        array_of(crash, crash->changes, sizeof(crash->changes[0]), crash->change_num, make_change));
    failed |= set(
        root, "serial",
        array_of(crash, crash->serials, sizeof(crash->serials[0]), crash->serial_num, make_serial));
    return finished(root, failed);
}
