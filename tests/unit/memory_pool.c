/*
 * Regions of the pool as the random programs make them: RAM is filled, and registers read, so that
 * every byte tells which region and offset it is of. And what a call may answer.
 */
#include "tests/unit/memory_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Is `error` what this call may say: nothing, or `may`? A failing allocation and a veto may come of
 * any call.
 */
static void allow(struct machine *machine, int error, int may)
{
    struct memory_program_result *result = machine->result;

    if (machine->vetoed) {
        machine->vetoed = false;
        result->vetoes++;
        if (error != VETO_ERROR) {
            machine_fail(machine, "a veto was turned into %d", error);
        }
    } else if (error == 0 || error == may) {
        result->refusals += error != 0;
    } else if (error == -ENOMEM && machine->armed) {
        result->failed_allocs++;
    } else {
        machine_fail(machine, "unexpected result %d", error);
    }
}

/* The outcome of a setter that must succeed. True when the model has to follow. */
bool machine_done(struct machine *machine, int error)
{
    allow(machine, error, 0);
    return error == 0;
}

/* The outcome of a call that must be refused. */
void machine_refused(struct machine *machine, int error, int with)
{
    if (error == 0) {
        machine_fail(machine, "not refused");
    }
    allow(machine, error, with);
}

static uint64_t read_region(void *opaque, hwaddr addr, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)machine_byte((int)(intptr_t)opaque, addr + i) << (8 * i);
    }
    return value;
}

static void write_region(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)data;
    (void)size;
}

static const MemoryRegionOps region_ops = {.read = read_region, .write = write_region};

static void free_region(MemoryRegion *mr)
{
    free(mr);
}

static int init_ram(struct machine *machine, MemoryRegion *mr, int index, enum oracle_kind kind,
                    const char *name, uint64_t size)
{
    struct ram_block_config config = {
        .backing = RAM_ANONYMOUS, .size = size, .max_size = MACHINE_RAM_BYTES};
    void *opaque = (void *)(intptr_t)index;
    RAMBlock *block;
    int error = ram_block_new(machine->core, name, &config, &block);

    if (error) {
        return error;
    }
    uint8_t *host = block->host;
    for (uint64_t i = 0; i < size; i++) {
        host[i] = machine_byte(index, i);
    }
    memcpy(machine->memory[index], host, size);
    if (kind == ORACLE_RAM) {
        error = memory_region_init_ram(mr, NULL, name, block);
    } else if (kind == ORACLE_ROM) {
        error = memory_region_init_rom(mr, NULL, name, block);
    } else if (kind == ORACLE_ROM_DEVICE) {
        error = memory_region_init_rom_device(mr, NULL, &region_ops, opaque, name, block);
    } else {
        error = memory_region_init_ram_device(mr, NULL, name, block);
    }
    if (error) {
        ram_block_unref(block);
    }
    return error;
}

static int init_region(struct machine *machine, MemoryRegion *mr, int index,
                       const struct oracle_region *as)
{
    char name[8];

    (void)snprintf(name, sizeof(name), "r%d", index);
    if (as->kind == ORACLE_CONTAINER) {
        return memory_region_init(mr, machine->core, NULL, name, as->size);
    }
    if (as->kind == ORACLE_IO) {
        return memory_region_init_io(mr, machine->core, NULL, &region_ops, (void *)(intptr_t)index,
                                     name, as->size);
    }
    if (as->kind == ORACLE_RESERVATION) {
        return memory_region_init_reservation(mr, machine->core, NULL, name, as->size);
    }
    if (as->kind == ORACLE_IOMMU) {
        return memory_region_init_iommu(mr, machine->core, NULL, &machine_iommu_ops,
                                        &machine->iommus[index], name, as->size);
    }
    if (as->kind == ORACLE_ALIAS) {
        return memory_region_init_alias(mr, NULL, name, machine->pool[as->target], as->alias_offset,
                                        as->size);
    }
    return init_ram(machine, mr, index, as->kind, name, as->size);
}

void machine_create(struct machine *machine, int index, struct oracle_region as)
{
    MemoryRegion *mr = calloc(1, sizeof(*mr));

    if (mr == NULL) {
        return;
    }
    if (oracle_has_ram(as.kind) && machine->memory[index] == NULL) {
        machine->memory[index] = calloc(1, MACHINE_RAM_BYTES);
        if (machine->memory[index] == NULL) {
            free(mr);
            return;
        }
    }
    as.container = -1;
    as.enabled = true;
    as.romd = true;
    as.readonly = as.kind == ORACLE_ROM;
    if (!machine_done(machine, init_region(machine, mr, index, &as))) {
        free(mr);
        return;
    }
    memory_region_set_destructor(mr, free_region, NULL);
    machine->pool[index] = mr;
    machine->now.regions[index] = as;
    machine->begun.regions[index] = as; /* an abort undoes setters, not births */
}
