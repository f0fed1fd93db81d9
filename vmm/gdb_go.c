/*
 * gdb_go.c - going on: what is to find each breakpoint, which stops must be told first, who has to
 * be stepped over what it stands at. A CPU that runs alone is let through while the machine is
 * held, so that time stands still for it; in all other cases the machine is let go.
 */
#include "vmm/gdb.h"

#include <string.h>

#include "vmm/log.h"
#include "vmm/watch.h"

/* ---- what finds the breakpoints ---- */

static bool client_steps(const struct gdb_cpu *cpu)
{
    return cpu->action == GDB_ACTION_STEP || cpu->action == GDB_ACTION_RANGE;
}

/* Returns: the only CPU that is to run: a step, or the only one not held; GDB_CPUS_MAX: none. */
static unsigned runs_alone(const struct gdb *gdb)
{
    unsigned num = gdb->session.target.cpu_num, only = GDB_CPUS_MAX, acting = 0, i;

    for (i = 0; i < num; i++) {
        const struct gdb_cpu *cpu = &gdb->cpus[i];

        if (cpu->action == GDB_ACTION_STEP && cpu->mp_state == KVM_MP_STATE_RUNNABLE) {
            return i;
        }
        if (cpu->action != GDB_ACTION_HOLD) {
            only = i;
            acting++;
        }
    }
    if (num == 1 || acting != 1 ||
        (client_steps(&gdb->cpus[only]) && gdb->cpus[only].mp_state != KVM_MP_STATE_RUNNABLE)) {
        return GDB_CPUS_MAX; /* what a halted one waits for comes from others */
    }
    return only;
}

/* Is a CPU to run that is not stepped by the client? */
static bool runs_freely(const struct gdb *gdb)
{
    unsigned only = runs_alone(gdb), i;

    if (only != GDB_CPUS_MAX) {
        return !client_steps(&gdb->cpus[only]);
    }
    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        if (!client_steps(&gdb->cpus[i])) {
            return true;
        }
    }
    return false;
}

static void call_paging(void *opaque, struct vcpu *vcpu)
{
    struct gdb *gdb = opaque;
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];

    cpu->has_paging = vcpu_paging_read(vcpu, &cpu->paging) == 0;
}

/* Everywhere its address shows by any CPU's tables. Returns: false: an int3 cannot find it. */
static bool place(struct gdb *gdb, const struct gdb_breakpoint *one)
{
    AddressSpace *memory = board_memory(gdb->machine->board);
    struct x86_walk walk;
    bool placed = false;
    unsigned i;

    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        const struct gdb_cpu *cpu = &gdb->cpus[i];

        if (!gdb_cpu_started(cpu) || !cpu->has_paging) {
            continue;
        }
        vcpu_paging_walk(&cpu->paging, watch_beneath(gdb->machine), one->addr, &walk);
        if (walk.result == X86_WALK_OK) {
            placed = gdb_patches_add(&gdb->patches, memory, one->addr, walk.gpa);
            if (!placed) {
                return false;
            }
        }
    }
    return placed;
}

static bool wants_int3(const struct gdb *gdb)
{
    unsigned i;

    for (i = 0; i < gdb->breaks.num; i++) {
        if (gdb->breaks.list[i].software) {
            return true;
        }
    }
    return false;
}

static void plan(struct gdb *gdb)
{
    unsigned i;

    gdb_patches_clear(&gdb->patches);
    gdb_breaks_plan(&gdb->breaks, &gdb->means);
    if (!wants_int3(gdb) || !runs_freely(gdb)) {
        return;
    }
    vcpu_group_call(&gdb->machine->vcpus, call_paging, gdb);
    for (i = 0; i < gdb->breaks.num; i++) {
        struct gdb_breakpoint *one = &gdb->breaks.list[i];

        if (one->software && !place(gdb, one)) {
            gdb_breaks_step(&gdb->breaks, one);
        }
    }
}

static void call_go(void *opaque, struct vcpu *vcpu)
{
    struct gdb *gdb = opaque;
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];
    bool over = gdb->over == vcpu->index, steps = client_steps(cpu);
    struct vcpu_debug debug = {.step = over || steps || gdb->breaks.steps};

    debug.block_irqs = (steps && !gdb->irqs_in_steps) || (over && !steps);
    if (gdb->over == GDB_CPUS_MAX) {
        debug.software = gdb->patches.inserted;
        debug.breakpoint_num = gdb->breaks.slot_num;
        memcpy(debug.breakpoints, gdb->breaks.slots, sizeof(debug.breakpoints));
    }
    cpu->passes &= cpu->passed_pc == cpu->pc;
    cpu->step_pc = cpu->pc;
    cpu->debug_failed = vcpu_set_debug(vcpu, &debug) < 0;
}

