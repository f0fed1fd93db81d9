/*
 * qmp_save.c - memsave and pmemsave: a piece of guest memory in a file below --save-dir. Everything
 * is looked at before the file is made, so that a wrong address costs no file that was there.
 *
 * Source: QEMU qapi/machine.json (memsave, pmemsave).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/guest_ram.h"
#include "vmm/monitor_commands.h"
#include "vmm/peek.h"
#include "vmm/save_dir.h"
#include "vmm/sparse_file.h"
#include "vmm/vcpu_snapshot.h"

struct save {
    struct machine *machine;
    uint64_t addr, size, cpu;
    const char *name;
};

static int read_arguments(const json_t *arguments, struct save *save, struct error *err)
{
    int ret = qmp_address(json_object_get(arguments, "val"), "val", &save->addr, err);

    save->name = json_string_value(json_object_get(arguments, "filename"));
    if (ret == 0) {
        ret = qmp_address(json_object_get(arguments, "size"), "size", &save->size, err);
    }
    if (ret == 0 && (save->size == 0 || save->size - 1 > UINT64_MAX - save->addr)) {
        ret = error_set(err, EINVAL,
                        "Parameter 'size' must be 1 or more, and end before 2^64: "
                        "0x%" PRIx64 " bytes from 0x%" PRIx64,
                        save->size, save->addr);
    }
    return ret;
}

/* Makes the file, has `write` fill it, and closes it. */
static int save_to_file(const struct save *save,
                        int (*write)(const struct save *save, void *opaque,
                                     struct sparse_file *file, struct error *err),
                        void *opaque, struct error *err)
{
    struct sparse_file file;
    int fd, ret = save_dir_create(save->machine->save_dir, save->name, &fd, err);

    if (ret < 0) {
        return ret;
    }
    sparse_file_init(&file, fd);
    ret = write(save, opaque, &file, err);
    if (ret == 0) {
        ret = sparse_file_end(&file);
        ret = ret < 0 ? error_set_errno(err, -ret, "%.200s", save->name) : 0;
    }
    (void)close(fd);
    return ret;
}

/* ---- by guest-physical address ---- */

static int write_ram(const struct save *save, void *opaque, struct sparse_file *file,
                     struct error *err)
{
    const struct guest_ram *ram = opaque;
    size_t i;
    int ret = 0;

    for (i = 0; i < ram->num && ret == 0; i++) {
        const struct guest_ram_range *range = &ram->ranges[i];

        ret = sparse_file_add(file, NULL, range->first - save->addr - file->length);
        ret = ret ? ret : sparse_file_add(file, range->host, range->last - range->first + 1);
    }
    return ret < 0 ? error_set_errno(err, -ret, "%.200s", save->name) : 0;
}

static int save_physical(const struct save *save, struct error *err)
{
    uint64_t last = save->addr + (save->size - 1);
    struct guest_ram ram;
    int ret = guest_ram_init(&ram, board_memory(save->machine->board), save->addr, last);

    if (ret < 0) {
        return error_set_errno(err, -ret, "pmemsave");
    }
    if (ram.num == 0 || ram.ranges[0].first != save->addr) {
        ret = error_set(err, EFAULT, "no memory at 0x%" PRIx64, save->addr);
    } else if (ram.ranges[ram.num - 1].last != last) {
        ret = error_set(err, EFAULT, "no memory at 0x%" PRIx64 ", the last byte", last);
    } else {
        ret = save_to_file(save, write_ram, &ram, err);
    }
    guest_ram_finish(&ram);
    return ret;
}

json_t *qmp_pmemsave(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {
        {"val", JSON_NULL, false}, {"size", JSON_NULL, false}, {"filename", JSON_STRING, false}};
    struct save save = {.machine = machine};

    if (qmp_check_arguments(arguments, wanted, 3, err) < 0 ||
        read_arguments(arguments, &save, err) < 0 || save_physical(&save, err) < 0) {
        return NULL;
    }
    return json_object();
}

/* ---- by linear address ---- */

/* @file  NULL: only looks whether all of it is there. */
static int write_linear(const struct save *save, void *opaque, struct sparse_file *file,
                        struct error *err)
{
    const struct peek *peek = opaque;
    uint64_t at, bad;
    uint8_t page[PEEK_PAGE];
    int ret = 0;

    for (at = 0; at < save->size && ret == 0; at += PEEK_PAGE) {
        uint64_t left = save->size - at;
        size_t len = left < PEEK_PAGE ? (size_t)left : PEEK_PAGE;

        if (peek_read(peek, save->addr + at, page, len, &bad) < 0) {
            return error_set(err, EFAULT, "no memory at linear address 0x%" PRIx64 " of CPU %u",
                             bad, (unsigned)save->cpu);
        }
        ret = file ? sparse_file_add(file, page, len) : 0;
    }
    return ret < 0 ? error_set_errno(err, -ret, "%.200s", save->name) : 0;
}

static void add_size(void *opaque, const RAMBlock *block)
{
    *(uint64_t *)opaque += block->used_length;
}

/* A guest can map one page everywhere, and 2^47 bytes of it would keep us for days. */
static int check_size(const struct save *save, struct error *err)
{
    uint64_t all = 0;

    memory_walk_blocks(&save->machine->core, add_size, &all);
    return save->size <= all ? 0
                             : error_set(err, EINVAL,
                                         "Parameter 'size' must not exceed the guest's memory, "
                                         "0x%" PRIx64 " bytes",
                                         all);
}

static int save_linear(const struct save *save, struct error *err)
{
    struct vcpu_group *group = &save->machine->vcpus;
    struct vcpu_snapshot *cpus = calloc(group->config.num, sizeof(*cpus));
    struct peek peek = {.memory = board_memory(save->machine->board)};
    int ret;

    if (!cpus) {
        return error_set_errno(err, ENOMEM, "memsave");
    }
    ret = vcpu_snapshots_take(group, cpus);
    if (ret < 0) {
        ret = error_set_errno(err, -ret, "memsave: registers");
    } else {
        peek.paging = &cpus[save->cpu].paging;
        ret = write_linear(save, &peek, NULL, err);
        ret = ret ? ret : save_to_file(save, write_linear, &peek, err);
    }
    free(cpus);
    return ret;
}

json_t *qmp_memsave(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {{"val", JSON_NULL, false},
                                                 {"size", JSON_NULL, false},
                                                 {"filename", JSON_STRING, false},
                                                 {"cpu-index", JSON_INTEGER, true}};
    struct save save = {.machine = machine};
    json_int_t cpu = json_integer_value(json_object_get(arguments, "cpu-index"));

    if (qmp_check_arguments(arguments, wanted, 4, err) < 0 ||
        read_arguments(arguments, &save, err) < 0 || check_size(&save, err) < 0) {
        return NULL;
    }
    save.cpu = (uint64_t)cpu;
    if (save.cpu >= machine->vcpus.config.num) {
        (void)error_set(err, EINVAL, "Parameter 'cpu-index' must be the number of a CPU");
        return NULL;
    }
    return save_linear(&save, err) == 0 ? json_object() : NULL;
}
