/*
 * gdb_breaks.h - breakpoints and watchpoints of a debugger, and what finds each: one of the CPU's
 * four debug registers where this KVM delivers their exceptions; else for watchpoints an overlay
 * (watch.h), for breakpoints stepping every CPU and looking after each instruction.
 *
 * Context: the loop's thread while the vCPUs stand still; the _at() and _changed() functions also
 * their threads while they run.
 */
#ifndef ACRE_VMM_GDB_BREAKS_H
#define ACRE_VMM_GDB_BREAKS_H

#include "vmm/gdb_session.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"

/* What this host's KVM does when it is asked to, found out by doing it. */
struct gdb_means {
    bool step;    /* KVM_EXIT_DEBUG after each instruction */
    bool execute; /* debug registers stop before an instruction */
    bool data;    /* and after an access to data */
};

/*
 * Tries them in a VM of its own, with a guest of a few instructions, a few
 * milliseconds.
 * Returns: 0; -errno, err says of what.
 * Context: before system calls are filtered; the machine's vCPUs may exist.
 */
int gdb_means_probe(struct kvm *kvm, struct gdb_means *means, struct error *err)
    __attribute__((warn_unused_result));
/* "breakpoints by debug registers, ..." for -v. @text  128 bytes */
void gdb_means_text(const struct gdb_means *means, char *text, size_t size);

enum { GDB_BREAK_MAX = 256 };

struct gdb_overlay;

struct gdb_breakpoint {
    enum gdb_break kind;
    uint64_t addr;               /* linear */
    uint64_t size;               /* bytes watched; for breakpoints what the client said */
    int slot;                    /* debug register; -1: none */
    struct gdb_overlay *overlay; /* gdb_watch.c's; NULL: none */
};

struct gdb_breaks {
    struct gdb_breakpoint list[GDB_BREAK_MAX];
    unsigned num;
    /* After gdb_breaks_plan(). */
    bool steps; /* some need stepping */
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
/* Could a debug register do this? */
bool gdb_breaks_fits(const struct gdb_means *means, enum gdb_break kind, uint64_t addr,
                     uint64_t size);
/* Watchpoints that need a debug register. */
unsigned gdb_breaks_slotted(const struct gdb_breaks *breaks);
/* Hands out debug registers, in order of insertion, and says whether stepping is needed besides. */
void gdb_breaks_plan(struct gdb_breaks *breaks, const struct gdb_means *means);
/* The breakpoint on an instruction's address; NULL: none. */
const struct gdb_breakpoint *gdb_breaks_at(const struct gdb_breaks *breaks, uint64_t pc);
/* The watchpoint whose debug register DR6 names; NULL: none. */
const struct gdb_breakpoint *gdb_breaks_hit(const struct gdb_breaks *breaks, uint64_t dr6);

#endif
