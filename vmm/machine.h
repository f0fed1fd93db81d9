/*
 * machine.h - a whole machine: memory, board, VM, slots, vCPUs, event loop, clock and console, put
 * together, run to a verdict, and taken apart.
 *
 * Threads: the caller's runs the event loop (timers, console, signals, restarts, watch for idle
 * hangs); one per vCPU; liburcu's worker.
 */
#ifndef ACRE_VMM_MACHINE_H
#define ACRE_VMM_MACHINE_H

#include "vmm/board.h"
#include "vmm/console.h"
#include "vmm/kvm_events.h"
#include "vmm/kvm_slots.h"
#include "vmm/load.h"
#include "vmm/log.h"
#include "vmm/loop.h"
#include "vmm/map_changes.h"
#include "vmm/time_line.h"
#include "vmm/vclock.h"
#include "vmm/vcpu.h"
#include "vmm/verdict.h"

struct machine;
struct monitor;
struct save_dir;
struct pagemap;
struct trace;
struct profiler;

enum { MACHINE_IRQ_NUM = 24 }; /* inputs of the IO-APIC; 0..15 reach the PICs, too */

/* Who keeps a machine from running; bits. See machine_control.h. */
enum machine_holder {
    MACHINE_HOLDER_USER = 1 << 0,     /* the monitor's stop, or starting stopped */
    MACHINE_HOLDER_DEBUGGER = 1 << 1, /* gdb */
    MACHINE_HOLDER_JOB = 1 << 2,      /* the shell's job control */
    MACHINE_HOLDER_DUMP = 1 << 3,     /* while memory is dumped */
};

enum machine_event {
    MACHINE_EVENT_STOP,   /* the first holder came */
    MACHINE_EVENT_RESUME, /* the last one is about to let go */
    MACHINE_EVENT_RESET,  /* the guest is at its entry point again */
    MACHINE_EVENT_END,    /* there is a verdict, and no vCPU runs any more */
};

/* Context of `event`: the loop's thread, no owner's lock. */
struct machine_observer {
    void (*event)(void *opaque, enum machine_event event, const struct verdict *verdict);
    void *opaque;
    struct machine_observer *next; /* private */
};

/*
 * Told of every change of an interrupt line. Context: whoever changed it, the device's lock held.
 */
struct machine_irq_tap {
    void (*set)(void *opaque, unsigned gsi, bool level);
    void *opaque;
    struct machine_irq_tap *next; /* private */
};

/*
 * What a debugger hears of the vCPUs. Context: the vCPU's thread, outside the guest; no lock.
 */
struct machine_debugger {
    /* As vcpu_group_config.debugged. */
    void (*debugged)(void *opaque, struct vcpu *vcpu);
    /*
     * A vCPU came to an end that would end the run. Returns: true when the debugger keeps the
     * verdict, to end the machine with it later; it has seen to it then that the vCPU is held.
     */
    bool (*ended)(void *opaque, const struct verdict *verdict);
    /* As vcpu_group_config.conceal. */
    void (*conceal)(void *opaque, uint64_t gpa, uint8_t *byte);
    /*
     * Takes what the debugger has put into guest memory out of it, and puts it back; nests.
     * Context: the loop's thread, no owner's lock.
     */
    void (*hide)(void *opaque, bool hidden);
    void *opaque;
};

struct machine_irq {
    struct machine *machine;
    unsigned gsi;
    _Atomic uint64_t raised; /* how often it went up */
    _Atomic bool level;
};

/* The host end of a serial port, or of the debug console. */
struct machine_console {
    struct machine *machine;
    unsigned port; /* BOARD_SERIALS: the debug console */
    char name[24];
    struct console_ends ends;
    struct console console;
};

