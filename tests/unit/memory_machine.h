/*
 * memory_machine.h - what memory_program.c runs and memory_check.c checks: the real regions, and
 * the oracle's idea of them, side by side.
 */
#ifndef ACRE_TESTS_MEMORY_MACHINE_H
#define ACRE_TESTS_MEMORY_MACHINE_H

#include "memory/memory.h"
#include "tests/unit/memory_oracle.h"
#include "tests/unit/memory_program.h"

enum { SPACES = 2, EVENTS_MAX = 4096, VETO_ERROR = -1234 };
enum { MACHINE_PAGE_BYTES = 0x1000, MACHINE_FIRST_NUM = 10 /* regions to begin with */ };

struct machine;

/* A listener that believes only what it is told. */
struct replica {
    MemoryListener listener;
    struct machine *machine;
    bool registered;
    MemoryRegionSection sections[ORACLE_RANGES]; /* ascending */
    size_t num;
    MemoryEventfd eventfds[EVENTS_MAX];
    size_t eventfd_num;
    MemoryCoalescedZone zones[EVENTS_MAX];
    size_t zone_num;
    bool in_batch, replaying;
    const FlatView *new_view; /* of the batch */
    size_t del_num, add_num, nop_num, other_num;
    hwaddr last_del, last_add;
};

/* A listener that says no when it is told to, once. */
struct vetoer {
    MemoryListener listener;
    struct machine *machine;
    bool at_prepare, at_apply;
    bool prepared, applied; /* by the commit under way */
};

struct space {
    AddressSpace as;
    int root; /* in the pool */
    struct replica early, late;
    struct vetoer vetoer;
    struct oracle_range expected[ORACLE_RANGES];
    size_t expected_num;
    FlatView *kept; /* an old view that a reader still holds */
    struct oracle_range kept_ranges[ORACLE_RANGES];
    size_t kept_num;
};

struct machine {
    struct memory_core *core;
    MemoryRegion *pool[ORACLE_REGIONS];
    struct space spaces[SPACES];
    struct oracle now, begun; /* begun: at the outermost begin */
    unsigned depth;
    bool armed;  /* an allocation of the call under way may fail */
    bool vetoed; /* by the call under way */
    bool too_complex;
    struct memory_program_result *result;
};

void machine_fail(struct machine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What byte `offset` of a region of the pool reads as. */
uint8_t machine_byte(int region, uint64_t offset);
int machine_index(const struct machine *machine, const MemoryRegion *mr);

/* Makes a region at an empty place of the pool, in memory/ and in the oracle; may fail as a call.
 */
void machine_create(struct machine *machine, int index, struct oracle_region as);
/* The outcome of a call that must succeed. True when it did and the oracle has to follow. */
bool machine_done(struct machine *machine, int error);
/* The outcome of a call that must be refused, with that error. */
void machine_refused(struct machine *machine, int error, int with);
/* Lets go of the views that readers hold. */
void machine_forget_kept(struct machine *machine);

/* Carries out one step. False: an allocation is to fail in the next, which must come first. */
bool machine_step(struct machine *machine, const uint8_t *bytes);
const char *machine_step_name(const uint8_t *bytes);

/* Compares everything with everything; outside transactions. */
void machine_check(struct machine *machine);
void replica_init(struct replica *replica, struct machine *machine, int priority);
void vetoer_init(struct vetoer *vetoer, struct machine *machine, int priority);

#endif
