/*
 * The steps of a random program. Each is carried out on the real regions and, when it succeeded, on
 * the oracle's; it knows which results it may have.
 */
#include "tests/unit/memory_machine.h"

#include <errno.h>

static uint64_t coordinate(uint8_t byte)
{
    if (byte < 192) {
        return byte;
    }
    if (byte < 224) {
        return (uint64_t)(byte - 192) << 10;
    }
    if (byte < 240) {
        return ((uint64_t)1 << 63) + byte - 232;
    }
    return UINT64_MAX - (uint64_t)(255 - byte) * 7;
}

static uint64_t extent(uint8_t byte)
{
    if (byte < 192) {
        return byte;
    }
    if (byte < 232) {
        return (uint64_t)(byte - 191) << 9;
    }
    return byte < 248 ? ((uint64_t)1 << 63) + byte - 240 : UINT64_MAX - (uint64_t)(255 - byte);
}

static int32_t priority_of(uint8_t byte)
{
    static const int32_t priorities[] = {0, 0, 0, 1, 2, -1, INT32_MIN, INT32_MAX};

    return priorities[byte % 8];
}

static struct oracle_region *model(struct machine *machine, int index)
{
    return &machine->now.regions[index];
}

static bool exists(const struct machine *machine, int index)
{
    return machine->now.regions[index].kind != ORACLE_NONE;
}

/* A place is free once what was dropped from it in the open transaction is gone for good. */
static bool is_free(const struct machine *machine, int index)
{
    return !exists(machine, index) && machine->pool[index] == NULL;
}

static void step_create(struct machine *machine, const struct step *step)
{
    static const enum oracle_kind kinds[] = {
        ORACLE_CONTAINER, ORACLE_CONTAINER, ORACLE_CONTAINER,  ORACLE_RAM,
        ORACLE_RAM,       ORACLE_ROM,       ORACLE_ROM_DEVICE, ORACLE_RAM_DEVICE,
        ORACLE_IO,        ORACLE_IO,        ORACLE_IO,         ORACLE_RESERVATION,
    };
    struct oracle_region as = {
        .kind = kinds[step->x % (sizeof(kinds) / sizeof(kinds[0]))],
        .size = extent(step->y),
    };

    if (oracle_has_ram(as.kind)) {
        as.size = MACHINE_PAGE_BYTES * (1 + (uint64_t)step->y % 2);
    }
    if (is_free(machine, step->a)) {
        machine_create(machine, step->a, as);
    }
}

static void step_alias(struct machine *machine, const struct step *step)
{
    struct oracle_region as = {
        .kind = ORACLE_ALIAS,
        .target = step->b,
        .alias_offset = coordinate(step->x),
        .size = extent(step->y),
    };

    if (is_free(machine, step->a) && exists(machine, step->b)) {
        machine_create(machine, step->a, as);
    }
}

static bool targeted(const struct machine *machine, int index)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        const struct oracle_region *region = &machine->now.regions[i];

        if (region->kind != ORACLE_NONE &&
            (region->container == index ||
             (region->kind == ORACLE_ALIAS && region->target == index))) {
            return true;
        }
    }
    return false;
}

static void step_destroy(struct machine *machine, const struct step *step)
{
    if (step->a >= SPACES && exists(machine, step->a) && machine->depth == 0 &&
        model(machine, step->a)->container < 0 && !targeted(machine, step->a)) {
        machine_forget_kept(machine);
        memory_region_unref(machine->pool[step->a]);
        machine->pool[step->a] = NULL;
        machine->now.regions[step->a] = (struct oracle_region){0};
    }
}

/* The first place from `place` on, round the pool, with a region (`there`) or without. */
static int find_place(const struct machine *machine, int place, bool there)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        int at = (place + i) % ORACLE_REGIONS;

        if (exists(machine, at) == there) {
            return at;
        }
    }
    return place;
}

/* Most steps should do something: places are moved to where the step makes sense. */
static struct step settle(const struct machine *machine, struct step step, bool creates)
{
    step.a = find_place(machine, step.a, !creates);
    step.b = find_place(machine, step.b, true);
    return step;
}

