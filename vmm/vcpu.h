/*
 * vcpu.h - virtual CPUs: one thread each, in KVM_RUN or serving what made it return.
 *
 * struct vcpu_group holds what they share and can keep all of them out of the guest: parked (for
 * the time of a change of the memory map; a vCPU counts as parked whenever it is outside KVM_RUN)
 * or paused (each has also finished what it was serving).
 *
 * A kick: set the request, then immediate_exit, then signal the thread. The vCPU clears
 * immediate_exit, then reads requests, then enters KVM_RUN; so none is lost. vCPU ioctls are issued
 * by the vCPU's own thread only; others post a function to it (vcpu_group_call).
 *
 * Lock order: group lock last; nothing is taken inside.
 * vcpu.c is one vCPU in the guest and at its exits, vcpu_group.c the group, vcpu_idle.c the watch
 * for hangs, vcpu_debug.c stepping and breakpoints.
 * Source: api.rst 4.10 KVM_RUN, 5 "The kvm_run structure".
 */
#ifndef ACRE_VMM_VCPU_H
#define ACRE_VMM_VCPU_H

#include <pthread.h>

#include "memory/memory.h"
#include "vmm/history.h"
#include "vmm/kvm.h"
#include "vmm/kvm_dirty_ring.h"
#include "vmm/kvm_ring.h"
#include "vmm/verdict.h"
#include "vmm/x86.h"

struct vcpu_group;

/* What the idle check saw last. */
struct vcpu_idle {
    uint64_t exits;
    uint64_t cpu_ns;    /* of the thread */
    uint32_t mp_state;  /* KVM_MP_STATE_* */
    bool interruptible; /* RFLAGS.IF */
    bool read_failed;
};

/*
 * Registers as they were at the exits before the last: KVM on SVM resets a CPU that shuts down, and
 * with it the traces of what it did. General registers of every exit, the others' now and then.
 * Source: api.rst 5, KVM_CAP_SYNC_REGS.
 */
struct vcpu_kept {
    uint64_t exits;    /* kept so far */
    uint64_t sregs_at; /* the value of `exits` that sregs belong to; 0: none yet */
    struct kvm_regs regs;
    struct kvm_sregs sregs;
};

struct vcpu;

/*
 * Who is told of every exit, for traces and profiles. While there is none, an exit costs one branch
 * for it. The storage is the caller's.
 * Context of both: the vCPU's thread, outside the guest, no lock held. Either may be NULL.
 */
struct vcpu_tap {
    /* About to be served: the map is still the one that the access will meet. */
    void (*exiting)(void *opaque, struct vcpu *vcpu, const struct history_exit *exit);
    /* Served: exit->value has the answer. */
    void (*served)(void *opaque, struct vcpu *vcpu, const struct history_exit *exit);
    void *opaque;
    struct vcpu_tap *next; /* private */
};

/* One of the CPU's four debug registers. */
struct vcpu_breakpoint {
    uint64_t addr; /* linear; aligned to its size */
    enum { VCPU_BREAK_EXECUTE = 0, VCPU_BREAK_WRITE = 1, VCPU_BREAK_ACCESS = 3 } type;
    unsigned size; /* bytes: 1, 2, 4 or 8; 1 for VCPU_BREAK_EXECUTE */
};

enum { VCPU_BREAKPOINT_MAX = 4, VCPU_EXCEPTION_BREAKPOINT = 3 };

/* What a debugger wants of one vCPU. Zeroed: nothing, the guest has its debug registers. */
struct vcpu_debug {
    bool step;
    bool block_irqs; /* no interrupt is taken while stepping, where KVM can do that */
    bool software;   /* an int3 is KVM_EXIT_DEBUG, with VCPU_EXCEPTION_BREAKPOINT, and not done */
    unsigned breakpoint_num;
    struct vcpu_breakpoint breakpoints[VCPU_BREAKPOINT_MAX];
};

