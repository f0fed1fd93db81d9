/*
 * hmp_control.c - human commands about the machine as a whole, and help.
 */
#include "vmm/monitor_commands.h"

#include <errno.h>
#include <string.h>

#include "vmm/machine_control.h"
#include "vmm/monitor_state.h"

int hmp_no_arguments(const char *arguments, struct error *err)
{
    return arguments[0] == '\0' ? 0 : error_set(err, EINVAL, "%s: takes no arguments", arguments);
}

static void print_help(const struct hmp_command *command, struct memory_sink *sink)
{
    char usage[64];

    (void)snprintf(usage, sizeof(usage), "%s%s%s", command->name, command->arguments[0] ? " " : "",
                   command->arguments);
    memory_sink_printf(sink, "%-31s %s\n", usage, command->help);
}

int hmp_help(struct machine *machine, const char *arguments, struct memory_sink *sink,
             struct error *err)
{
    const struct hmp_command *command;
    size_t len = strlen(arguments);
    bool found = false;

    (void)machine;
    for (command = hmp_commands; command->name; command++) {
        if (strncmp(command->name, arguments, len) == 0 &&
            (len == 0 || command->name[len] == '\0' || command->name[len] == ' ')) {
            print_help(command, sink);
            found = true;
        }
    }
    return found ? 0
                 : error_set(err, ENOENT, "%.64s: unknown command (help lists them)", arguments);
}

int hmp_info_status(struct machine *machine, const char *arguments, struct memory_sink *sink,
                    struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    if (ret == 0) {
        memory_sink_printf(sink, "VM status: %s\n", monitor_status(machine));
    }
    return ret;
}

int hmp_stop(struct machine *machine, const char *arguments, struct memory_sink *sink,
             struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    (void)sink;
    if (ret == 0) {
        machine_hold(machine, MACHINE_HOLDER_USER);
    }
    return ret;
}

int hmp_cont(struct machine *machine, const char *arguments, struct memory_sink *sink,
             struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    (void)sink;
    if (ret == 0) {
        machine_release(machine, MACHINE_HOLDER_USER);
    }
    return ret;
}

int hmp_system_reset(struct machine *machine, const char *arguments, struct memory_sink *sink,
                     struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    (void)sink;
    return ret == 0 ? monitor_reset(machine, err) : ret;
}

int hmp_system_powerdown(struct machine *machine, const char *arguments, struct memory_sink *sink,
                         struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    (void)sink;
    return ret == 0 ? monitor_powerdown(machine, err) : ret;
}

int hmp_quit(struct machine *machine, const char *arguments, struct memory_sink *sink,
             struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    (void)sink;
    if (ret == 0) {
        monitor_quit(machine);
    }
    return ret;
}
