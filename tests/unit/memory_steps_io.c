/*
 * Steps of a random program on what a region has beside its place: zones whose writes may be held
 * back, and eventfds.
 */
#include "tests/unit/memory_machine.h"

#include <errno.h>

static uint64_t last_of(const struct oracle_region *region)
{
    return region->size == UINT64_MAX ? UINT64_MAX : region->size - 1;
}

/* The first region with registers from a place on, mostly; else the place itself. */
static int find_io(const struct machine *machine, const struct step *step)
{
    for (int i = 0; i < ORACLE_REGIONS && step->z < 250; i++) {
        int at = (step->a + i) % ORACLE_REGIONS;

        if (machine->now.regions[at].kind == ORACLE_IO) {
            return at;
        }
    }
    return step->a;
}

void step_coalescing(struct machine *machine, const struct step *step)
{
    int index = find_io(machine, step);
    struct oracle_region *region = &machine->now.regions[index];
    bool on = step->x & 1;

    if (region->kind == ORACLE_IO && region->size > 0 &&
        machine_done(machine, on ? memory_region_set_coalescing(machine->pool[index])
                                 : memory_region_clear_coalescing(machine->pool[index]))) {
        region->zone_num = on;
        region->zones[0] = (struct oracle_zone){0, last_of(region)};
    }
}

void step_add_coalescing(struct machine *machine, const struct step *step)
{
    int index = find_io(machine, step);
    struct oracle_region *region = &machine->now.regions[index];
    uint64_t first = step->x % 80, size = step->y % 40, last = first + size - 1;

    if (region->kind == ORACLE_NONE || region->zone_num == ORACLE_ZONES) {
        return;
    }
    int error = memory_region_add_coalescing(machine->pool[index], first, size);

    if (region->kind != ORACLE_IO || size == 0 || region->size == 0 || last > last_of(region)) {
        machine_refused(machine, error, -EINVAL);
    } else if (machine_done(machine, error)) {
        region->zones[region->zone_num++] = (struct oracle_zone){first, last};
    }
}

/* One of a few for each region: no two of them are the same. */
static struct oracle_eventfd wanted_eventfd(const struct step *step)
{
    static const unsigned sizes[] = {1, 2, 4, 8, 0};
    unsigned size = sizes[step->z % 5];

    return (struct oracle_eventfd){
        .used = true,
        .offset = step->y % 64,
        .size = size,
        .match = size > 0 && step->z & 1,
    };
}

void step_eventfd(struct machine *machine, const struct step *step)
{
    unsigned which = step->x / 2 % ORACLE_EVENTFDS;
    int index = find_io(machine, step);
    struct oracle_region *region = &machine->now.regions[index];
    struct oracle_eventfd *mine = &region->eventfds[which], wanted = wanted_eventfd(step);
    MemoryRegion *mr = machine->pool[index];
    int fd = MACHINE_EVENTFD_BASE + index * ORACLE_EVENTFDS + (int)which, error;

    if (region->kind == ORACLE_NONE) {
        return;
    }
    if (step->x & 1) {
        wanted = mine->used ? *mine : wanted;
        error = memory_region_add_eventfd(mr, wanted.offset, wanted.size, wanted.match, which, fd);
        if (mine->used) {
            /* The region may have been cut short since. */
            machine_refused(machine, error, error == -EINVAL ? -EINVAL : -EEXIST);
        } else if (region->kind != ORACLE_IO || region->size == 0 ||
                   wanted.offset + (wanted.size ? wanted.size : 1) - 1 > last_of(region)) {
            machine_refused(machine, error, -EINVAL);
        } else if (machine_done(machine, error)) {
            *mine = wanted;
        }
        return;
    }
    wanted = mine->used ? *mine : wanted;
    error = memory_region_del_eventfd(mr, wanted.offset, wanted.size, wanted.match, which, fd);
    if (!mine->used) {
        machine_refused(machine, error, -ENOENT);
    } else if (machine_done(machine, error)) {
        mine->used = false;
    }
}