struct vcpu {
    struct vcpu_group *group;
    unsigned index;
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    bool thread_started;
    _Atomic int tid;               /* of the thread, once it runs; 0: not yet */
    struct x86_reset_state *reset; /* NULL: no restart was asked for */
    void *signal_stack;            /* NULL: none */
    struct vcpu_idle idle;
    bool waiting;    /* group lock: stands at the gate, serves nothing */
    int call_result; /* of the function posted last, where it has one */
    /* What other threads read and write, on its own line. */
    _Alignas(64) _Atomic uint32_t requests; /* VCPU_REQUEST_* */
    _Atomic bool in_guest;                  /* about to enter, inside, or just leaving KVM_RUN */
    _Atomic uint64_t exits;                 /* returns from KVM_RUN that were served */
    /* The vCPU thread's own. */
    struct vcpu_tap *taps; /* the group's; NULL: none */
    bool keeps;            /* registers, in `kept`: where KVM would lose them */
    MemoryAccessCache memory_cache, io_cache;
    struct history history;  /* readable by others once the thread stands still */
    struct vcpu_debug debug; /* what vcpu_set_debug() set last */
    struct vcpu_kept kept;   /* readable by others as history is */
    unsigned full_in_vain;   /* exits for a full dirty ring in a row that found nothing in any */
};

enum {
    VCPU_REQUEST_WAIT = 1 << 0,   /* park or pause: stand at the gate */
    VCPU_REQUEST_CALL = 1 << 1,   /* run the posted function */
    VCPU_REQUEST_STOP = 1 << 2,   /* end the thread */
    VCPU_REQUEST_RESCUE = 1 << 3, /* call config.rescue before the guest goes on */
};

struct vcpu_group_config {
    struct kvm *kvm;
    struct memory_core *core;
    AddressSpace *memory, *io;
    struct kvm_ring *ring;
    struct kvm_dirty_rings *dirty_rings; /* NULL: none */
    unsigned num;                        /* vCPUs, 1.. */
    bool irqchip;
    /* Threads get a stack of their own for signals, so that an overflow's handler can run. */
    bool signal_stacks;
    bool restartable; /* keep the reset state, vcpu_group_reset() will be called */
    /* A vCPU came to an end of the run (crash kinds, faults). Context: its thread. */
    void (*ended)(void *opaque, const struct verdict *verdict);
    /*
     * KVM_EXIT_DEBUG: an instruction was stepped, or a breakpoint hit; run->debug.arch says which.
     * Context: the vCPU's thread, outside the guest. NULL: nobody ever sets vcpu_set_debug().
     */
    void (*debugged)(void *opaque, struct vcpu *vcpu);
    /*
     * KVM_EXIT_INTERNAL_ERROR or KVM_EXIT_SHUTDOWN, before it becomes a verdict; or
     * VCPU_REQUEST_RESCUE was set, and `why` is NULL. Returns: false when nothing could be done,
     * with the exit in `run` as it was, and what is known of it in `why`, or "". Context: the
     * vCPU's thread, outside the guest, no lock held. May be NULL.
     */
    bool (*rescue)(void *opaque, struct vcpu *vcpu, struct error *why);
    /*
     * A byte of guest memory that goes into a verdict: a debugger may have put another one there.
     * Context: as vcpu_read_state(). May be NULL.
     */
    void (*conceal)(void *opaque, uint64_t gpa, uint8_t *byte);
    /* A line for the user (a refused optional MSR, say). */
    void (*warn)(void *opaque, const char *line); /* may be NULL */
    void *opaque;
};

