/*
 * qmp_trace.c - switching trace events while the machine runs, as `acre-trace-set` and as QEMU's
 * `trace-event`.
 */
#include "vmm/monitor_commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/trace.h"

enum { ITEM_SIZE = 192 };

static int set(struct machine *machine, const char *item, bool on, struct error *err)
{
    if (!machine->trace) {
        return error_set(err, ENOTSUP, "this run has no trace (see --trace)");
    }
    return trace_set(machine->trace, item, on, err);
}

json_t *qmp_acre_trace_set(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {{"event", JSON_STRING, false},
                                                 {"enable", JSON_TRUE, false}};

    if (qmp_check_arguments(arguments, wanted, 2, err) < 0 ||
        set(machine, json_string_value(json_object_get(arguments, "event")),
            json_is_true(json_object_get(arguments, "enable")), err) < 0) {
        return NULL;
    }
    return json_object();
}

int hmp_trace_event(struct machine *machine, const char *arguments, struct memory_sink *sink,
                    struct error *err)
{
    size_t len = strcspn(arguments, " ");
    const char *word = arguments + len + strspn(arguments + len, " ");
    bool on = strcmp(word, "on") == 0;
    char item[ITEM_SIZE];

    (void)sink;
    if (len == 0 || len >= sizeof(item) || (!on && strcmp(word, "off") != 0)) {
        return error_set(err, EINVAL, "trace-event wants EVENT on|off");
    }
    (void)snprintf(item, sizeof(item), "%.*s", (int)len, arguments);
    return set(machine, item, on, err);
}
