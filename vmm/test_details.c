/*
 * test_details.c - what a person wants to know of a failure, from what `acre run --result` wrote
 * (verdict.h) and the guest printed.
 */
#include "vmm/test_output.h"

#include <stdlib.h>
#include <string.h>

enum {
    SERIAL_LINES = 20,
    STDERR_LINES = 10,
    EXITS_SHOWN = 8,
    REGISTERS_A_LINE = 4,
    FRAMES_SHOWN = 8
};

void test_output_quoted(FILE *file, const char *text)
{
    (void)fputc('\'', file);
    for (; *text != '\0'; text++) {
        size_t len = strcspn(text, "'");

        test_text_clean(file, text, len, TEST_TEXT_PLAIN);
        text += len;
        if (*text == '\0') {
            break;
        }
        (void)fputs("''", file);
    }
    (void)fputs("'\n", file);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void print_exit(FILE *file, const json_t *exit)
{
    const char *region = text_of(exit, "region");
    json_int_t count = json_integer_value(json_object_get(exit, "count"));

    (void)fprintf(file, "cpu %d %s", (int)json_integer_value(json_object_get(exit, "cpu")),
                  text_of(exit, "reason"));
    if (json_object_get(exit, "address")) {
        (void)fprintf(file, " %s %s size %d", text_of(exit, "direction"), text_of(exit, "address"),
                      (int)json_integer_value(json_object_get(exit, "size")));
        if (count > 1) {
            (void)fprintf(file, " count %d", (int)count);
        }
        (void)fprintf(file, " value %s", text_of(exit, "value"));
    }
    if (*region != '\0') {
        (void)fputs(" (", file);
        test_text_clean(file, region, strlen(region), TEST_TEXT_PLAIN);
        (void)fprintf(file, "+%s)", text_of(exit, "offset"));
    }
    (void)fputs(json_is_false(json_object_get(exit, "done")) ? " not finished" : "", file);
}

static bool is_access(const json_t *exit)
{
    return json_object_get(exit, "address") != NULL;
}

/* In quotes: boards from files name their regions as they like. */
static void print_last_access(FILE *file, const json_t *exit, const char *prefix)
{
    char *text = NULL;
    size_t len;
    FILE *memory = open_memstream(&text, &len);

    if (memory) {
        print_exit(memory, exit);
        if (fclose(memory) == 0) {
            (void)fprintf(file, "%slast_access: ", prefix);
            test_output_quoted(file, text);
        }
        free(text);
    }
}

static void print_exits(FILE *file, const json_t *exits, const char *prefix)
{
    size_t num = json_array_size(exits), i = num;

    while (i > 0 && !is_access(json_array_get(exits, i - 1))) {
        i--;
    }
    if (i > 0) {
        print_last_access(file, json_array_get(exits, i - 1), prefix);
    }
    if (num > 0) {
        (void)fprintf(file, "%slast_exits: |\n", prefix);
    }
    for (i = num > EXITS_SHOWN ? num - EXITS_SHOWN : 0; i < num; i++) {
        (void)fprintf(file, "%s  ", prefix);
        print_exit(file, json_array_get(exits, i));
        (void)fputc('\n', file);
    }
}

static void print_registers(FILE *file, json_t *registers, const char *prefix)
{
    const char *name;
    json_t *value;
    unsigned i = 0;

    (void)fprintf(file, "%sregisters: |", prefix);
    json_object_foreach(registers, name, value)
    {
        if (i++ % REGISTERS_A_LINE == 0) {
            (void)fprintf(file, "\n%s ", prefix);
        }
        (void)fprintf(file, " %s=%s", name,
                      json_string_value(value) ? json_string_value(value) : "");
    }
    (void)fputc('\n', file);
}

/* " <name+0x1f>", or nothing. Names are the guest's. */
static void print_symbol(FILE *file, const json_t *place)
{
    const char *symbol = text_of(place, "symbol");

    if (*symbol != '\0') {
        (void)fputs(" <", file);
        test_text_clean(file, symbol, strlen(symbol), TEST_TEXT_PLAIN);
        (void)fputc('>', file);
    }
}

/* The instruction at `address`, as the crash report has it. */
static const char *code_text(const json_t *cpu, const char *address)
{
    const json_t *code = json_object_get(cpu, "code");
    size_t i;

    for (i = 0; i < json_array_size(code); i++) {
        if (strcmp(text_of(json_array_get(code, i), "address"), address) == 0) {
            return text_of(json_array_get(code, i), "text");
        }
    }
    return "not readable";
}

static void print_exceptions(FILE *file, const json_t *exceptions, const char *prefix)
{
    size_t i;

    for (i = 0; i < json_array_size(exceptions); i++) {
        const json_t *exception = json_array_get(exceptions, i);
        const json_t *gate = json_object_get(exception, "gate");

        (void)fprintf(file, "%s  exception %s (%s), gate: %s", prefix, text_of(exception, "name"),
                      text_of(exception, "how"), text_of(gate, "result"));
        print_symbol(file, gate);
        (void)fputc('\n', file);
    }
}

/* Where it died and how it came there: of the CPU that ended the run. */
static void print_crash(FILE *file, const json_t *crash, const char *prefix)
{
    const json_t *cpu = json_array_get(json_object_get(crash, "cpus"), 0);
    const json_t *rip = json_object_get(cpu, "rip"), *stack = json_object_get(cpu, "stack");
    const char *address = text_of(rip, "address");
    size_t i;

    if (!rip) {
        return;
    }
    (void)fprintf(file, "%scrash: |\n%s  %s", prefix, prefix, address);
    print_symbol(file, rip);
    (void)fprintf(file, ": %s%s\n", code_text(cpu, address),
                  strcmp(text_of(cpu, "state"), "last-exit") == 0 ? " (at its last exit)" : "");
    print_exceptions(file, json_object_get(cpu, "exceptions"), prefix);
    for (i = 0; i < json_array_size(stack) && i < FRAMES_SHOWN; i++) {
        const json_t *frame = json_array_get(stack, i);

        (void)fprintf(file, "%s  %s %s", prefix,
                      strcmp(text_of(frame, "how"), "guess") == 0 ? "from?" : "from",
                      text_of(frame, "address"));
        print_symbol(file, frame);
        (void)fputc('\n', file);
    }
}

/* Would YAML take blanks that the text begins with for its indentation? */
static bool begins_with_blanks(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len && (text[i] == '\n' || text[i] == '\r'); i++) {
    }
    return i < len && text[i] == ' ';
}

