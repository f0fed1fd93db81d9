/*
 * test_details.c - what a person wants to know of a failure, from what `acre run --result` wrote
 * (verdict.h) and the guest printed.
 */
#include "vmm/test_output.h"

#include <string.h>

enum { SERIAL_LINES = 20, STDERR_LINES = 10, EXITS_SHOWN = 8, REGISTERS_A_LINE = 4 };

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
    (void)fputs(json_is_false(json_object_get(exit, "done")) ? " not finished\n" : "\n", file);
}

static bool is_access(const json_t *exit)
{
    return json_object_get(exit, "address") != NULL;
}

static void print_exits(FILE *file, const json_t *exits, const char *prefix)
{
    size_t num = json_array_size(exits), i = num;

    while (i > 0 && !is_access(json_array_get(exits, i - 1))) {
        i--;
    }
    if (i > 0) {
        (void)fprintf(file, "%slast_access: ", prefix);
        print_exit(file, json_array_get(exits, i - 1));
    }
    if (num > 0) {
        (void)fprintf(file, "%slast_exits: |\n", prefix);
    }
    for (i = num > EXITS_SHOWN ? num - EXITS_SHOWN : 0; i < num; i++) {
        (void)fprintf(file, "%s  ", prefix);
        print_exit(file, json_array_get(exits, i));
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

static void print_text(FILE *file, const char *name, const struct test_text *text, size_t lines,
                       const char *prefix)
{
    char inner[32];

    if (text->len > 0) {
        (void)fprintf(file, "%s%s: |\n", prefix, name);
        (void)snprintf(inner, sizeof(inner), "%s  ", prefix);
        test_text_lines(file, inner, text->data, text->len, lines);
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
