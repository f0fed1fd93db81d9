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
    breaks->list[breaks->num] = (struct gdb_breakpoint){.kind = kind, .addr = addr, .size = size};
    return &breaks->list[breaks->num++];
}

void gdb_breaks_remove(struct gdb_breaks *breaks, struct gdb_breakpoint *breakpoint)
{
    size_t index = (size_t)(breakpoint - breaks->list);

    breaks->num--;
    memmove(breakpoint, breakpoint + 1, (breaks->num - index) * sizeof(*breakpoint));
}

/* The largest piece at the beginning of a range that one debug register watches. */
static unsigned piece_size(uint64_t addr, uint64_t size)
{
    unsigned piece = 8;

    while (piece > size || addr % piece != 0) {
        piece /= 2;
    }
    return piece;
}

/* How many there are; more than VCPU_BREAKPOINT_MAX are not counted to the end. */
static unsigned piece_num(uint64_t addr, uint64_t size)
{
    unsigned num = 0, piece;

    for (; size > 0 && num <= VCPU_BREAKPOINT_MAX; num++) {
        piece = piece_size(addr, size);
        addr += piece;
        size -= piece;
    }
    return num;
}

unsigned gdb_breaks_needs(const struct gdb_means *means, enum gdb_break kind, uint64_t addr,
                          uint64_t size)
{
    unsigned num;

    if (!gdb_break_is_watch(kind)) {
        return means->execute;
    }
    /* x86 has no register for reads alone: writes would be taken for them. */
    if (!means->data || kind == GDB_WATCH_READ) {
        return 0;
    }
    num = piece_num(addr, size);
    return num <= VCPU_BREAKPOINT_MAX ? num : 0;
}

unsigned gdb_breaks_slotted(const struct gdb_breaks *breaks)
{
    unsigned num = 0, i;

    for (i = 0; i < breaks->num; i++) {
        const struct gdb_breakpoint *one = &breaks->list[i];

        if (gdb_break_is_watch(one->kind) && !one->overlay && !one->stepped) {
            num += piece_num(one->addr, one->size);
        }
    }
    return num;
}

static void take_slot(struct gdb_breaks *breaks, unsigned index, uint64_t addr, unsigned size)
{
    struct gdb_breakpoint *one = &breaks->list[index];

    one->slots |= 1U << breaks->slot_num;
    breaks->slot_owners[breaks->slot_num] = index;
    breaks->slots[breaks->slot_num++] = (struct vcpu_breakpoint){
        .addr = addr,
        .type = !gdb_break_is_watch(one->kind) ? VCPU_BREAK_EXECUTE
                : one->kind == GDB_WATCH_WRITE ? VCPU_BREAK_WRITE
                                               : VCPU_BREAK_ACCESS,
        .size = size,
    };
}

/* It has no overlay, so that there are registers for it. */
static void deal_watch(struct gdb_breaks *breaks, unsigned index)
{
    uint64_t addr = breaks->list[index].addr, size = breaks->list[index].size;
    unsigned piece;

    while (size > 0 && breaks->slot_num < VCPU_BREAKPOINT_MAX) {
        piece = piece_size(addr, size);
        take_slot(breaks, index, addr, piece);
        addr += piece;
        size -= piece;
    }
}

void gdb_breaks_step(struct gdb_breaks *breaks, struct gdb_breakpoint *breakpoint)
{
    breakpoint->software = false;
    breakpoint->steps = breaks->steps = breaks->blind = true;
}

static void deal_breakpoint(struct gdb_breaks *breaks, const struct gdb_means *means,
                            unsigned index)
{
    struct gdb_breakpoint *one = &breaks->list[index];

    if (means->execute && breaks->slot_num < VCPU_BREAKPOINT_MAX) {
        take_slot(breaks, index, one->addr, 1);
    } else if (means->software && one->kind == GDB_BREAK_SOFTWARE) {
        one->software = true;
    } else {
        gdb_breaks_step(breaks, one);
    }
}

void gdb_breaks_plan(struct gdb_breaks *breaks, const struct gdb_means *means)
{
    static const enum gdb_break order[] = {GDB_BREAK_HARDWARE, GDB_BREAK_SOFTWARE};
    unsigned i, turn;

    breaks->steps = breaks->blind = breaks->compares = false;
    breaks->slot_num = 0;
    for (i = 0; i < breaks->num; i++) {
        struct gdb_breakpoint *one = &breaks->list[i];

        one->slots = 0;
        one->software = one->steps = false;
        breaks->compares |= one->stepped != NULL;
        if (gdb_break_is_watch(one->kind) && !one->overlay && !one->stepped) {
            deal_watch(breaks, i);
        }
    }
    breaks->steps = breaks->compares;
    for (turn = 0; turn < 2; turn++) {
        for (i = 0; i < breaks->num; i++) {
            if (breaks->list[i].kind == order[turn]) {
                deal_breakpoint(breaks, means, i);
            }
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

bool gdb_breaks_traps(const struct gdb_breaks *breaks, uint64_t pc)
{
    unsigned i;

    for (i = 0; i < breaks->num; i++) {
        const struct gdb_breakpoint *one = &breaks->list[i];

        if (!gdb_break_is_watch(one->kind) && one->addr == pc && !one->steps) {
            return true;
        }
    }
    return false;
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
    (void)snprintf(
        text, size, "breakpoints by %s%s%s, watchpoints by %s%s",
        means->execute ? "debug registers" : "", means->execute && means->software ? " and " : "",
        means->software  ? "int3"
        : means->execute ? ""
                         : "stepping",
        means->data ? "debug registers" : "overlays", means->step ? "" : "; this KVM cannot step");
}