struct vcpu_group {
    struct vcpu_group_config config;
    struct vcpu *vcpus;
    unsigned running; /* threads that have not ended; lock */
    unsigned holds;   /* parks and pauses in force; lock */
    struct vcpu *let; /* runs in spite of the first let_holds of them; NULL: none; lock */
    unsigned let_holds;
    bool stopping; /* lock */
    struct vcpu_tap *taps;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a vCPU left the guest, came to the gate, ended; a hold ended */
    void (*call)(void *opaque, struct vcpu *vcpu); /* posted function; lock */
    void *call_opaque;
    unsigned call_pending; /* lock */
    /* The idle check's, in its calls: since the last look or sign of life, and until the next. */
    unsigned idle_calls, idle_wait;
};

/*
 * Makes the vCPUs with their CPUID; no thread yet. The ring is set up from the first one's mapping.
 * Returns: 0; -errno, err says what.
 */
int vcpu_group_init(struct vcpu_group *group, const struct vcpu_group_config *config,
                    struct error *err) __attribute__((warn_unused_result));
/* Threads must have been stopped. Accepts a zeroed one. */
void vcpu_group_finish(struct vcpu_group *group);

/* The first CPU's registers. Context: before the threads start, or while paused and reset. */
int vcpu_group_set_entry(struct vcpu_group *group, const struct boot_entry *entry,
                         struct error *err) __attribute__((warn_unused_result));
/*
 * Starts the threads, with one hold in force, which vcpu_group_unpark() ends. Until then they do
 * nothing but come to the gate; a filter that all threads get may be set meanwhile.
 */
int vcpu_group_start(struct vcpu_group *group, struct error *err)
    __attribute__((warn_unused_result));
/* Asks all to end; does not wait. Context: any thread, vCPUs included; async to all locks. */
void vcpu_group_stop(struct vcpu_group *group);
/* Waits for all threads. Context: not a vCPU. */
void vcpu_group_join(struct vcpu_group *group);

/* Returns when no vCPU is inside KVM_RUN; none enters until unpark. Nests. Any thread. */
void vcpu_group_park(struct vcpu_group *group);
void vcpu_group_unpark(struct vcpu_group *group);
/* The same without waiting: from a vCPU's own access, say. Ended by unpark. */
void vcpu_group_hold(struct vcpu_group *group);
/*
 * A park that also waits until every vCPU has finished what it served. Ended by unpark.
 * Context: not a vCPU, no owner's lock.
 */
void vcpu_group_pause(struct vcpu_group *group);

/*
 * Lets one vCPU run although all are held, for a debugger that steps it; holds that come later
 * (commits park the vCPUs) hold it as well. Ends with the last hold, or by vcpu_group_unlet(),
 * which does not wait: the vCPU's own thread may call it, and stands at the gate next.
 * Context: the group is paused, or this vCPU's own thread; one vCPU at a time.
 */
void vcpu_group_let(struct vcpu_group *group, struct vcpu *vcpu);
void vcpu_group_unlet(struct vcpu_group *group);

/*
 * Runs `call` once on each live vCPU's thread, outside the guest, and waits. vCPUs at the gate
 * answer from there.
 * Context: not a vCPU; no two at a time.
 */
void vcpu_group_call(struct vcpu_group *group, void (*call)(void *opaque, struct vcpu *vcpu),
                     void *opaque);

/* Power-on state of every vCPU. Context: paused. Returns: 0 or -errno of the first that failed. */
int vcpu_group_reset(struct vcpu_group *group) __attribute__((warn_unused_result));

/*
 * To be called now and then (every 250 ms). When no vCPU had an exit or used the host's CPU since
 * the last call, each is kicked and asked for its MP state and RFLAGS. While they go on idling that
 * is done again, after about twice as many calls each time (63 at most): what wakes, masks
 * interrupts and halts is too little work to be noticed. Returns: true when nothing can wake any:
 * all halted with IF=0, or waiting for SIPI; `verdict` then says so, with the first one's
 * registers. Context: not a vCPU.
 */
bool vcpu_group_is_hung(struct vcpu_group *group, struct verdict *verdict);

/*
 * Adds and takes away who is told of exits; the one added last is told first.
 * Context: no vCPU's thread runs, or all are paused.
 */