static void print_text(FILE *file, const char *name, const struct test_text *text, size_t lines,
                       const char *prefix)
{
    size_t at = test_text_tail(text->data, text->len, lines);
    char inner[32];

    if (text->len > 0) {
        (void)fprintf(file, "%s%s: |%s\n", prefix, name,
                      begins_with_blanks(text->data + at, text->len - at) ? "2" : "");
        (void)snprintf(inner, sizeof(inner), "%s  ", prefix);
        test_text_lines(file, inner, text->data + at, text->len - at, 0);
    }
}

void test_output_details(FILE *file, const struct test_verdict *result, const char *prefix)
{
    json_t *registers = json_object_get(result->end, "registers");
    const json_t *instruction = json_object_get(result->end, "instruction");
    const char *kind = text_of(result->end, "kind");

    if (*kind != '\0') {
        (void)fprintf(file, "%sended: %s\n", prefix, kind);
    }
    print_crash(file, json_object_get(result->end, "crash"), prefix);
    print_exits(file, json_object_get(result->end, "last_exits"), prefix);
    if (registers) {
        print_registers(file, registers, prefix);
    }
    if (instruction) {
        (void)fprintf(file, "%sinstruction: \"%s at %s\"\n", prefix, text_of(instruction, "bytes"),
                      text_of(instruction, "at"));
    }
    print_text(file, "serial", &result->out, SERIAL_LINES, prefix);
    print_text(file, "stderr", &result->err, STDERR_LINES, prefix);
    if (result->command) {
        (void)fprintf(file, "%scommand: |\n%s  ", prefix, prefix);
        test_text_clean(file, result->command, strlen(result->command), TEST_TEXT_PLAIN);
        (void)fputc('\n', file);
    }
}
