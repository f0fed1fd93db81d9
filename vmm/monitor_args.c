/*
 * monitor_args.c - what commands check their arguments with, and the choice of a human command by
 * its longest name.
 */
#include "vmm/monitor.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/monitor_commands.h"
#include "vmm/options.h"

static const char space[] = " \t\r\n";

static bool has_type(const json_t *value, json_type type)
{
    if (type == JSON_NULL) {
        return true;
    }
    return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static const struct qmp_argument *find(const struct qmp_argument *wanted, size_t num,
                                       const char *name)
{
    size_t i;

    for (i = 0; i < num; i++) {
        if (strcmp(wanted[i].name, name) == 0) {
            return &wanted[i];
        }
    }
    return NULL;
}

int qmp_check_arguments(const json_t *arguments, const struct qmp_argument *wanted, size_t num,
                        struct error *err)
{
    const struct qmp_argument *argument;
    const json_t *value;
    void *iter;
    size_t i;

    for (iter = json_object_iter((json_t *)(uintptr_t)arguments); iter;
         iter = json_object_iter_next((json_t *)(uintptr_t)arguments, iter)) {
        argument = find(wanted, num, json_object_iter_key(iter));
        value = json_object_iter_value(iter);
        if (!argument) {
            return error_set(err, EINVAL, "Parameter '%.64s' is unexpected",
                             json_object_iter_key(iter));
        }
        if (!has_type(value, argument->type)) {
            return error_set(err, EINVAL, "Parameter '%s' must be %s", argument->name,
                             type_name(argument->type));
        }
    }
    for (i = 0; i < num; i++) {
        if (!wanted[i].optional && !json_object_get(arguments, wanted[i].name)) {
            return error_set(err, EINVAL, "Parameter '%s' is missing", wanted[i].name);
        }
    }
    return 0;
}

int qmp_address(const json_t *value, const char *name, uint64_t *address, struct error *err)
{
    const char *text = json_string_value(value), *end;

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *address = (uint64_t)json_integer_value(value);
        return 0;
    }
    if (text && options_number(text, address, &end) == 0 && *end == '\0') {
        return 0;
    }
    return error_set(err, EINVAL, "Parameter '%s' must be an address (a number, or \"0x..\")",
                     name);
}

/* How much of `line` is the command's name, its words apart by any space. 0: it is another one. */
static size_t match(const char *name, const char *line)
{
    const char *at = line;

    while (*name) {
        if (*name == ' ' && isspace((unsigned char)*at)) {
            at += strspn(at, " \t");
            name++;
        } else if (*name++ != *at++) {
            return 0;
        }
    }
    return *at == '\0' || *at == '/' || isspace((unsigned char)*at) ? (size_t)(at - line) : 0;
}

/* @len  of its name in the line. */
static const struct hmp_command *find_command(const char *line, size_t *len)
{
    const struct hmp_command *command, *found = NULL;
    size_t matched;

    *len = 0;
    for (command = hmp_commands; command->name; command++) {
        matched = match(command->name, line);
        if (matched > *len) {
            *len = matched;
            found = command;
        }
    }
    return found;
}

/* One word may be what several commands begin with: those are listed. */
static int list_group(struct machine *machine, const char *line, struct memory_sink *sink,
                      struct error *err)
{
    size_t len = strcspn(line, space);
    char word[65];

    (void)snprintf(word, sizeof(word), "%.*s", (int)(len < 64 ? len : 64), line);
    return line[len + strspn(line + len, space)] == '\0'
               ? hmp_help(machine, word, sink, err)
               : error_set(err, ENOENT, "%s: unknown command (help lists them)", word);
}

int hmp_run(struct machine *machine, unsigned cpu, const char *line, struct memory_sink *sink,
            struct error *err)
{
    const struct hmp_command *found;
    char arguments[1024];
    size_t len;
    int ret;

    line += strspn(line, space);
    if (*line == '\0') {
        return 0;
    }
    found = find_command(line, &len);
    if (!found) {
        return list_group(machine, line, sink, err);
    }
    line += len;
    line += strspn(line, space);
    len = strlen(line);
    while (len > 0 && isspace((unsigned char)line[len - 1])) {
        len--;
    }
    if (len >= sizeof(arguments)) {
        return error_set(err, E2BIG, "%s: arguments of more than %zu bytes", found->name,
                         sizeof(arguments) - 1);
    }
    memcpy(arguments, line, len);
    arguments[len] = '\0';
    machine->human_cpu = cpu;
    ret = found->run(machine, arguments, sink, err);
    machine->human_cpu = 0;
    return ret;
}
