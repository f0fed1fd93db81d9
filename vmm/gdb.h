/*
 * gdb.h - --gdb: a machine under a debugger. Private to the gdb_*.c files that know machines:
 * gdb.c has the service and its one connection, gdb_run.c stopping, gdb_go.c continuing and
 * stepping, gdb_state.c registers and memory, gdb_watch.c breakpoints and watchpoints.
 *
 * While a client is there and the target stands still, the machine is held
 * (MACHINE_HOLDER_DEBUGGER), and what each vCPU served is finished in KVM. While it runs, vCPUs
 * that come to a breakpoint note the first such stop, hold everybody and post to the loop, which
 * does the rest. A CPU that came to another one meanwhile stands there, and it is told when that
 * CPU is to go on.
 *
 * A CPU that goes on from a breakpoint that was told is stepped over it first, all others held and
 * nothing of the breakpoints in force: debug registers and int3 would stop it where it stands.
 *
 * Lock order: gdb.lock, then the group's; the loop's is taken after both were let go.
 */
#ifndef ACRE_VMM_GDB_H
#define ACRE_VMM_GDB_H

#include "vmm/gdb_breaks.h"
#include "vmm/gdb_patch.h"
#include "vmm/gdb_session.h"
#include "vmm/machine_control.h"
#include "vmm/options.h"
#include "vmm/server.h"
#include "vmm/vcpu_paging.h"

/* What one vCPU is to do, and how it was found. */
struct gdb_cpu {
    enum gdb_action action;
    uint32_t mp_state; /* KVM_MP_STATE_*, when it stopped */
    uint64_t pc;       /* linear, when it stopped */
    uint64_t step_pc;  /* the same, when it was stepped last; its thread's, or while it stands */
    /* The client knows of the breakpoint at that pc; the CPU has not moved since. */
    bool passes;
    uint64_t passed_pc;
    bool astray; /* it came to an int3 by an address that has no breakpoint */
    /* It came to a watchpoint while another stop was told; told before it goes on. */
    bool pending;
    struct gdb_stop pending_stop;
    bool debug_failed; /* KVM refused the breakpoints */
    bool has_paging;   /* it was read, since there is or was an int3 */
    struct vcpu_paging paging;
};

struct gdb {
    struct server server;
    struct machine *machine;
    struct connection *connection; /* NULL: no client */
    struct gdb_session session;
    struct gdb_means means;
    struct gdb_breaks breaks;
    struct gdb_patches patches;
    struct machine_observer observer;
    struct machine_debugger debugger;
    struct vcpu_tap tap; /* there while a vCPU is stepped */
    struct loop_work stop_work;
    bool verbose;
    enum run_gdb_arch wanted_arch; /* --gdb-arch */
    enum gdb_arch arch;            /* of this client's registers */
    bool told_late;                /* that interrupt handlers are not stepped */
    bool start_held;               /* -S: the first to go on lets go of that, too */
    bool stopped;                  /* all stand still, with a client */
    unsigned alone;     /* the CPU that runs while the machine is held; GDB_CPUS_MAX: none */
    unsigned over;      /* the CPU that steps over what it stands at; GDB_CPUS_MAX: none */
    unsigned hidden;    /* gdb_go_hide()s in force */
    bool paused;        /* the vCPUs, by the first of them */
    bool fresh;         /* the guest was reset since the client heard of it last */
    bool stale;         /* what finds the breakpoints is to be done anew after the last one */
    bool irqs_in_steps; /* interrupts are taken while a client's steps run */
    uint64_t range_first, range_end;
    struct gdb_cpu cpus[GDB_CPUS_MAX];
    /* What the vCPUs' threads note. */
    pthread_mutex_t lock;
    bool listens; /* somebody is there to be told, and the target runs; lock */
    bool noted;   /* `stop` waits for the loop, and the group is held for it; lock */
    bool silent;  /* not `stop` waits, but going on by itself: nothing to tell; lock */
    struct gdb_stop stop;
    bool crashed; /* `crash` ends the run when it goes on; lock */
    struct verdict crash;
};

/* What breakpoints are compared with. */
static inline uint64_t gdb_linear_pc(const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
    return sregs->cs.l ? regs->rip : sregs->cs.base + regs->rip;
}

/* Not one that waits for another CPU to start it, whose registers say nothing. */
static inline bool gdb_cpu_started(const struct gdb_cpu *cpu)
{
    return cpu->mp_state == KVM_MP_STATE_RUNNABLE || cpu->mp_state == KVM_MP_STATE_HALTED;
}

/* ---- gdb.c ---- */

/* Begins and ends being the machine's debugger; @gdb has its means, and what is to be verbose. */
void gdb_init(struct gdb *gdb, struct machine *machine);
/* Context: the vCPUs' threads have ended. */
void gdb_finish(struct gdb *gdb);
/* What a session with this machine is about. */
struct gdb_target gdb_target(const struct gdb *gdb);

/* ---- gdb_run.c ---- */