/* Has KVM know what each CPU is to do. Returns: false: it does not take it. */
static bool program(struct gdb *gdb)
{
    bool steps = gdb->breaks.steps || gdb->over != GDB_CPUS_MAX;
    unsigned i;

    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        steps |= client_steps(&gdb->cpus[i]);
    }
    vcpu_group_untap(&gdb->machine->vcpus, &gdb->tap);
    if (steps) {
        vcpu_group_tap(&gdb->machine->vcpus, &gdb->tap);
    }
    if (gdb->over == GDB_CPUS_MAX && gdb->patches.num > 0) {
        gdb_patches_insert(&gdb->patches);
    }
    vcpu_group_call(&gdb->machine->vcpus, call_go, gdb);
    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        if (gdb->cpus[i].debug_failed) {
            log_warn("gdb: cpu %u: KVM does not take the breakpoints", i);
            return false;
        }
    }
    return true;
}

/* ---- before a CPU goes on ---- */

/*
 * A watchpoint that a CPU came to while another stop was told, or a breakpoint that it stands at
 * and that was not told. KVM tells of the latter as well, but stepping does not. A client that
 * steps knows what is there, but not when the guest was reset while it was stopped.
 */
static bool find_stop(const struct gdb *gdb, struct gdb_cpu *cpu, struct gdb_stop *stop)
{
    const struct gdb_breakpoint *at = gdb_breaks_at(&gdb->breaks, cpu->pc);

    if (cpu->pending) {
        cpu->pending = false;
        *stop = cpu->pending_stop;
        return true;
    }
    if (!at || (client_steps(cpu) && !gdb->fresh) || (cpu->passes && cpu->passed_pc == cpu->pc) ||
        !gdb_cpu_started(cpu) || (cpu->mp_state == KVM_MP_STATE_HALTED && !gdb->breaks.steps)) {
        return false;
    }
    stop->at_break = true;
    stop->kind = at->kind;
    stop->addr = at->addr;
    return true;
}

static bool tell_pending(struct gdb *gdb)
{
    unsigned i;

    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = i};

        if (gdb->cpus[i].action != GDB_ACTION_HOLD && find_stop(gdb, &gdb->cpus[i], &stop)) {
            gdb_run_tell(gdb, &stop);
            return true;
        }
    }
    return false;
}

/* Returns: a CPU that must be stepped over what it stands at; GDB_CPUS_MAX: none. */
static unsigned next_over(const struct gdb *gdb)
{
    unsigned i;

    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        const struct gdb_cpu *cpu = &gdb->cpus[i];

        if (cpu->action != GDB_ACTION_HOLD && cpu->mp_state == KVM_MP_STATE_RUNNABLE &&
            (cpu->astray || gdb_breaks_traps(&gdb->breaks, cpu->pc))) {
            return i;
        }
    }
    return GDB_CPUS_MAX;
}

/* ---- going on ---- */

static void listen_to(struct gdb *gdb, bool on)
{
    (void)pthread_mutex_lock(&gdb->lock);
    gdb->listens = on;
    (void)pthread_mutex_unlock(&gdb->lock);
}

/* -S held the machine for the user; the debugger that was waited for is that user. */
void gdb_go_free(struct gdb *gdb)
{
    if (gdb->start_held) {
        gdb->start_held = false;
        machine_release(gdb->machine, MACHINE_HOLDER_USER);
    }
    machine_release(gdb->machine, MACHINE_HOLDER_DEBUGGER);
}

/* Nothing is missed without a word. */
static void tell_late(struct gdb *gdb)
{
    if (gdb->breaks.blind && !gdb->means.enters && !gdb->told_late) {
        gdb->told_late = true;
        gdb_session_tell(&gdb->session,
                         "every CPU is stepped, and this KVM does not step interrupt "
                         "handlers: breakpoints in them are not seen");
    }
}

static void call_begin(void *opaque, struct vcpu *vcpu)
{
    struct gdb *gdb = opaque;
    const struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];

    if (vcpu->debug.step && cpu->mp_state == KVM_MP_STATE_RUNNABLE &&
        (gdb->alone == GDB_CPUS_MAX || gdb->alone == vcpu->index)) {
        gdb_run_step_from(gdb, vcpu, cpu->pc);
    }
}