static int find_unmounted(const struct machine *machine, int place)
{
    for (int i = 0; i < ORACLE_REGIONS; i++) {
        int at = (place + i) % ORACLE_REGIONS;

        if (at > 0 && exists(machine, at) && machine->now.regions[at].container < 0) {
            return at;
        }
    }
    return place;
}

static void step_mount(struct machine *machine, const struct step *given)
{
    struct step moved = *given, *step = &moved;
    hwaddr offset = coordinate(step->x);
    int32_t priority = step->z & 1 ? priority_of(step->y) : 0;

    if (step->z < 200) { /* the others are mostly refused */
        step->a = find_unmounted(machine, step->a);
    }
    struct oracle_region *container = model(machine, step->b), *child = model(machine, step->a);

    if (!exists(machine, step->a) || !exists(machine, step->b) || step->a == 0) {
        return;
    }
    bool busy = child->container >= 0, alias = container->kind == ORACLE_ALIAS;
    bool loop = oracle_reaches(&machine->now, step->a, step->b);
    int error = step->z & 1 ? memory_region_add_subregion_overlap(machine->pool[step->b], offset,
                                                                  machine->pool[step->a], priority)
                            : memory_region_add_subregion(machine->pool[step->b], offset,
                                                          machine->pool[step->a]);
    if (busy || loop || alias) {
        /* Where several apply, any of them is a fair answer. */
        machine_refused(machine, error,
                        busy && error == -EBUSY   ? -EBUSY
                        : loop && error == -ELOOP ? -ELOOP
                                                  : -EINVAL);
        if (error == -EINVAL && !alias) {
            machine_fail(machine, "the wrong refusal");
        }
    } else if (machine_done(machine, error)) {
        child->container = step->b;
        child->addr = offset;
        child->priority = priority;
        child->seq = ++machine->now.seq;
    }
}

static void step_unmount(struct machine *machine, const struct step *step)
{
    struct oracle_region *child = model(machine, step->a);

    if (!exists(machine, step->a)) {
        return;
    }
    if (child->container < 0 || step->z > 240) {
        if (exists(machine, step->b) && step->b != child->container) {
            machine_refused(
                machine,
                memory_region_del_subregion(machine->pool[step->b], machine->pool[step->a]),
                -EINVAL);
        }
        return;
    }
    if (machine_done(machine, memory_region_del_subregion(machine->pool[child->container],
                                                          machine->pool[step->a]))) {
        child->container = -1;
    }
}

static void step_enabled(struct machine *machine, const struct step *step)
{
    bool enabled = step->x % 3 > 0;

    if (exists(machine, step->a) &&
        machine_done(machine, memory_region_set_enabled(machine->pool[step->a], enabled))) {
        model(machine, step->a)->enabled = enabled;
    }
}

static void step_address(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);
    hwaddr addr = coordinate(step->x);

    if (step->a != 0 && exists(machine, step->a) &&
        machine_done(machine, memory_region_set_address(machine->pool[step->a], addr)) &&
        region->addr != addr) {
        region->addr = addr;
        region->seq = ++machine->now.seq;
    }
}

static void step_size(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);
    uint64_t size = step->a == 0 ? UINT64_MAX - step->x % 2 : extent(step->x);

    if (!exists(machine, step->a)) {
        return;
    }
    int error = memory_region_set_size(machine->pool[step->a], size);

    if (oracle_has_ram(region->kind)) {
        if (size != region->size) {
            machine_refused(machine, error, -EINVAL);
        }
    } else if (machine_done(machine, error)) {
        region->size = size;
    }
}

static void step_priority(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);
    int32_t priority = priority_of(step->x);

    if (exists(machine, step->a) &&
        machine_done(machine, memory_region_set_priority(machine->pool[step->a], priority)) &&
        region->priority != priority) {
        region->priority = priority;
        region->seq = ++machine->now.seq;
    }
}

static void step_readonly(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);

    if (exists(machine, step->a) && region->kind != ORACLE_IO &&
        region->kind != ORACLE_RESERVATION && region->kind != ORACLE_IOMMU &&
        machine_done(machine, memory_region_set_readonly(machine->pool[step->a], step->x & 1))) {
        region->readonly = step->x & 1;
    }
}

