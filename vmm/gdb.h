/*
 * gdb.h - --gdb: a machine under a debugger. Private to the gdb_*.c files that know machines:
 * gdb.c has the service and its one connection, gdb_run.c stopping, continuing and stepping,
 * gdb_state.c registers and memory, gdb_watch.c breakpoints and watchpoints.
 *
 * While a client is there and the target stands still, the machine is held
 * (MACHINE_HOLDER_DEBUGGER), and what each vCPU served is finished in KVM. While it runs, vCPUs
 * that come to a breakpoint note the first such stop, hold everybody and post to the loop, which
 * does the rest.
 *
 * Lock order: gdb.lock is last; the group's and the loop's are taken after it was let go.
 */
#ifndef ACRE_VMM_GDB_H
#define ACRE_VMM_GDB_H

#include "vmm/gdb_breaks.h"
#include "vmm/gdb_session.h"
#include "vmm/machine_control.h"
#include "vmm/server.h"

/* What one vCPU is to do, and how it was found. */
struct gdb_cpu {
    enum gdb_action action;
    uint32_t mp_state; /* KVM_MP_STATE_*, when it stopped */
    uint64_t pc;       /* linear, when it stopped */
    /* It came to a breakpoint while another one's was told; told before it goes on. */
    bool pending;
    struct gdb_stop pending_stop;
    bool debug_failed; /* KVM refused the breakpoints */
};

struct gdb {
    struct server server;
    struct machine *machine;
    struct connection *connection; /* NULL: no client */
    struct gdb_session session;
    struct gdb_means means;
    struct gdb_breaks breaks;
    struct machine_observer observer;
    struct machine_debugger debugger;
    struct vcpu_tap tap; /* there while a vCPU is stepped */
    struct loop_work stop_work;
    bool verbose;
    bool start_held;    /* -S: the first to go on lets go of that, too */
    bool stopped;       /* all stand still, with a client */
    bool alone;         /* one vCPU runs while the machine is held */
    bool irqs_in_steps; /* interrupts are taken while a client's steps run */
    uint64_t range_first, range_end;
    struct gdb_cpu cpus[GDB_CPUS_MAX];
    /* What the vCPUs' threads note. */
    pthread_mutex_t lock;
    bool listens; /* somebody is there to be told, and the target runs; lock */
    bool noted;   /* `stop` waits for the loop, and the group is held for it; lock */
    struct gdb_stop stop;
    bool crashed; /* `crash` ends the run when it goes on; lock */
    struct verdict crash;
};

/* What breakpoints are compared with. */
static inline uint64_t gdb_linear_pc(const struct kvm_regs *regs, const struct kvm_sregs *sregs)
{
    return sregs->cs.l ? regs->rip : sregs->cs.base + regs->rip;
}

/* ---- gdb_run.c ---- */

/* Stops everybody, in place of what may have been noted. Context: the loop's thread. */
void gdb_run_stop(struct gdb *gdb, const struct gdb_stop *stop);
/* As struct gdb_target has them. */
void gdb_run_resume(void *opaque, const struct gdb_plan *plan);
void gdb_run_interrupt(void *opaque);
/* Everything runs on, without a debugger's traces. */
void gdb_run_free(struct gdb *gdb);
/* The guest begins anew: what CPUs came to before is nothing any more. */
void gdb_run_forget(struct gdb *gdb);
/* A vCPU, or a device, came to something that stops the run. Any thread, watches' lock at most. */
void gdb_run_note(struct gdb *gdb, const struct gdb_stop *stop);
/* struct machine_debugger's */
void gdb_run_debugged(void *opaque, struct vcpu *vcpu);
/* struct vcpu_tap's; while something is stepped. */
void gdb_run_served(void *opaque, struct vcpu *vcpu, const struct history_exit *exit);
bool gdb_run_ended(void *opaque, const struct verdict *verdict);
/* Posted by gdb_run_note(). */
void gdb_run_settle(void *opaque);

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
struct vcpu_paging;
int gdb_state_paging(struct gdb *gdb, unsigned cpu, struct vcpu_paging *paging);

/* ---- gdb_watch.c: as struct gdb_target has them ---- */

int gdb_watch_insert(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size);
int gdb_watch_remove(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size);
void gdb_watch_remove_all(struct gdb *gdb);

#endif