void gdb_go(struct gdb *gdb)
{
    const struct gdb_stop refused = {.signal = GDB_SIGNAL_TRAP, .cpu = gdb->session.resume_cpu};
    bool told;

    plan(gdb);
    told = tell_pending(gdb);
    gdb->fresh = false;
    if (told) {
        return;
    }
    gdb->over = next_over(gdb);
    if (!program(gdb)) {
        gdb_patches_remove(&gdb->patches);
        vcpu_group_untap(&gdb->machine->vcpus, &gdb->tap);
        gdb_run_tell(gdb, &refused);
        return;
    }
    gdb->alone = gdb->over != GDB_CPUS_MAX ? gdb->over : runs_alone(gdb);
    tell_late(gdb);
    gdb_stepped_begin(gdb);
    listen_to(gdb, true); /* from here on what they come to counts */
    gdb->stopped = false;
    vcpu_group_call(&gdb->machine->vcpus, call_begin, gdb);
    if (gdb->alone != GDB_CPUS_MAX) {
        vcpu_group_let(&gdb->machine->vcpus, &gdb->machine->vcpus.vcpus[gdb->alone]);
    } else {
        gdb_go_free(gdb);
    }
}

void gdb_go_resume(void *opaque, const struct gdb_plan *what)
{
    struct gdb *gdb = opaque;
    unsigned i;

    if (gdb->crashed) {
        machine_end(gdb->machine, &gdb->crash);
        return;
    }
    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        gdb->cpus[i].action = what->actions[i];
    }
    gdb->range_first = what->range_first;
    gdb->range_end = what->range_end;
    gdb_go(gdb);
}

/* ---- while others look at memory, or the guest begins anew ---- */

void gdb_go_take_out(struct gdb *gdb)
{
    struct gdb_breakpoint *one;
    unsigned i;

    if (!gdb->patches.inserted) {
        return;
    }
    gdb_patches_remove(&gdb->patches);
    for (i = 0; i < gdb->breaks.num; i++) {
        one = &gdb->breaks.list[i];
        one->missed |= one->software && gdb_patches_lost(&gdb->patches, one->addr);
    }
}

static void call_read(void *opaque, struct vcpu *vcpu)
{
    gdb_run_read(opaque, vcpu);
}

/*
 * Registers, memory or tables have become others under a target that runs. A CPU that is stepped
 * from where it stands would go past what is there.
 */
static void renew(struct gdb *gdb)
{
    unsigned i;

    vcpu_group_call(&gdb->machine->vcpus, call_read, gdb);
    plan(gdb);
    if (!program(gdb)) {
        const struct gdb_stop refused = {.signal = GDB_SIGNAL_TRAP, .cpu = gdb->session.resume_cpu};

        gdb_run_note(gdb, &refused);
    }
    for (i = 0; i < gdb->session.target.cpu_num && gdb->breaks.steps; i++) {
        struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = i};

        if (find_stop(gdb, &gdb->cpus[i], &stop)) {
            gdb_run_note(gdb, &stop);
        }
    }
}

void gdb_go_hide(void *opaque, bool hidden)
{
    struct gdb *gdb = opaque;
    bool first = hidden && gdb->hidden++ == 0, last = !hidden && --gdb->hidden == 0;

    if (first && gdb->patches.inserted) {
        vcpu_group_pause(&gdb->machine->vcpus);
        gdb_go_take_out(gdb);
        gdb->paused = gdb->stale = true;
    }
    if (last && gdb->stale) {
        gdb->stale = false;
        if (gdb->listens) { /* which only this thread changes */
            renew(gdb);
        }
    }
    if (last && gdb->paused) {
        gdb->paused = false;
        vcpu_group_unpark(&gdb->machine->vcpus);
    }
}

void gdb_go_conceal(void *opaque, uint64_t gpa, uint8_t *byte)
{
    const struct gdb *gdb = opaque;

    gdb_patches_conceal(&gdb->patches, gpa, byte);
}

void gdb_go_reset(struct gdb *gdb)
{
    unsigned i;

    (void)pthread_mutex_lock(&gdb->lock);
    gdb->crashed = false;
    (void)pthread_mutex_unlock(&gdb->lock);
    for (i = 0; i < GDB_CPUS_MAX; i++) {
        gdb->cpus[i].pending = gdb->cpus[i].passes = gdb->cpus[i].astray = false;
    }
    vcpu_group_call(&gdb->machine->vcpus, call_read, gdb);
    gdb->stale = true;
    gdb->fresh = gdb->stopped;
}
