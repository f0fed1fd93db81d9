/*
 * gdb_run.c - what stops the run. A vCPU's own thread looks, after each instruction where it is
 * stepped, whether the run is to stop; the loop is needed for that only.
 */
#include "vmm/gdb.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/log.h"
#include "vmm/watch.h"

/* ---- what is noted ---- */

/*
 * Keeps a stop for later, when another one is being told. A CPU at a breakpoint still stands there
 * when it is to go on, and is found then.
 */
static void keep(struct gdb *gdb, const struct gdb_stop *stop)
{
    if (stop->at_break && gdb_break_is_watch(stop->kind)) {
        gdb->cpus[stop->cpu].pending = true;
        gdb->cpus[stop->cpu].pending_stop = *stop;
    }
}

/*
 * The hold is in force before anybody else can find that something is noted: who comes here second
 * goes no further than the gate.
 * @stop  NULL: nothing to tell, the loop is needed to go on
 */
static void note(struct gdb *gdb, const struct gdb_stop *stop)
{
    bool first, counts;

    (void)pthread_mutex_lock(&gdb->lock);
    first = gdb->listens && !gdb->noted;
    counts = first || (gdb->listens && gdb->silent && stop);
    if (gdb->listens && stop && !counts) {
        keep(gdb, stop);
    }
    if (counts && stop) {
        gdb->stop = *stop;
    }
    if (counts) {
        gdb->silent = !stop;
    }
    if (first) {
        gdb->noted = true;
        vcpu_group_hold(&gdb->machine->vcpus);
    }
    (void)pthread_mutex_unlock(&gdb->lock);
    if (first) {
        loop_post(&gdb->machine->loop, &gdb->stop_work);
    }
}

void gdb_run_note(struct gdb *gdb, const struct gdb_stop *stop)
{
    note(gdb, stop);
}

/* ---- stopping: the vCPUs' side ---- */

/*
 * A vCPU stands before the instruction at pc.
 * @dr6  0 when no exception brought it there
 * Returns: the loop is needed now, to stop or to go on.
 */
static bool came_to(struct gdb *gdb, const struct vcpu *vcpu, uint64_t pc, uint64_t dr6)
{
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];
    const struct gdb_breakpoint *at = gdb_breaks_hit(&gdb->breaks, dr6);
    struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = vcpu->index};
    bool steps_on =
        cpu->action != GDB_ACTION_STEP &&
        (cpu->action != GDB_ACTION_RANGE || (pc >= gdb->range_first && pc < gdb->range_end));

    cpu->passes = cpu->astray = false; /* it has moved on */
    if (!at) {
        at = gdb_stepped_find(gdb, vcpu->index);
    }
    if (!at) {
        at = gdb_breaks_at(&gdb->breaks, pc);
    }
    if (at) {
        stop.at_break = true;
        stop.kind = at->kind;
        stop.addr = at->addr;
    }
    if (at || !steps_on) {
        note(gdb, &stop);
    } else if (gdb->over == vcpu->index) {
        note(gdb, NULL);
    } else {
        return false; /* an instruction like any other */
    }
    return true;
}

void gdb_run_step_from(struct gdb *gdb, struct vcpu *vcpu, uint64_t pc)
{
    if (gdb_step_halts(gdb, vcpu, pc)) {
        gdb->cpus[vcpu->index].step_pc = pc + 1;
        if (came_to(gdb, vcpu, pc + 1, 0)) {
            return;
        }
    }
    gdb_step_again(vcpu);
}

/* A vCPU that may be stepped has done an instruction, and perhaps taken an interrupt. */
static void stepped_to(struct gdb *gdb, struct vcpu *vcpu, uint64_t pc, uint64_t dr6)
{
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];

    if (vcpu->debug.step) {
        gdb_step_clean(vcpu, cpu->step_pc, pc);
        cpu->step_pc = pc;
    }
    if (!came_to(gdb, vcpu, pc, dr6) && vcpu->debug.step) {
        gdb_run_step_from(gdb, vcpu, pc);
    }
}

