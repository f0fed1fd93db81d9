/*
 * qmp_control.c - commands about the machine as a whole: which it is, whether it runs, and changes
 * of that.
 */
#include "vmm/monitor_commands.h"

#include <errno.h>

#include "vmm/machine_control.h"
#include "vmm/monitor_state.h"
#include "vmm/monitor_text.h"
#include "vmm/version.h"

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

json_t *qmp_acre_query_human_commands(struct machine *machine, const json_t *arguments,
                                      struct error *err)
{
    const struct hmp_command *command;
    json_t *list;

    (void)machine;
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    list = json_array();
    for (command = hmp_commands; command->name; command++) {
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:s}", "name", command->name, "arguments",
                                              command->arguments, "help", command->help));
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

json_t *qmp_system_powerdown(struct machine *machine, const json_t *arguments, struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0 || monitor_powerdown(machine, err) < 0) {
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

json_t *qmp_human_monitor_command(struct machine *machine, const json_t *arguments,
                                  struct error *err)
{
    static const struct qmp_argument wanted[] = {
        {"command-line", JSON_STRING, false},
        {"cpu-index", JSON_INTEGER, true},
    };
    json_int_t cpu = json_integer_value(json_object_get(arguments, "cpu-index"));
    const char *line;
    struct monitor_text text;
    int ret;

    if (qmp_check_arguments(arguments, wanted, 2, err) < 0) {
        return NULL;
    }
    if (cpu != 0 && (cpu < 0 || cpu >= machine->vcpus.config.num)) {
        (void)error_set(err, EINVAL, "Parameter 'cpu-index' must be the number of a CPU");
        return NULL;
    }
    line = json_string_value(json_object_get(arguments, "command-line"));
    monitor_text_init(&text);
    ret = hmp_run(machine, (unsigned)cpu, line, &text.sink, err);
    return monitor_text_finish(&text, ret, err);
}