static void step_nonvolatile(struct machine *machine, const struct step *step)
{
    if (exists(machine, step->a) &&
        machine_done(machine, memory_region_set_nonvolatile(machine->pool[step->a], step->x & 1))) {
        model(machine, step->a)->nonvolatile = step->x & 1;
    }
}

static void step_unmergeable(struct machine *machine, const struct step *step)
{
    if (exists(machine, step->a) &&
        machine_done(machine, memory_region_set_unmergeable(machine->pool[step->a], step->x & 1))) {
        model(machine, step->a)->unmergeable = step->x & 1;
    }
}

static void step_romd(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);

    if (!exists(machine, step->a)) {
        return;
    }
    int error = memory_region_rom_device_set_romd(machine->pool[step->a], step->x & 1);

    if (region->kind != ORACLE_ROM_DEVICE) {
        machine_refused(machine, error, -EINVAL);
    } else if (machine_done(machine, error)) {
        region->romd = step->x & 1;
    }
}

static void step_alias_offset(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);

    if (!exists(machine, step->a)) {
        return;
    }
    int error = memory_region_set_alias_offset(machine->pool[step->a], coordinate(step->x));

    if (region->kind != ORACLE_ALIAS) {
        machine_refused(machine, error, -EINVAL);
    } else if (machine_done(machine, error)) {
        region->alias_offset = coordinate(step->x);
    }
}

static void step_log(struct machine *machine, const struct step *step)
{
    struct oracle_region *region = model(machine, step->a);
    unsigned client = step->y % ORACLE_CLIENTS;
    bool log = step->x & 1;

    if (oracle_has_ram(region->kind) && (log || region->log_count[client]) &&
        machine_done(machine, memory_region_set_log(machine->pool[step->a], log, client))) {
        region->log_count[client] += log ? 1U : -1U;
    }
}

static void step_begin(struct machine *machine, const struct step *step)
{
    (void)step;
    if (machine->depth < 3) {
        memory_region_transaction_begin(machine->core);
        if (machine->depth++ == 0) {
            machine->begun = machine->now;
        }
    }
}

static void step_commit(struct machine *machine, const struct step *step)
{
    (void)step;
    int error = memory_region_transaction_commit(machine->core);

    if (machine->depth == 0) {
        machine_refused(machine, error, -EINVAL);
    } else if (--machine->depth > 0) {
        if (error) {
            machine_fail(machine, "an inner commit gives %d", error);
        }
    } else {
        if (!machine_done(machine, error)) {
            machine->now = machine->begun;
        }
        machine_settle_drops(machine);
    }
}

static void step_abort(struct machine *machine, const struct step *step)
{
    (void)step;
    if (machine->depth > 0) {
        memory_region_transaction_abort(machine->core);
        machine->depth = 0;
        machine->now = machine->begun;
        machine_settle_drops(machine);
    }
}

static void step_veto(struct machine *machine, const struct step *step)
{
    struct vetoer *vetoer = &machine->spaces[step->x % SPACES].vetoer;

    if (step->y & 1) {
        vetoer->at_prepare = true;
    } else {
        vetoer->at_apply = true;
    }
}

static void step_fail_alloc(struct machine *machine, const struct step *step)
{
    machine->core->fail_alloc = 1U + step->x % 32;
}

static void step_keep(struct machine *machine, const struct step *step)
{
    struct space *space = &machine->spaces[step->x % SPACES];

    if (machine->depth == 0) {
        flatview_unref(space->kept);
        space->kept = address_space_get_flatview(&space->as);
        space->kept_num = oracle_render(&machine->now, space->root, space->kept_ranges);
    }
}

static void step_listener(struct machine *machine, const struct step *step)
{
    struct space *space = &machine->spaces[step->x % SPACES];
    struct replica *late = &space->late;

    if (late->registered) {
        machine->core->fail_alloc = 0; /* a removal has no way to say that it failed */
        late->replaying = true;
        memory_listener_unregister(&late->listener);
        late->registered = false;
        if (late->num || late->eventfd_num || late->zone_num) {
            machine_fail(machine, "a listener was not told of all removals as it left");
        }
        return;
    }
    replica_init(late, machine, (int)step->y % 3);
    late->replaying = true;
    if (machine->depth > 0) {
        machine_refused(machine, memory_listener_register(&late->listener, &space->as), -EBUSY);
    } else if (machine_done(machine, memory_listener_register(&late->listener, &space->as))) {
        late->registered = true;
    }
    late->replaying = false;
}

