/*
 * qmp_dump.c - dump-guest-memory: the machine is held as by a stop of its own, so that STOP and
 * RESUME are told of, and goes on unless somebody else holds it, too.
 *
 * Source: QEMU qapi/dump.json.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core_dump.h"
#include "vmm/machine_control.h"
#include "vmm/monitor_commands.h"
#include "vmm/save_dir.h"

/* begin and length come together or not at all. */
static int read_range(const json_t *arguments, struct core_dump *dump, struct error *err)
{
    const json_t *begin = json_object_get(arguments, "begin");
    const json_t *length = json_object_get(arguments, "length");
    uint64_t size;
    int ret;

    dump->last = UINT64_MAX;
    if (!begin && !length) {
        return 0;
    }
    if (!begin || !length) {
        return error_set(err, EINVAL, "Parameters 'begin' and 'length' come together");
    }
    ret = qmp_address(begin, "begin", &dump->first, err);
    ret = ret ? ret : qmp_address(length, "length", &size, err);
    if (ret == 0 && (size == 0 || size - 1 > UINT64_MAX - dump->first)) {
        ret = error_set(err, EINVAL, "Parameter 'length' must be 1 or more, and end before 2^64");
    }
    if (ret == 0) {
        dump->last = dump->first + (size - 1);
    }
    return ret;
}

static int read_arguments(const json_t *arguments, struct core_dump *dump, struct error *err)
{
    static const char file[] = "file:";
    const char *protocol = json_string_value(json_object_get(arguments, "protocol"));
    const char *format = json_string_value(json_object_get(arguments, "format"));

    *dump = (struct core_dump){
        .paging = json_is_true(json_object_get(arguments, "paging")),
        .cpu = -1,
    };
    if (strncmp(protocol, file, strlen(file)) != 0) {
        return error_set(err, EINVAL, "Parameter 'protocol' must be file:NAME");
    }
    dump->name = protocol + strlen(file);
    if (format && strcmp(format, "elf") != 0) {
        return error_set(err, EINVAL, "Parameter 'format' must be elf");
    }
    if (json_is_true(json_object_get(arguments, "detach"))) {
        return error_set(err, EINVAL, "Parameter 'detach' must be false");
    }
    return read_range(arguments, dump, err);
}

json_t *qmp_dump_guest_memory(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {
        {"paging", JSON_TRUE, false}, {"protocol", JSON_STRING, false},
        {"detach", JSON_TRUE, true},  {"begin", JSON_NULL, true},
        {"length", JSON_NULL, true},  {"format", JSON_STRING, true},
    };
    struct core_dump dump;
    int ret;

    if (qmp_check_arguments(arguments, wanted, sizeof(wanted) / sizeof(wanted[0]), err) < 0 ||
        read_arguments(arguments, &dump, err) < 0 ||
        save_dir_create(machine->save_dir, dump.name, &dump.fd, err) < 0) {
        return NULL;
    }
    machine_hold(machine, MACHINE_HOLDER_DUMP);
    ret = core_dump_write(machine, &dump, err);
    machine_release(machine, MACHINE_HOLDER_DUMP);
    (void)close(dump.fd);
    return ret == 0 ? json_object() : NULL;
}
