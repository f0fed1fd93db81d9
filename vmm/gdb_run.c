/*
 * gdb_run.c - run control. A CPU that the client steps alone is let through while the machine is
 * held, so that time stands still for it; in all other cases the machine is let go. Where debug
 * registers do not do, every running CPU is stepped, and its own thread looks after each
 * instruction whether the run is to stop; the loop is needed for that only.
 */
#include "vmm/gdb.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/log.h"

/* ---- stopping: the vCPUs' side ---- */

/* Keeps a stop for later, when another one is being told. */
static void keep(struct gdb *gdb, const struct gdb_stop *stop)
{
    if (stop->at_break) {
        gdb->cpus[stop->cpu].pending = true;
        gdb->cpus[stop->cpu].pending_stop = *stop;
    }
}

void gdb_run_note(struct gdb *gdb, const struct gdb_stop *stop)
{
    bool first;

    (void)pthread_mutex_lock(&gdb->lock);
    first = gdb->listens && !gdb->noted;
    if (first) {
        gdb->noted = true;
        gdb->stop = *stop;
    } else if (gdb->listens) {
        keep(gdb, stop);
    }
    (void)pthread_mutex_unlock(&gdb->lock);
    if (first) {
        vcpu_group_hold(&gdb->machine->vcpus);
        loop_post(&gdb->machine->loop, &gdb->stop_work);
    }
}

/* A vCPU stands before the instruction at pc. @dr6  0 when no exception brought it there */
static void came_to(struct gdb *gdb, const struct vcpu *vcpu, uint64_t pc, uint64_t dr6)
{
    const struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];
    const struct gdb_breakpoint *at = gdb_breaks_hit(&gdb->breaks, dr6);
    struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = vcpu->index};

    if (!at) {
        at = gdb_breaks_at(&gdb->breaks, pc);
    }
    if (at) {
        stop.at_break = true;
        stop.kind = at->kind;
        stop.addr = at->addr;
    } else if (cpu->action != GDB_ACTION_STEP &&
               (cpu->action != GDB_ACTION_RANGE ||
                (pc >= gdb->range_first && pc < gdb->range_end))) {
        return; /* an instruction like any other */
    }
    gdb_run_note(gdb, &stop);
}

void gdb_run_debugged(void *opaque, struct vcpu *vcpu)
{
    came_to(opaque, vcpu, vcpu->run->debug.arch.pc, vcpu->run->debug.arch.dr6);
}

/*
 * KVM's emulator forgets the step's exit when an OUT or a write to MMIO leaves for userspace: the
 * next one would come an instruction too late. So the access is finished here, and what should have
 * been an exit is made up. A write in two pieces has both served.
 */
void gdb_run_served(void *opaque, struct vcpu *vcpu, const struct history_exit *exit)
{
    struct gdb *gdb = opaque;
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_sregs sregs = {0};
    struct kvm_regs regs = {0};

    (void)exit;
    if (!vcpu->debug.step ||
        (vcpu->run->exit_reason != KVM_EXIT_IO && vcpu->run->exit_reason != KVM_EXIT_MMIO)) {
        return;
    }
    for (;;) {
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
        if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
            break;
        }
        if (vcpu->run->exit_reason != KVM_EXIT_IO && vcpu->run->exit_reason != KVM_EXIT_MMIO) {
            vcpu_serve_exit(vcpu); /* the step's exit, after all */
            return;
        }
        vcpu_serve_exit(vcpu);
    }
    if (kvm_get_regs(kvm, vcpu->fd, &regs) == 0 && kvm_get_sregs(kvm, vcpu->fd, &sregs) == 0) {
        came_to(gdb, vcpu, gdb_linear_pc(&regs, &sregs), 0);
    }
}

static int crash_signal(enum verdict_kind kind)
{
    enum { GDB_SIGNAL_ILL = 4, GDB_SIGNAL_ABRT = 6, GDB_SIGNAL_SEGV = 11 };

    return kind == VERDICT_TRIPLE_FAULT     ? GDB_SIGNAL_SEGV
           : kind == VERDICT_INTERNAL_ERROR ? GDB_SIGNAL_ILL
                                            : GDB_SIGNAL_ABRT;
}

bool gdb_run_ended(void *opaque, const struct verdict *verdict)
{
    struct gdb *gdb = opaque;
    struct gdb_stop stop = {.signal = crash_signal(verdict->kind),
                            .cpu = verdict->cpu >= 0 ? (unsigned)verdict->cpu : 0};
    bool mine;

    if (verdict->kind != VERDICT_TRIPLE_FAULT && verdict->kind != VERDICT_INTERNAL_ERROR &&
        verdict->kind != VERDICT_ENTRY_FAILURE) {
        return false;
    }
    (void)pthread_mutex_lock(&gdb->lock);
    mine = gdb->listens && !gdb->noted && !gdb->crashed;
    if (mine) {
        gdb->crashed = true;
        gdb->crash = *verdict;
    }
    (void)pthread_mutex_unlock(&gdb->lock);
    if (mine) {
        gdb_run_note(gdb, &stop);
    }
    return mine;
}