static const struct {
    const char *name;
    void (*run)(struct machine *machine, const struct step *step);
    unsigned weight; /* of 256 opcodes */
} steps[] = {
    {"create", step_create, 24},
    {"alias", step_alias, 16},
    {"destroy", step_destroy, 4},
    {"mount", step_mount, 44},
    {"unmount", step_unmount, 16},
    {"set_enabled", step_enabled, 18},
    {"set_address", step_address, 18},
    {"set_size", step_size, 12},
    {"set_priority", step_priority, 12},
    {"set_readonly", step_readonly, 8},
    {"set_nonvolatile", step_nonvolatile, 4},
    {"set_unmergeable", step_unmergeable, 6},
    {"set_romd", step_romd, 4},
    {"set_alias_offset", step_alias_offset, 6},
    {"set_log", step_log, 6},
    {"coalescing", step_coalescing, 8},
    {"eventfd", step_eventfd, 8},
    {"begin", step_begin, 6},
    {"commit", step_commit, 14},
    {"abort", step_abort, 2},
    {"veto", step_veto, 6},
    {"fail_alloc", step_fail_alloc, 6},
    {"keep", step_keep, 3},
    {"listener", step_listener, 3},
};

/* Steps that came later; each takes over a part of one whose last operand says nothing. */
static const struct {
    const char *name;
    void (*run)(struct machine *machine, const struct step *step);
    void (*instead_of)(struct machine *machine, const struct step *step);
} later_steps[] = {
    {"ram_resize", step_ram_resize, step_size},
    {"discard", step_discard, step_nonvolatile},
    {"map", step_map, step_enabled},
    {"unmap", step_unmap, step_address},
    {"create_iommu", step_create_iommu, step_create},
    {"iommu_page", step_iommu_page, step_priority},
    {"add_coalescing", step_add_coalescing, step_coalescing},
    {"log_all", step_log_all, step_readonly},
    {"find", step_find, step_log},
    {"space_again", step_space_again, step_keep},
    {"drop", step_drop, step_veto},
};
enum { LATER_FROM = 192 /* of the last operand */ };

struct kind {
    const char *name;
    void (*run)(struct machine *machine, const struct step *step);
};

static struct kind kind_of(const struct step *step)
{
    size_t i = 0;
    unsigned below = steps[0].weight;

    while (step->code >= below && i + 1 < sizeof(steps) / sizeof(steps[0])) {
        below += steps[++i].weight;
    }
    for (size_t j = 0; step->z >= LATER_FROM && j < sizeof(later_steps) / sizeof(later_steps[0]);
         j++) {
        if (later_steps[j].instead_of == steps[i].run) {
            return (struct kind){later_steps[j].name, later_steps[j].run};
        }
    }
    return (struct kind){steps[i].name, steps[i].run};
}

/* Containers and targets are more often one of the first few, so that trees grow together. */
static int second_place(uint8_t byte)
{
    int place = byte % 40;

    return place < ORACLE_REGIONS ? place : place % 3;
}

static struct step decode(const uint8_t *bytes)
{
    return (struct step){
        .code = bytes[0],
        .a = bytes[1] % ORACLE_REGIONS,
        .b = second_place(bytes[2]),
        .x = bytes[3],
        .y = bytes[4],
        .z = bytes[5],
    };
}

const char *machine_step_name(const uint8_t *bytes)
{
    struct step step = decode(bytes);

    return kind_of(&step).name;
}

bool machine_step(struct machine *machine, const uint8_t *bytes)
{
    struct step step = decode(bytes);
    void (*run)(struct machine *, const struct step *) = kind_of(&step).run;

    step =
        settle(machine, step, run == step_create || run == step_alias || run == step_create_iommu);
    machine->armed = machine->core->fail_alloc != 0;
    run(machine, &step);
    return run != step_fail_alloc;
}
