/*
 * Runs and prints random programs; memory_steps.c and memory_steps_ram.c know the steps,
 * memory_check.c what must hold after each outermost one.
 */
#include "tests/unit/memory_machine.h"

#include <stdlib.h>

void machine_forget_kept(struct machine *machine)
{
    for (unsigned i = 0; i < SPACES; i++) {
        flatview_unref(machine->spaces[i].kept);
        machine->spaces[i].kept = NULL;
    }
}

/* What every program starts with: two roots, and something to begin with. */
static const struct oracle_region first[MACHINE_FIRST_NUM] = {
    {.kind = ORACLE_CONTAINER, .size = UINT64_MAX},
    {.kind = ORACLE_CONTAINER, .size = 0x2000},
    {.kind = ORACLE_CONTAINER, .size = 0x80},
    {.kind = ORACLE_RAM, .size = MACHINE_PAGE_BYTES},
    {.kind = ORACLE_IO, .size = 0x40},
    {.kind = ORACLE_IO, .size = 0x7},
    {.kind = ORACLE_ROM_DEVICE, .size = MACHINE_PAGE_BYTES},
    {.kind = ORACLE_ALIAS, .target = 3, .alias_offset = 0x10, .size = 0x90},
    {.kind = ORACLE_ALIAS, .target = 2, .alias_offset = 8, .size = 0x400},
    {.kind = ORACLE_CONTAINER, .size = 0xb0},
};

static bool machine_start(struct machine *machine)
{
    for (int i = 0; i < MACHINE_FIRST_NUM; i++) {
        machine_create(machine, i, first[i]);
    }
    for (int i = 0; i < SPACES && !machine->result->failed; i++) {
        machine->spaces[i].root = i;
        if (!machine_open_space(machine, i)) {
            machine_fail(machine, "a space cannot be made");
        }
    }
    return !machine->result->failed;
}

static void machine_stop(struct machine *machine)
{
    if (machine->depth > 0) {
        memory_region_transaction_abort(machine->core);
        machine->now = machine->begun;
        machine->depth = 0;
        machine_settle_drops(machine);
    }
    machine_forget_kept(machine);
    machine_unmap(machine);
    for (int i = 0; i < SPACES; i++) {
        machine_close_space(machine, i);
    }
    while (machine->now.log_all > 0) {
        machine->now.log_all--;
        if (memory_global_dirty_log_stop(machine->core)) {
            machine_fail(machine, "the log of all memory does not stop");
        }
    }
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        memory_region_unref(machine->pool[i]);
    }
}

bool memory_program_run(struct memory_core *core, const uint8_t *bytes, size_t len,
                        struct memory_program_result *result)
{
    struct machine *machine = calloc(1, sizeof(*machine));
    uint64_t commits = core->counters.commits;

    *result = (struct memory_program_result){0};
    if (machine == NULL) {
        return true;
    }
    machine->core = core;
    machine->result = result;
    if (machine_start(machine)) {
        machine_check(machine);
    }
    for (size_t i = 0; i < len / MEMORY_STEP_BYTES && i < MEMORY_STEPS_MAX && !result->failed &&
                       !machine->too_complex;
         i++) {
        result->step = i;
        if (machine_step(machine, bytes + i * MEMORY_STEP_BYTES) && machine->depth == 0 &&
            !result->failed) {
            core->fail_alloc = 0;
            machine_check(machine);
        }
    }
    if (!result->failed) {
        core->fail_alloc = 0;
        machine_stop(machine);
    }
    result->commits = (unsigned)(core->counters.commits - commits);
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        free(machine->memory[i]);
    }
    free(machine);
    return !result->failed;
}

void memory_program_print(FILE *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + MEMORY_STEP_BYTES <= len; i += MEMORY_STEP_BYTES) {
        (void)fprintf(out, "%3zu %-16s %3u %3u  %3u %3u %3u\n", i / MEMORY_STEP_BYTES,
                      machine_step_name(bytes + i), bytes[i + 1], bytes[i + 2], bytes[i + 3],
                      bytes[i + 4], bytes[i + 5]);
    }
    for (size_t i = 0; i < len; i++) {
        (void)fprintf(out, "0x%02x,%s", bytes[i], i % MEMORY_STEP_BYTES == 5 ? "\n" : " ");
    }
}