/* Stops everybody, in place of what may have been noted. Context: the loop's thread. */
void gdb_run_stop(struct gdb *gdb, const struct gdb_stop *stop);
/* All stand still: tells the client why. */
void gdb_run_tell(struct gdb *gdb, const struct gdb_stop *stop);
/* As struct gdb_target has it. */
void gdb_run_interrupt(void *opaque);
/* Everything runs on, without a debugger's traces. */
void gdb_run_free(struct gdb *gdb);
/* A vCPU, or a device, came to something that stops the run. Any thread, watches' lock at most. */
void gdb_run_note(struct gdb *gdb, const struct gdb_stop *stop);
/*
 * Where a CPU stands. What KVM has still to do for an access, which may bring it on, is done
 * before. Context: the vCPU's thread, outside the guest.
 */
void gdb_run_read(struct gdb *gdb, struct vcpu *vcpu);
/* struct machine_debugger's */
void gdb_run_debugged(void *opaque, struct vcpu *vcpu);
bool gdb_run_ended(void *opaque, const struct verdict *verdict);
/* struct vcpu_tap's; while something is stepped. */
void gdb_run_served(void *opaque, struct vcpu *vcpu, const struct history_exit *exit);
/* A vCPU is to be stepped from pc. Context: its thread, outside the guest. */
void gdb_run_step_from(struct gdb *gdb, struct vcpu *vcpu, uint64_t pc);
/* Posted by gdb_run_note(). */
void gdb_run_settle(void *opaque);
/* The guest has ended, or the client is about to be told of a stop: breakpoints it may have missed.
 */
void gdb_run_tell_missed(struct gdb *gdb);

/* ---- gdb_step.c: stepping, where KVM leaves something to be done. Context: the vCPU's thread,
 * outside the guest ---- */

/*
 * After a step at `from` that ended at pc: when it was an interrupt that took the CPU there, the
 * guest's flags in its frame are made what they are without us.
 */
void gdb_step_clean(struct vcpu *vcpu, uint64_t from, uint64_t pc);
/*
 * Where KVM would do a HLT too late, and there is one at pc, it is done here.
 * Returns: the CPU is halted behind it.
 */
bool gdb_step_halts(const struct gdb *gdb, struct vcpu *vcpu, uint64_t pc);
/* Asks for one more step: KVM forgets it, by what it emulates or when RIP is written. */
void gdb_step_again(struct vcpu *vcpu);

/* ---- gdb_go.c ---- */

/* As struct gdb_target has it. */
void gdb_go_resume(void *opaque, const struct gdb_plan *plan);
/* Goes on with what the CPUs are to do. */
void gdb_go(struct gdb *gdb);
/* Lets go of the machine. */
void gdb_go_free(struct gdb *gdb);
/* Memory is what the guest made it again. Context: no vCPU is in the guest. */
void gdb_go_take_out(struct gdb *gdb);
/* struct machine_debugger's */
void gdb_go_hide(void *opaque, bool hidden);
void gdb_go_conceal(void *opaque, uint64_t gpa, uint8_t *byte);
/*
 * The guest begins anew: what CPUs came to before is nothing any more. Context: in gdb_go_hide()s.
 */
void gdb_go_reset(struct gdb *gdb);

/* ---- gdb_state.c: as struct gdb_target has them; the target stands still ---- */

int gdb_state_read_registers(void *opaque, unsigned cpu, struct gdb_registers *registers);
int gdb_state_write_registers(void *opaque, unsigned cpu, const struct gdb_registers *registers,
                              unsigned changed);
int gdb_state_read_memory(void *opaque, unsigned cpu, bool physical, uint64_t addr, void *data,
                          size_t len, size_t *done);
int gdb_state_write_memory(void *opaque, unsigned cpu, bool physical, uint64_t addr,
                           const void *data, size_t len);
void gdb_state_describe(void *opaque, unsigned cpu, char *text, size_t size);
/* How a CPU translates now. Returns: 0; -ESRCH it is gone; -errno. */
int gdb_state_paging(struct gdb *gdb, unsigned cpu, struct vcpu_paging *paging);

/* ---- gdb_stepped.c: watchpoints for writes that stepping finds ---- */

/* Returns: 0; -E2BIG too many bytes; -EFAULT some are not there; -ENOMEM. */
int gdb_stepped_new(struct gdb *gdb, const struct vcpu_paging *paging, uint64_t addr, uint64_t size,
                    struct gdb_stepped **stepped) __attribute__((warn_unused_result));
/* Does a CPU push there, or may it soon, in the pages of these bytes? The target stands still. */
bool gdb_stepped_is_stack(struct gdb *gdb, uint64_t addr, uint64_t size);
/*
 * A CPU has made a step: the watchpoint whose bytes have changed, if it is for this CPU to see.
 * Context: its thread. Returns: NULL: none.
 */
const struct gdb_breakpoint *gdb_stepped_find(struct gdb *gdb, unsigned cpu);
/* All stand still: what has changed unseen waits to be told. */
void gdb_stepped_gather(struct gdb *gdb);
/* They are about to go on: from here on changes count. */
void gdb_stepped_begin(struct gdb *gdb);

/* ---- gdb_watch.c: as struct gdb_target has them ---- */

int gdb_watch_insert(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size);
int gdb_watch_remove(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size);
void gdb_watch_remove_all(struct gdb *gdb);

#endif
