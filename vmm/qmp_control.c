/*
 * qmp_control.c - commands about the machine as a whole: which it is, whether it runs, and changes
 * of that.
 */
#include "vmm/monitor_commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine_control.h"
#include "vmm/monitor_state.h"
#include "vmm/version.h"

enum { TEXT_MAX = 4 << 20 };

json_t *qmp_query_version(struct machine *machine, const json_t *arguments, struct error *err)
{
    (void)machine;
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", ACRE_VERSION_MAJOR, "minor",
                     ACRE_VERSION_MINOR, "micro", ACRE_VERSION_MICRO, "package", ACRE_VERSION);
}

json_t *qmp_query_name(struct machine *machine, const json_t *arguments, struct error *err)
{
    (void)machine;
    return qmp_check_arguments(arguments, NULL, 0, err) == 0 ? json_object() : NULL;
}

json_t *qmp_query_commands(struct machine *machine, const json_t *arguments, struct error *err)
{
    const struct qmp_command *command;
    json_t *list;

    (void)machine;
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    list = json_pack("[{s:s}]", "name", "qmp_capabilities"); /* the session's own */
    for (command = qmp_commands; command->name; command++) {
        (void)json_array_append_new(list, json_pack("{s:s}", "name", command->name));
    }
    return list;
}

json_t *qmp_query_status(struct machine *machine, const json_t *arguments, struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    return json_pack("{s:s, s:b, s:b}", "status", monitor_status(machine), "running",
                     machine_holders(machine) == 0, "singlestep", 0);
}

json_t *qmp_stop(struct machine *machine, const json_t *arguments, struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    machine_hold(machine, MACHINE_HOLDER_USER);
    return json_object();
}

json_t *qmp_cont(struct machine *machine, const json_t *arguments, struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    machine_release(machine, MACHINE_HOLDER_USER);
    return json_object();
}

json_t *qmp_system_reset(struct machine *machine, const json_t *arguments, struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0 || monitor_reset(machine, err) < 0) {
        return NULL;
    }
    return json_object();
}

json_t *qmp_quit(struct machine *machine, const json_t *arguments, struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    monitor_quit(machine);
    return json_object();
}

/* ---- a human command's text as a string ---- */

struct text {
    char *text;
    size_t len, size;
    int error; /* errno of what was not kept */
};

static void add_text(void *opaque, const char *data, size_t len)
{
    struct text *out = opaque;
    size_t size = out->size ? out->size : 1024;
    char *text;

    if (out->error == 0 && len > TEXT_MAX - out->len) {
        out->error = E2BIG;
    }
    if (out->error != 0) {
        return;
    }
    while (size < out->len + len) {
        size *= 2;
    }
    text = size > out->size ? realloc(out->text, size) : out->text;
    if (!text) {
        out->error = ENOMEM;
        return;
    }
    out->text = text;
    out->size = size;
    memcpy(out->text + out->len, data, len);
    out->len += len;
}

/* Bytes that are no UTF-8 (a name in a guest's ELF file) must not cost the whole answer. */
static json_t *to_string(struct text *out)
{
    json_t *string = json_stringn(out->text ? out->text : "", out->len);
    size_t i;

    for (i = 0; !string && i < out->len; i++) {
        out->text[i] = out->text[i] & 0x80 ? '?' : out->text[i];
    }
    return string ? string : json_stringn(out->text ? out->text : "", out->len);
}

json_t *qmp_human_monitor_command(struct machine *machine, const json_t *arguments,
                                  struct error *err)
{
    static const struct qmp_argument wanted[] = {
        {"command-line", JSON_STRING, false},
        {"cpu-index", JSON_INTEGER, true},
    };
    struct text out = {0};
    struct memory_sink sink = {.write = add_text, .opaque = &out};
    json_t *result = NULL;
    int ret;

    if (qmp_check_arguments(arguments, wanted, 2, err) < 0) {
        return NULL;
    }
    ret =
        hmp_run(machine, json_string_value(json_object_get(arguments, "command-line")), &sink, err);
    if (ret == 0 && out.error != 0) {
        ret = error_set(err, out.error,
                        out.error == E2BIG ? "more than 4 MiB of text" : "out of memory");
    }
    if (ret == 0) {
        result = to_string(&out);
    }
    free(out.text);
    return result;
}