/* ---- stopping: the loop's side ---- */

/* What KVM has still to do for an access may bring the CPU to a breakpoint that stepping serves. */
static void call_stop(void *opaque, struct vcpu *vcpu)
{
    static const struct vcpu_debug none = {.step = false};
    struct gdb *gdb = opaque;
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];
    struct kvm *kvm = vcpu->group->config.kvm;
    const struct gdb_breakpoint *at;
    struct kvm_sregs sregs = {0};
    struct kvm_regs regs = {0};
    uint64_t before;

    (void)kvm_get_sregs(kvm, vcpu->fd, &sregs);
    (void)kvm_get_regs(kvm, vcpu->fd, &regs);
    before = gdb_linear_pc(&regs, &sregs);
    vcpu_finish_access(vcpu);
    cpu->debug_failed = vcpu_set_debug(vcpu, &none) < 0;
    (void)kvm_get_regs(kvm, vcpu->fd, &regs);
    cpu->pc = gdb_linear_pc(&regs, &sregs);
    if (kvm_get_mp_state(kvm, vcpu->fd, &cpu->mp_state) < 0) {
        cpu->mp_state = KVM_MP_STATE_RUNNABLE;
    }
    at = gdb_breaks_at(&gdb->breaks, cpu->pc);
    if (cpu->pc != before && at && at->slot < 0 && cpu->action != GDB_ACTION_HOLD) {
        cpu->pending = true;
        cpu->pending_stop = (struct gdb_stop){.signal = GDB_SIGNAL_TRAP,
                                              .cpu = vcpu->index,
                                              .at_break = true,
                                              .kind = at->kind,
                                              .addr = at->addr};
    }
}

/* Everybody comes to the gate, and what was noted is taken. Returns: there was something. */
static bool gather(struct gdb *gdb, struct gdb_stop *stop)
{
    struct vcpu_group *group = &gdb->machine->vcpus;
    bool noted;

    machine_hold(gdb->machine, MACHINE_HOLDER_DEBUGGER);
    vcpu_group_unlet(group);
    vcpu_group_pause(group); /* who was let through, or came after a stop */
    (void)pthread_mutex_lock(&gdb->lock);
    noted = gdb->noted;
    if (noted) {
        *stop = gdb->stop;
    }
    gdb->noted = gdb->listens = false;
    (void)pthread_mutex_unlock(&gdb->lock);
    vcpu_group_unpark(group);
    if (noted) {
        vcpu_group_unpark(group); /* the hold of who noted it */
    }
    vcpu_group_call(group, call_stop, gdb);
    vcpu_group_untap(group, &gdb->tap); /* nothing where there is none */
    gdb->alone = false;
    gdb->stopped = true;
    return noted;
}

static void tell_crash(struct gdb *gdb)
{
    char line[256];

    if (gdb->crashed) {
        verdict_line(&gdb->crash, line, sizeof(line));
        gdb_session_tell(&gdb->session, line);
    }
}

void gdb_run_stop(struct gdb *gdb, const struct gdb_stop *stop)
{
    struct gdb_stop noted;

    if (gdb->stopped || !gather(gdb, &noted)) {
        noted = *stop;
    }
    tell_crash(gdb);
    gdb_session_stopped(&gdb->session, &noted);
}

void gdb_run_settle(void *opaque)
{
    struct gdb *gdb = opaque;
    struct gdb_stop stop;
    bool waits;

    (void)pthread_mutex_lock(&gdb->lock);
    waits = gdb->noted;
    (void)pthread_mutex_unlock(&gdb->lock);
    if (waits && gather(gdb, &stop)) {
        tell_crash(gdb);
        gdb_session_stopped(&gdb->session, &stop);
    }
}

void gdb_run_interrupt(void *opaque)
{
    struct gdb *gdb = opaque;
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_INT, .cpu = gdb->session.resume_cpu};

    gdb_run_stop(gdb, &stop);
}

/* ---- going on ---- */

/* A breakpoint that a CPU came to while another stop was told, and that is still there. */
static bool tell_pending(struct gdb *gdb)
{
    unsigned i;

    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        struct gdb_cpu *cpu = &gdb->cpus[i];

        if (!cpu->pending || cpu->action == GDB_ACTION_HOLD) {
            continue;
        }
        cpu->pending = false;
        if (cpu->action == GDB_ACTION_CONTINUE &&
            (gdb_break_is_watch(cpu->pending_stop.kind) ||
             (cpu->pc == cpu->pending_stop.addr && gdb_breaks_at(&gdb->breaks, cpu->pc)))) {
            gdb_session_stopped(&gdb->session, &cpu->pending_stop);
            return true;
        }
    }
    return false;
}

