/*
 * gdb_breaks.h - breakpoints and watchpoints of a debugger, and what finds each: the CPU's four
 * debug registers where this KVM delivers their exceptions; else for watchpoints an overlay
 * (watch.h), or stepping and comparing; for breakpoints an int3 in memory (gdb_patch.h), or
 * stepping every CPU and looking after each instruction.
 *
 * Debug registers come first, since they know linear addresses, whatever the guest does to its
 * memory and page tables; of them watchpoints first, then those breakpoints that were asked for as
 * hardware's, which are never made of int3.
 *
 * Context: the loop's thread while the vCPUs stand still; the _at() and _hit() functions also their
 * threads while they run.
 */
#ifndef ACRE_VMM_GDB_BREAKS_H
#define ACRE_VMM_GDB_BREAKS_H

#include "vmm/gdb_session.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"

/* What this host's KVM does when it is asked to, found out by doing it. */
struct gdb_means {
    bool step;     /* KVM_EXIT_DEBUG after each instruction */
    bool execute;  /* debug registers stop before an instruction */
    bool data;     /* and after an access to data */
    bool software; /* an int3 is an exit, before it does anything; `step` is there as well */
    bool enters;   /* steps go on in the handler of an interrupt */
    /* A HLT that is stepped over halts the CPU at an instruction that is not stepped any more. */
    bool halts_late;
};

/*
 * Tries them in a VM of its own, with a guest of a few instructions, a few milliseconds; a KVM that
 * hangs in one is given 100 ms.
 * Returns: 0; -errno, err says of what.
 * Context: before system calls are filtered, after vcpu_group_init().
 */
int gdb_means_probe(struct kvm *kvm, struct gdb_means *means, struct error *err)
    __attribute__((warn_unused_result));
/* "breakpoints by debug registers, ..." for -v. @text  128 bytes */
void gdb_means_text(const struct gdb_means *means, char *text, size_t size);

enum { GDB_BREAK_MAX = 256 };

struct gdb_overlay;
struct gdb_stepped;

struct gdb_breakpoint {
    enum gdb_break kind;
    uint64_t addr; /* linear */
    uint64_t size; /* bytes watched; for breakpoints what the client said */
    /* After gdb_breaks_plan(). */
    unsigned slots;              /* its debug registers, a bit for each */
    bool software;               /* an int3 is to find it */
    bool steps;                  /* stepping is */
    bool missed;                 /* the guest wrote over the int3, or mapped other memory there */
    struct gdb_overlay *overlay; /* gdb_watch.c's; NULL: none */
    struct gdb_stepped *stepped; /* gdb_stepped.c's; NULL: none */
};

struct gdb_breaks {
    struct gdb_breakpoint list[GDB_BREAK_MAX];
    unsigned num;
    /* After gdb_breaks_plan(). */
    bool steps;    /* every CPU must be stepped: the two that follow */
    bool blind;    /* some breakpoints have nothing else */
    bool compares; /* nor some watchpoints */
    unsigned slot_num;
    struct vcpu_breakpoint slots[VCPU_BREAKPOINT_MAX];
    unsigned slot_owners[VCPU_BREAKPOINT_MAX]; /* in list */
};

static inline bool gdb_break_is_watch(enum gdb_break kind)
{
    return kind >= GDB_WATCH_WRITE;
}

/* The one that was inserted with these; NULL: none. */
struct gdb_breakpoint *gdb_breaks_find(struct gdb_breaks *breaks, enum gdb_break kind,
                                       uint64_t addr, uint64_t size);
/* Adds one. Returns: it; NULL: there are too many. */
struct gdb_breakpoint *gdb_breaks_add(struct gdb_breaks *breaks, enum gdb_break kind, uint64_t addr,
                                      uint64_t size);
void gdb_breaks_remove(struct gdb_breaks *breaks, struct gdb_breakpoint *breakpoint);
/*
 * How many debug registers could do this, each for an aligned piece of 1, 2, 4 or 8 bytes.
 * Returns: 1 to VCPU_BREAKPOINT_MAX; 0: they cannot.
 */
unsigned gdb_breaks_needs(const struct gdb_means *means, enum gdb_break kind, uint64_t addr,
                          uint64_t size);
/* The debug registers that watchpoints have. */
unsigned gdb_breaks_slotted(const struct gdb_breaks *breaks);
/* Hands out debug registers, in order of insertion, and says what is needed besides. */
void gdb_breaks_plan(struct gdb_breaks *breaks, const struct gdb_means *means);
/* That one cannot be an int3. */
void gdb_breaks_step(struct gdb_breaks *breaks, struct gdb_breakpoint *breakpoint);
/* The breakpoint on an instruction's address; NULL: none. */
const struct gdb_breakpoint *gdb_breaks_at(const struct gdb_breaks *breaks, uint64_t pc);
/* Would KVM stop a CPU that enters the guest there, by a debug register or an int3? */
bool gdb_breaks_traps(const struct gdb_breaks *breaks, uint64_t pc);
/* The watchpoint one of whose debug registers DR6 names; NULL: none. */
const struct gdb_breakpoint *gdb_breaks_hit(const struct gdb_breaks *breaks, uint64_t dr6);

#endif