struct machine_config {
    struct board *board; /* opened; taken over by machine_init, whatever it returns */
    unsigned cpu_num;    /* 1.. */
    /* Kernel and modules; `map` and `dtb` are filled in from the board. Descriptors outlive us. */
    struct boot_config boot;
    int in_fd, out_fd; /* what `stdio` is; -1: none */
    /* Where they go; unset: as the board says, else the console to stdio and others nowhere. */
    struct console_backend serials[BOARD_SERIALS];
    struct console_backend debugcon; /* unset and not said: with the console */
    uint64_t timeout_ns;             /* of running; 0: none */
    bool reboot;                     /* a reset restarts the guest; makes it restartable */
    bool restartable;                /* keep what machine_restart() needs */
    bool start_held;                 /* begin with MACHINE_HOLDER_USER */
    bool registers;                  /* the verdict has a CPU's, however well it ended */
    bool sandbox;         /* drop privileges and filter system calls before the first entry */
    uint32_t dirty_ring;  /* entries for each vCPU; 0: KVM logs in bitmaps */
    bool audit;           /* check slots against the view after every commit */
    const char *kvm_path; /* NULL: /dev/kvm */
    uint64_t begin_ns;    /* where the time line begins, CLOCK_MONOTONIC; 0: at machine_init() */
    /*
     * The map stands, slots included; nothing runs yet. May print, watch the loop, and register
     * listeners and observers that it takes away itself when `finished` is called. Returns: 0, or
     * -errno with err filled, and then `finished` is not called. Both may be NULL.
     */
    int (*ready)(void *opaque, struct machine *machine, struct error *err);
    void (*finished)(void *opaque, struct machine *machine);
    /* One line about what was chosen, in words for the user. May be NULL. */
    void (*chosen)(void *opaque, const char *line);
    void *opaque;
};

struct machine {
    struct machine_config config;
    struct memory_core core;
    struct board *board;
    struct kvm kvm;
    struct kvm_dirty_rings dirty_rings;
    struct kvm_slots slots;
    struct kvm_events memory_events, io_events;
    struct kvm_ring ring;
    struct vcpu_group vcpus;
    struct loop loop;
    struct vclock clock;
    struct machine_console consoles[BOARD_SERIALS + 1]; /* zeroed where there is none */
    struct boot_image *image;
    struct verdict_box verdict;
    const struct machine_debugger *debugger; /* a service's, while it is started; NULL: none */
    const struct pagemap *pagemap;           /* a service's, while it is started; NULL: none */
    struct watch_set *watches;               /* NULL: none was ever added */
    struct watch_users *watch_users;         /* NULL: no user did */
    /* private */
    struct machine_irq irqs[MACHINE_IRQ_NUM];
    struct x86_irqchips reset_irqchips; /* restartable, with irqchip */
    struct loop_work reset_work, settled_work;
    _Atomic bool reset_pending;
    struct device_timer tick, timeout;
    struct log_limit guest_log; /* what a guest provokes */
    MemoryListener audit;
    struct map_changes map_changes;
    unsigned holders; /* enum machine_holder */
    struct machine_observer *observers;
    struct machine_irq_tap *irq_taps;
    struct monitor *monitor;         /* monitor.c's; NULL: none */
    struct trace *trace;             /* trace.h's; NULL: none */
    const struct save_dir *save_dir; /* save_dir.c's; NULL: none */
    struct time_line time_line;
    struct profiler *profiler; /* profiler.c's; NULL: none */
    unsigned human_cpu;        /* hmp_run()'s: what a command is about that names no CPU */
    bool irqchip, audited, told_ready, thread_registered, has_events;
};

/*
 * Everything up to the first entry but the threads. With `sandbox`, capabilities are dropped once
 * /dev/kvm is open: files named later must be readable without them. On failure nothing is left,
 * and the board is freed. Returns: 0; -errno, err has the line for the user. Context: the process's
 * first thread, which stays the loop's.
 */
int machine_init(struct machine *machine, const struct machine_config *config, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Runs until there is a verdict, which is copied out. Every way of failing is a verdict as well
 * (VERDICT_FAULT). Console output is flushed by machine_finish().
 */
void machine_run(struct machine *machine, struct verdict *verdict);

/*
 * The vCPUs' last exits, the oldest first, each access with who answers there.
 * @lines  the caller's to free. NULL: there are none.
 * Returns: how many. Context: after machine_run(), before the machine is finished or left.
 */
size_t machine_history(struct machine *machine, struct history_line **lines);

/*
 * The stages so far: of making it, then first entry, first output, end.
 * Context: the loop's thread, before the machine is finished.
 */
void machine_time_line(struct machine *machine, struct time_line *line);

/* Accepts a zeroed machine. Drains the console for at most a second. */
void machine_finish(struct machine *machine);
/*
 * The same for a process that ends right after: what the user sees is finished (console, terminal,
 * `finished`), the rest is left to the kernel, which is quicker by tens of milliseconds (the RCU
 * worker's grace periods). Builds that look for leaks do all of machine_finish().
 * @machine  from malloc; taken over, since the worker may use it to the end.
 */
void machine_leave(struct machine *machine);

/* Ends the run, from any thread; the first one counts. */
void machine_end(struct machine *machine, const struct verdict *verdict);

#endif