/*
 * An int3 that a vCPU was about to execute: a breakpoint's, reached by its address or by another
 * one that shows the same memory; or the guest's own.
 */
static void came_to_int3(struct gdb *gdb, struct vcpu *vcpu, uint64_t pc)
{
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = vcpu->index};
    uint64_t gpa;
    int ret;

    if (kvm_translate(vcpu->group->config.kvm, vcpu->fd, pc, &gpa) == 0 &&
        gdb_patches_at(&gdb->patches, gpa)) {
        if (gdb_breaks_at(&gdb->breaks, pc)) {
            (void)came_to(gdb, vcpu, pc, 0);
        } else {
            gdb->cpus[vcpu->index].astray = true;
            note(gdb, NULL);
        }
        return;
    }
    ret = vcpu_reflect_breakpoint(vcpu);
    if (ret < 0) {
        log_warn("gdb: cpu %u: the guest's own int3 at 0x%llx cannot be given to it: %s",
                 vcpu->index, (unsigned long long)pc, strerror(-ret));
        note(gdb, &stop);
    }
}

void gdb_run_debugged(void *opaque, struct vcpu *vcpu)
{
    const struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;

    if (arch->exception == VCPU_EXCEPTION_BREAKPOINT) {
        came_to_int3(opaque, vcpu, arch->pc);
    } else {
        stepped_to(opaque, vcpu, arch->pc, arch->dr6);
    }
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
        stepped_to(gdb, vcpu, gdb_linear_pc(&regs, &sregs), 0);
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

void gdb_run_read(struct gdb *gdb, struct vcpu *vcpu)
{
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_sregs sregs = {0};
    struct kvm_regs regs = {0};

    vcpu_finish_access(vcpu);
    (void)kvm_get_sregs(kvm, vcpu->fd, &sregs);
    (void)kvm_get_regs(kvm, vcpu->fd, &regs);
    cpu->pc = gdb_linear_pc(&regs, &sregs);
    if (kvm_get_mp_state(kvm, vcpu->fd, &cpu->mp_state) < 0) {
        cpu->mp_state = KVM_MP_STATE_RUNNABLE;
    }
}

static void call_stop(void *opaque, struct vcpu *vcpu)
{
    static const struct vcpu_debug none = {.step = false};
    struct gdb *gdb = opaque;
    struct gdb_cpu *cpu = &gdb->cpus[vcpu->index];

    gdb_run_read(gdb, vcpu);
    cpu->debug_failed = vcpu_set_debug(vcpu, &none) < 0;
    cpu->has_paging = gdb->patches.num > 0 && vcpu_paging_read(vcpu, &cpu->paging) == 0;
}

/* Breakpoints whose address shows other memory by now than that which had the int3. */
static void find_moved(struct gdb *gdb)
{
    struct x86_walk walk;
    unsigned i, cpu;

    for (i = 0; i < gdb->breaks.num; i++) {
        struct gdb_breakpoint *one = &gdb->breaks.list[i];

        for (cpu = 0; cpu < gdb->session.target.cpu_num && one->software; cpu++) {
            if (gdb->cpus[cpu].has_paging && gdb_cpu_started(&gdb->cpus[cpu])) {
                vcpu_paging_walk(&gdb->cpus[cpu].paging, watch_beneath(gdb->machine), one->addr,
                                 &walk);
                one->missed |=
                    walk.result == X86_WALK_OK && !gdb_patches_at(&gdb->patches, walk.gpa);
            }
        }
    }
}

/* What was noted. */
enum noted { NOTED_NOTHING, NOTED_SILENT, NOTED_STOP };

/* Everybody comes to the gate, and what was noted is taken. */
static enum noted gather(struct gdb *gdb, struct gdb_stop *stop)
{
    struct vcpu_group *group = &gdb->machine->vcpus;
    enum noted noted = NOTED_NOTHING;
    bool had_patches;

    machine_hold(gdb->machine, MACHINE_HOLDER_DEBUGGER);
    vcpu_group_unlet(group);
    vcpu_group_pause(group); /* who was let through, or came after a stop */
    (void)pthread_mutex_lock(&gdb->lock);
    if (gdb->noted) {
        noted = gdb->silent ? NOTED_SILENT : NOTED_STOP;
        *stop = gdb->stop;
    }
    gdb->noted = gdb->listens = gdb->silent = false;
    (void)pthread_mutex_unlock(&gdb->lock);
    vcpu_group_unpark(group);
    if (noted != NOTED_NOTHING) {
        vcpu_group_unpark(group); /* the hold of who noted it */
    }
    had_patches = gdb->patches.inserted;
    gdb_go_take_out(gdb);
    vcpu_group_call(group, call_stop, gdb);
    gdb_stepped_gather(gdb);
    if (had_patches) {
        find_moved(gdb);
    }
    vcpu_group_untap(group, &gdb->tap); /* nothing where there is none */
    gdb->alone = gdb->over = GDB_CPUS_MAX;
    gdb->stopped = true;
    return noted;
}

void gdb_run_tell_missed(struct gdb *gdb)
{
    char line[128];
    unsigned i;

    for (i = 0; i < gdb->breaks.num; i++) {
        struct gdb_breakpoint *one = &gdb->breaks.list[i];

        if (one->missed) {
            one->missed = false;
            (void)snprintf(line, sizeof(line),
                           "breakpoint at 0x%llx: the guest has written over it or mapped other "
                           "memory there: it may have gone past",
                           (unsigned long long)one->addr);
            gdb_session_tell(&gdb->session, line);
        }
    }
}

static void tell_crash(struct gdb *gdb)
{
    char line[256];

    if (gdb->crashed) {
        verdict_line(&gdb->crash, line, sizeof(line));
        gdb_session_tell(&gdb->session, line);
    }
}

void gdb_run_tell(struct gdb *gdb, const struct gdb_stop *stop)
{
    struct gdb_cpu *cpu = &gdb->cpus[stop->cpu];

    if (stop->at_break && !gdb_break_is_watch(stop->kind)) {
        cpu->passes = true;
        cpu->passed_pc = cpu->pc;
    }
    tell_crash(gdb);
    gdb_run_tell_missed(gdb);
    gdb_session_stopped(&gdb->session, stop);
}

void gdb_run_stop(struct gdb *gdb, const struct gdb_stop *stop)
{
    struct gdb_stop noted;

    if (gdb->stopped || gather(gdb, &noted) != NOTED_STOP) {
        noted = *stop;
    }
    gdb_run_tell(gdb, &noted);
}

void gdb_run_settle(void *opaque)
{
    struct gdb *gdb = opaque;
    struct gdb_stop stop;
    bool waits;

    (void)pthread_mutex_lock(&gdb->lock);
    waits = gdb->noted;
    (void)pthread_mutex_unlock(&gdb->lock);
    if (!waits) {
        return;
    }
    if (gather(gdb, &stop) == NOTED_STOP) {
        gdb_run_tell(gdb, &stop);
    } else {
        gdb_go(gdb);
    }
}

void gdb_run_interrupt(void *opaque)
{
    struct gdb *gdb = opaque;
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_INT, .cpu = gdb->session.resume_cpu};

    gdb_run_stop(gdb, &stop);
}

void gdb_run_free(struct gdb *gdb)
{
    struct gdb_stop stop;
    bool crashed = gdb->crashed;

    if (!gdb->stopped) {
        (void)gather(gdb, &stop);
    }
    gdb_watch_remove_all(gdb);
    gdb_patches_clear(&gdb->patches);
    memset(gdb->cpus, 0, sizeof(gdb->cpus));
    gdb->stopped = false;
    if (crashed) {
        machine_end(gdb->machine, &gdb->crash);
    }
    gdb_go_free(gdb);
}
