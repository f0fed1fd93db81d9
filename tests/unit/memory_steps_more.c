/*
 * Steps of a random program that are rarely done together with others: all memory is logged, a
 * space ends and another one begins in its storage, references come and go inside a transaction.
 */
#include "tests/unit/memory_machine.h"

#include <errno.h>

void step_log_all(struct machine *machine, const struct step *step)
{
    bool start = step->x & 1;
    int error = start ? memory_global_dirty_log_start(machine->core)
                      : memory_global_dirty_log_stop(machine->core);

    if (machine->depth > 0) {
        machine_refused(machine, error, -EBUSY);
    } else if (!start && machine->now.log_all == 0) {
        machine_refused(machine, error, -EINVAL);
    } else if (machine_done(machine, error)) {
        machine->now.log_all += start ? 1U : -1U;
    }
}

/* Takes a reference and gives it back, also where a transaction is open. */
void step_find(struct machine *machine, const struct step *step)
{
    const struct oracle *seen = machine->depth > 0 ? &machine->begun : &machine->now;
    int space = step->y % SPACES;
    struct oracle_range answer;
    MemoryRegionSection section;
    bool there = oracle_lookup(seen, machine->spaces[space].root, step->x, &answer);

    if (address_space_find(&machine->spaces[space].as, step->x, 1, &section) != there) {
        machine_fail(machine, "something, or nothing, is found at %x", step->x);
    } else if (there) {
        if (machine_index(machine, section.mr) != answer.region) {
            machine_fail(machine, "another region is found at %x", step->x);
        }
        memory_region_unref(section.mr);
    }
}

bool machine_open_space(struct machine *machine, int index)
{
    struct space *space = &machine->spaces[index];
    bool done;

    replica_init(&space->early, machine, index);
    vetoer_init(&space->vetoer, machine, 1 - index);
    space->early.replaying = true;
    done = address_space_init(&space->as, machine->core, machine->pool[space->root],
                              index ? "one" : "zero", MEMORY_UNASSIGNED_MEMORY) == 0 &&
           memory_listener_register(&space->early.listener, &space->as) == 0 &&
           memory_listener_register(&space->vetoer.listener, &space->as) == 0;
    space->early.registered = done;
    space->early.replaying = false;
    space->vetoer.prepared = space->vetoer.applied = false;
    return done;
}

void machine_close_space(struct machine *machine, int index)
{
    struct space *space = &machine->spaces[index];

    (void)machine;
    space->vetoer.at_prepare = space->vetoer.at_apply = false;
    space->early.replaying = space->late.replaying = true;
    space->vetoer.prepared = space->vetoer.applied = false;
    memory_listener_unregister(&space->early.listener);
    memory_listener_unregister(&space->vetoer.listener);
    memory_listener_unregister(&space->late.listener);
    space->late.registered = false;
    address_space_finish(&space->as);
}

/* A space can end inside a transaction; another one begins outside only. */
void step_space_again(struct machine *machine, const struct step *step)
{
    int index = step->x % SPACES, i;
    AddressSpace more = {0};

    if (machine->depth > 0) {
        machine_refused(machine,
                        address_space_init(&more, machine->core, machine->pool[index], "more",
                                           MEMORY_UNASSIGNED_MEMORY),
                        -EBUSY);
        return;
    }
    machine->core->fail_alloc = 0;
    for (i = 0; i < MAPPINGS; i++) {
        if (machine->mappings[i].host && machine->mappings[i].space == index) {
            const struct step end = {.x = (uint8_t)i};

            step_unmap(machine, &end);
        }
    }
    machine_close_space(machine, index);
    if (!machine_open_space(machine, index)) {
        machine_fail(machine, "a space cannot be made again");
    }
}

static bool is_target(const struct machine *machine, int index)
{
    int i;

    for (i = 0; i < ORACLE_REGIONS; i++) {
        const struct oracle_region *region = &machine->now.regions[i], *old;

        old = &machine->begun.regions[i];
        if ((region->kind != ORACLE_NONE &&
             (region->container == index ||
              (region->kind == ORACLE_ALIAS && region->target == index))) ||
            (old->kind != ORACLE_NONE && old->container == index)) {
            return true;
        }
    }
    return false;
}

/* Drops the program's own reference inside a transaction, which may yet be undone. */
void step_drop(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = &machine->now.regions[step->a];

    if (machine->depth == 0 || step->a < SPACES || region->kind == ORACLE_NONE ||
        region->container >= 0 || is_target(machine, step->a)) {
        return;
    }
    memory_region_unref(machine->pool[step->a]);
    region->kind = ORACLE_NONE;
}

void machine_settle_drops(struct machine *machine)
{
    int i;

    for (i = 0; i < ORACLE_REGIONS; i++) {
        if (machine->now.regions[i].kind == ORACLE_NONE && machine->pool[i]) {
            machine_forget_kept(machine);
            machine->pool[i] = NULL;
            machine->now.regions[i] = (struct oracle_region){0};
        }
    }
}
