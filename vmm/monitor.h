/*
 * monitor.h - commands on a running machine, in two forms: QMP's (JSON in, JSON out) and a person's
 * (a line in, text out). The QMP server, gdb's `monitor` and human-monitor-command run them.
 *
 * Who adds a command writes a function of one of these types and a line in the table of
 * monitor_commands.c; the tables give help, completion and query-commands.
 *
 * Context: the loop's thread, no owner's lock held; the machine may run or be held. A command that
 * must find the vCPUs standing still uses vcpu_group_pause()/unpark() or vcpu_group_call() itself,
 * and takes no longer than it must: console and timers wait meanwhile.
 *
 * Source: QEMU docs/interop/qmp-spec, docs/system/monitor; names and arguments are QEMU's where one
 * exists.
 */
#ifndef ACRE_VMM_MONITOR_H
#define ACRE_VMM_MONITOR_H

#include <jansson.h>

#include "vmm/machine.h"

struct qmp_command {
    const char *name;
    /*
     * @arguments  an object, never NULL; unknown members must be refused (qmp_check_arguments).
     * Returns: a new reference, what `return` is to be ({} for nothing); NULL with err filled.
     */
    json_t *(*run)(struct machine *machine, const json_t *arguments, struct error *err);
};

struct hmp_command {
    const char *name;      /* "info mtree", "addr" */
    const char *arguments; /* "[-f] [-d]", "ADDR [--cpu N]", "" */
    const char *help;      /* one line */
    /*
     * @arguments  what follows the name, without the space before it.
     * Returns: 0; -errno with err filled; what was written until then stands.
     */
    int (*run)(struct machine *machine, const char *arguments, struct memory_sink *sink,
               struct error *err);
};

/* The tables, each ended by an entry without a name. */
extern const struct qmp_command qmp_commands[];
extern const struct hmp_command hmp_commands[];

/* One argument that a command takes, for qmp_check_arguments(). */
struct qmp_argument {
    const char *name;
    json_type type; /* JSON_TRUE: either of the two; JSON_NULL: any, the command looks itself */
    bool optional;
};

/* Returns: 0; -EINVAL: an argument is missing, unknown or of another type; err names it. */
int qmp_check_arguments(const json_t *arguments, const struct qmp_argument *wanted, size_t num,
                        struct error *err) __attribute__((warn_unused_result));
/* An address given as a number, or as a string of decimal or 0x.. digits. 0; -EINVAL. */
int qmp_address(const json_t *value, const char *name, uint64_t *address, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Runs one human line; an empty one does nothing.
 * @cpu  what it is about if it names no CPU itself; one that there is.
 * Returns: 0; -ENOENT no such command; -errno of it; err is filled.
 */
int hmp_run(struct machine *machine, unsigned cpu, const char *line, struct memory_sink *sink,
            struct error *err) __attribute__((warn_unused_result));

/*
 * Tells every QMP client that is in command mode. Nothing happens without --monitor.
 * @data  taken over; NULL: none. Context: the loop's thread.
 */
void monitor_event(struct machine *machine, const char *name, json_t *data);

#endif