static void call_go(void *opaque, struct vcpu *vcpu)
{
    struct gdb *gdb = opaque;
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];
    bool client_steps = cpu->action == GDB_ACTION_STEP || cpu->action == GDB_ACTION_RANGE;
    struct vcpu_debug debug = {
        .step = client_steps || gdb->breaks.steps,
        .block_irqs = client_steps && !gdb->irqs_in_steps,
        .breakpoint_num = gdb->breaks.slot_num,
    };

    memcpy(debug.breakpoints, gdb->breaks.slots, sizeof(debug.breakpoints));
    cpu->debug_failed = vcpu_set_debug(vcpu, &debug) < 0;
}

/* Returns: the only CPU that is to run, when that is a step and it can run; else GDB_CPUS_MAX. */
static unsigned stepped_alone(const struct gdb *gdb)
{
    unsigned num = gdb->session.target.cpu_num, only = GDB_CPUS_MAX, i;

    for (i = 0; i < num; i++) {
        if (gdb->cpus[i].action == GDB_ACTION_STEP &&
            gdb->cpus[i].mp_state == KVM_MP_STATE_RUNNABLE) {
            only = i;
        } else if (gdb->cpus[i].action != GDB_ACTION_HOLD &&
                   gdb->cpus[i].action != GDB_ACTION_CONTINUE) {
            return GDB_CPUS_MAX;
        }
    }
    if (only == GDB_CPUS_MAX && num > 1) {
        for (i = 0; i < num; i++) { /* a scheduler lock: one continues, the others do not */
            if (gdb->cpus[i].action == GDB_ACTION_CONTINUE) {
                if (only != GDB_CPUS_MAX) {
                    return GDB_CPUS_MAX;
                }
                only = i;
            }
        }
    }
    return only;
}

static bool program(struct gdb *gdb)
{
    bool steps;
    unsigned i;

    gdb_breaks_plan(&gdb->breaks, &gdb->means);
    steps = gdb->breaks.steps;
    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        steps |= gdb->cpus[i].action == GDB_ACTION_STEP || gdb->cpus[i].action == GDB_ACTION_RANGE;
    }
    if (steps) {
        vcpu_group_tap(&gdb->machine->vcpus, &gdb->tap);
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

static void listen_to(struct gdb *gdb, bool on)
{
    (void)pthread_mutex_lock(&gdb->lock);
    gdb->listens = on;
    (void)pthread_mutex_unlock(&gdb->lock);
}

/* -S held the machine for the user; the debugger that was waited for is that user. */
static void let_go(struct gdb *gdb)
{
    if (gdb->start_held) {
        gdb->start_held = false;
        machine_release(gdb->machine, MACHINE_HOLDER_USER);
    }
    machine_release(gdb->machine, MACHINE_HOLDER_DEBUGGER);
}

void gdb_run_resume(void *opaque, const struct gdb_plan *plan)
{
    struct gdb *gdb = opaque;
    struct gdb_stop refused = {.signal = GDB_SIGNAL_TRAP, .cpu = gdb->session.resume_cpu};
    unsigned only, i;

    if (gdb->crashed) {
        machine_end(gdb->machine, &gdb->crash);
        return;
    }
    for (i = 0; i < gdb->session.target.cpu_num; i++) {
        gdb->cpus[i].action = plan->actions[i];
    }
    gdb->range_first = plan->range_first;
    gdb->range_end = plan->range_end;
    if (tell_pending(gdb)) {
        return;
    }
    if (!program(gdb)) {
        vcpu_group_untap(&gdb->machine->vcpus, &gdb->tap);
        gdb_session_stopped(&gdb->session, &refused);
        return;
    }
    listen_to(gdb, true);
    gdb->stopped = false;
    only = stepped_alone(gdb);
    gdb->alone = only != GDB_CPUS_MAX;
    if (gdb->alone) {
        vcpu_group_let(&gdb->machine->vcpus, &gdb->machine->vcpus.vcpus[only]);
    } else {
        let_go(gdb);
    }
}

void gdb_run_free(struct gdb *gdb)
{
    struct gdb_stop stop;
    bool crashed = gdb->crashed;

    if (!gdb->stopped) {
        (void)gather(gdb, &stop);
    }
    gdb_watch_remove_all(gdb);
    memset(gdb->cpus, 0, sizeof(gdb->cpus));
    gdb->stopped = false;
    if (crashed) {
        machine_end(gdb->machine, &gdb->crash);
    }
    let_go(gdb);
}

void gdb_run_forget(struct gdb *gdb)
{
    unsigned i;

    (void)pthread_mutex_lock(&gdb->lock);
    gdb->crashed = false;
    (void)pthread_mutex_unlock(&gdb->lock);
    for (i = 0; i < GDB_CPUS_MAX; i++) {
        gdb->cpus[i].pending = false;
    }
}
