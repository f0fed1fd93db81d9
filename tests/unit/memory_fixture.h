/*
 * memory_fixture.h - what the tests of memory/ share: a core with one address space, regions that
 * free themselves, and flat views and listener calls as text to compare with.
 *
 * Every helper fails the running test when memory/ refuses what it asks for. Context: a check test,
 * whose thread fixture_new() registers.
 */
#ifndef ACRE_TESTS_MEMORY_FIXTURE_H
#define ACRE_TESTS_MEMORY_FIXTURE_H

#include "memory/memory.h"
#include "tests/unit/run_suite.h"

#define OK(call) ck_assert_int_eq((call), 0)
#define PAGE 0x1000U

struct fixture {
    struct memory_core core;
    AddressSpace as;    /* shows `root`, unassigned as memory */
    MemoryRegion *root; /* a container of 2^64 bytes */
    MemoryRegion **regions;
    size_t num, allocated;
    unsigned parks, unparks, flushes, logs; /* calls of the core's configured callbacks */
    pthread_mutex_t log_lock;               /* any thread may log */
    char last_log[256];
};

struct fixture *fixture_new(void);
/* Lets go of every region, finishes the space and the core. */
void fixture_free(struct fixture *f);

/* Regions of the fixture: unreferenced by fixture_free, their storage freed by their destructor. */
MemoryRegion *container_new(struct fixture *f, const char *name, uint64_t size);
MemoryRegion *io_new(struct fixture *f, const char *name, uint64_t size);
MemoryRegion *device_new(struct fixture *f, MemoryOwner *owner, const MemoryRegionOps *ops,
                         void *opaque, const char *name, uint64_t size);
MemoryRegion *reservation_new(struct fixture *f, const char *name, uint64_t size);
MemoryRegion *ram_new(struct fixture *f, const char *name, uint64_t size);
MemoryRegion *rom_new(struct fixture *f, const char *name, uint64_t size);
MemoryRegion *romd_new(struct fixture *f, const MemoryRegionOps *ops, void *opaque,
                       const char *name, uint64_t size);
MemoryRegion *alias_new(struct fixture *f, const char *name, MemoryRegion *target, hwaddr offset,
                        uint64_t size);
/* Storage for a region whose init the test calls itself; owned by the fixture after `adopt`. */
MemoryRegion *region_alloc(void);
MemoryRegion *adopt(struct fixture *f, MemoryRegion *mr);
/* Drops the fixture's reference before fixture_free does. */
void disown(struct fixture *f, MemoryRegion *mr);

/* An anonymous block of `size` bytes, with one reference. */
RAMBlock *block_new(struct fixture *f, const char *name, uint64_t size);

void put(MemoryRegion *container, hwaddr offset, MemoryRegion *child);
void put_prio(MemoryRegion *container, hwaddr offset, MemoryRegion *child, int32_t priority);
void take_out(MemoryRegion *container, MemoryRegion *child);

/*
 * One line a range: `first-last name`, then `@offset` unless 0, then those of ` ro nv um romd logN`
 * that hold. The caller frees the text.
 */
char *view_text(AddressSpace *as);
char *flatview_text(const FlatView *view);
/* Of the space, and of a new one with the same root where one may be made. */
void expect_view(AddressSpace *as, const char *text);

/* Runs what waits for a grace period, destructors included. */
void drain_rcu(void);

/* What happened, one line each. */
struct trace {
    char *text;
    size_t len;
};
void trace_add(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Compares with all that was added since the last call, and forgets it. */
void expect_trace(struct trace *trace, const char *text);
void trace_finish(struct trace *trace);

/*
 * A listener that writes each call to a trace as `NAME call section`, and fails where it is told
 * to. prepare, cancel, apply and undo are written only with `phases`.
 */
struct recorder {
    MemoryListener listener;
    struct trace *trace;
    bool phases;
    int prepare_result, apply_result, undo_result; /* 0 or -errno */
    bool park;
    const FlatView *add_view, *del_view; /* `fv` of the last section of that kind */
    const FlatView *old_view, *new_view; /* of the last prepare */
};
void recorder_init(struct recorder *recorder, struct trace *trace, const char *name, int priority);

#endif