void vcpu_group_tap(struct vcpu_group *group, struct vcpu_tap *tap);
void vcpu_group_untap(struct vcpu_group *group, struct vcpu_tap *tap);

/* Sets VCPU_REQUEST_RESCUE and kicks. Context: any thread but its own. */
void vcpu_group_ask_rescue(struct vcpu *vcpu);
/* What the vCPU's thread has used of the host's CPUs. 0: it cannot be told. */
uint64_t vcpu_cpu_ns(const struct vcpu *vcpu);

/* The sum of served exits. */
uint64_t vcpu_group_exits(struct vcpu_group *group);

/* The signal that kicks; its handler does nothing. Installed by vcpu_group_init(). */
int vcpu_kick_signal(void);

/* A vCPU thread's body: runs the guest until it is asked to stop. */
void vcpu_run(struct vcpu *vcpu);
/*
 * Obeys requests; may wait at the gate. Context: the vCPU's thread, outside the guest.
 * Returns: false when the thread is to end.
 */
bool vcpu_group_gate(struct vcpu *vcpu);
/* Tells those who wait for this vCPU to be out of the guest. Context: the vCPU's thread. */
void vcpu_group_left_guest(struct vcpu *vcpu);
/*
 * KVM finishes an access it exited for when it is entered again; this lets it, without running the
 * guest, so that the state read or written next is whole. Context: the vCPU's thread.
 * Source: api.rst 4.10, note on KVM_EXIT_IO and others.
 */
void vcpu_finish_access(struct vcpu *vcpu);
/*
 * The same, but what the access asks for further is served, so that nothing is read wrong: the vCPU
 * then stands between two instructions. @serving  as vcpu_step().
 * Context: the vCPU's thread, outside the guest, with all others kept out and commits held.
 */
void vcpu_complete_access(struct vcpu *vcpu, void (*serving)(void *opaque, bool begins),
                          void *opaque);
/*
 * Context: the vCPU's thread, outside the guest.
 * Returns: 0; -EINVAL a breakpoint that the CPU does not have; -errno of KVM_SET_GUEST_DEBUG.
 * Source: api.rst 4.87; Intel SDM vol. 3B 17.2.
 */
int vcpu_set_debug(struct vcpu *vcpu, const struct vcpu_debug *debug)
    __attribute__((warn_unused_result));
/*
 * The int3 that the vCPU came out for is the guest's own: its exception is delivered next.
 * Context: as vcpu_set_debug(), at that exit. Returns: 0; -EBUSY another exception waits; -errno.
 * Source: api.rst 4.87 (KVM_GUESTDBG_INJECT_BP).
 */
int vcpu_reflect_breakpoint(struct vcpu *vcpu) __attribute__((warn_unused_result));
/*
 * Runs one instruction, serving what it accesses, whatever requests there are: for who keeps all
 * other vCPUs out of the guest. What vcpu_set_debug() set is in force again afterwards.
 * @serving  called before and after each access is served, which may take owners' locks.
 * An instruction that raises an exception ends with a kick: its handler is not stepped, and
 * run->exit_reason is not KVM_EXIT_DEBUG then.
 * Returns: 0; 1 the vCPU came out for something else, which `run` says and is not served yet;
 * -EINTR it was asked to end; -errno of KVM_SET_GUEST_DEBUG or KVM_RUN.
 * Context: the vCPU's thread, outside the guest.
 */
int vcpu_step(struct vcpu *vcpu, void (*serving)(void *opaque, bool begins), void *opaque)
    __attribute__((warn_unused_result));
/* Serves the exit in `run`. Context: the vCPU's thread, outside the guest, no lock held. */
void vcpu_serve_exit(struct vcpu *vcpu);
/* Registers and the bytes at the instruction pointer. Context: the vCPU's thread. */
void vcpu_read_state(struct vcpu *vcpu, struct verdict *verdict);

#endif
