/*
 * gdb_breaks.c - a list in order of insertion; debug registers are dealt out anew before each run.
 */
#include "vmm/gdb_breaks.h"

#include <stdio.h>
#include <string.h>

struct gdb_breakpoint *gdb_breaks_find(struct gdb_breaks *breaks, enum gdb_break kind,
                                       uint64_t addr, uint64_t size)
{
    unsigned i;

    for (i = 0; i < breaks->num; i++) {
        struct gdb_breakpoint *one = &breaks->list[i];

        if (one->kind == kind && one->addr == addr && one->size == size) {
            return one;
        }
    }
    return NULL;
}

struct gdb_breakpoint *gdb_breaks_add(struct gdb_breaks *breaks, enum gdb_break kind, uint64_t addr,
                                      uint64_t size)
{
    if (breaks->num == GDB_BREAK_MAX) {
        return NULL;
    }
    breaks->list[breaks->num] =
        (struct gdb_breakpoint){.kind = kind, .addr = addr, .size = size, .slot = -1};
    return &breaks->list[breaks->num++];
}

void gdb_breaks_remove(struct gdb_breaks *breaks, struct gdb_breakpoint *breakpoint)
{
    size_t index = (size_t)(breakpoint - breaks->list);

    breaks->num--;
    memmove(breakpoint, breakpoint + 1, (breaks->num - index) * sizeof(*breakpoint));
}

bool gdb_breaks_fits(const struct gdb_means *means, enum gdb_break kind, uint64_t addr,
                     uint64_t size)
{
    if (!gdb_break_is_watch(kind)) {
        return means->execute;
    }
    /* x86 has no register for reads alone: writes would be taken for them. */
    return means->data && kind != GDB_WATCH_READ &&
           (size == 1 || size == 2 || size == 4 || size == 8) && addr % size == 0;
}

unsigned gdb_breaks_slotted(const struct gdb_breaks *breaks)
{
    unsigned num = 0, i;

    for (i = 0; i < breaks->num; i++) {
        num += gdb_break_is_watch(breaks->list[i].kind) && !breaks->list[i].overlay;
    }
    return num;
}

static void deal(struct gdb_breaks *breaks, const struct gdb_means *means, unsigned index)
{
    struct gdb_breakpoint *one = &breaks->list[index];
    bool watch = gdb_break_is_watch(one->kind);

    one->slot = -1;
    if (one->overlay) {
        return;
    }
    if (breaks->slot_num == VCPU_BREAKPOINT_MAX ||
        !gdb_breaks_fits(means, one->kind, one->addr, one->size)) {
        breaks->steps = true;
        return;
    }
    one->slot = (int)breaks->slot_num;
    breaks->slot_owners[breaks->slot_num] = index;
    breaks->slots[breaks->slot_num++] = (struct vcpu_breakpoint){
        .addr = one->addr,
        .type = !watch                         ? VCPU_BREAK_EXECUTE
                : one->kind == GDB_WATCH_WRITE ? VCPU_BREAK_WRITE
                                               : VCPU_BREAK_ACCESS,
        .size = watch ? (unsigned)one->size : 1,
    };
}

void gdb_breaks_plan(struct gdb_breaks *breaks, const struct gdb_means *means)
{
    unsigned i;

    breaks->steps = false;
    breaks->slot_num = 0;
    /* Watchpoints first: breakpoints can be stepped as well. */
    for (i = 0; i < breaks->num; i++) {
        if (gdb_break_is_watch(breaks->list[i].kind)) {
            deal(breaks, means, i);
        }
    }
    for (i = 0; i < breaks->num; i++) {
        if (!gdb_break_is_watch(breaks->list[i].kind)) {
            deal(breaks, means, i);
        }
    }
}

const struct gdb_breakpoint *gdb_breaks_at(const struct gdb_breaks *breaks, uint64_t pc)
{
    unsigned i;

    for (i = 0; i < breaks->num; i++) {
        if (!gdb_break_is_watch(breaks->list[i].kind) && breaks->list[i].addr == pc) {
            return &breaks->list[i];
        }
    }
    return NULL;
}

const struct gdb_breakpoint *gdb_breaks_hit(const struct gdb_breaks *breaks, uint64_t dr6)
{
    unsigned i;

    for (i = 0; i < breaks->slot_num; i++) {
        const struct gdb_breakpoint *one = &breaks->list[breaks->slot_owners[i]];

        if ((dr6 >> i & 1) && gdb_break_is_watch(one->kind)) {
            return one;
        }
    }
    return NULL;
}

void gdb_means_text(const struct gdb_means *means, char *text, size_t size)
{
    (void)snprintf(text, size, "breakpoints by %s, watchpoints by %s%s",
                   means->execute ? "debug registers" : "stepping",
                   means->data ? "debug registers" : "overlays",
                   means->step ? "" : "; this KVM cannot step");
}
