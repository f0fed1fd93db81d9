/* core_dump.c - registers, then the map, then what debuggers shall see of it, then the file. */
#include "vmm/core_dump.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/core_map.h"

/* All that a dump is made of. */
struct parts {
    struct vcpu_snapshot *cpus;
    struct guest_ram ram;
    struct core_map map;
};

static int read_cpus(struct machine *machine, const struct core_dump *dump, struct parts *parts,
                     struct error *err)
{
    struct vcpu_group *group = &machine->vcpus;
    int ret;

    parts->cpus = calloc(group->config.num, sizeof(*parts->cpus));
    if (!parts->cpus) {
        return error_set_errno(err, ENOMEM, "%.200s", dump->name);
    }
    ret = dump->ended ? vcpu_snapshots_take_ended(group, parts->cpus)
                      : vcpu_snapshots_take(group, parts->cpus);
    return ret < 0 ? error_set_errno(err, -ret, "%.200s: registers", dump->name) : 0;
}

static bool has_paging(const struct vcpu_snapshot *cpu)
{
    return x86_paging_mode(&cpu->paging.regs) != X86_PAGING_OFF;
}

/* Whose page tables to follow; NULL: nobody's. */
static const struct vcpu_paging *
choose_paging(struct machine *machine, const struct core_dump *dump, const struct parts *parts)
{
    unsigned i;

    if (!dump->paging) {
        return NULL;
    }
    if (dump->cpu >= 0 && has_paging(&parts->cpus[dump->cpu])) {
        return &parts->cpus[dump->cpu].paging;
    }
    for (i = 0; i < machine->vcpus.config.num; i++) {
        if (has_paging(&parts->cpus[i])) {
            return &parts->cpus[i].paging;
        }
    }
    return NULL;
}

static int read_map(struct machine *machine, const struct core_dump *dump, struct parts *parts,
                    struct error *err)
{
    AddressSpace *memory = board_memory(machine->board);
    const struct vcpu_paging *paging = choose_paging(machine, dump, parts);
    int ret = guest_ram_init(&parts->ram, memory, dump->first, dump->last);

    if (ret == 0 && paging) {
        ret = core_map_paging(&parts->map, &parts->ram, paging, memory);
    }
    if (ret == 0) {
        ret = core_map_physical(&parts->map, &parts->ram, paging ? CORE_PHYSICAL_WINDOW : 0);
    }
    if (ret == -E2BIG && paging) {
        return error_set(err, E2BIG,
                         "%.200s: the guest's page tables map too much; a dump without paging has "
                         "all memory",
                         dump->name);
    }
    return ret < 0 ? error_set_errno(err, -ret, "%.200s: memory", dump->name) : 0;
}

static int write_parts(struct machine *machine, const struct core_dump *dump,
                       const struct parts *parts, struct error *err)
{
    const struct core core = {
        .cpus = parts->cpus,
        .cpu_num = machine->vcpus.config.num,
        .ram = &parts->ram,
        .mappings = parts->map.mappings,
        .mapping_num = parts->map.num,
    };
    struct sparse_file file;
    int ret;

    sparse_file_init(&file, dump->fd);
    ret = core_write(&core, &file);
    return ret < 0 ? error_set_errno(err, -ret, "%.200s", dump->name) : 0;
}

int core_dump_write(struct machine *machine, const struct core_dump *dump, struct error *err)
{
    struct parts parts = {.cpus = NULL};
    int ret = read_cpus(machine, dump, &parts, err);

    if (ret == 0) {
        ret = read_map(machine, dump, &parts, err);
    }
    if (ret == 0) {
        ret = write_parts(machine, dump, &parts, err);
    }
    core_map_finish(&parts.map);
    guest_ram_finish(&parts.ram);
    free(parts.cpus);
    return ret;
}
