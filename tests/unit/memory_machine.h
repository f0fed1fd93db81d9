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
enum { MACHINE_RAM_BYTES = 3 * MACHINE_PAGE_BYTES /* a resize may reach */, MAPPINGS = 4 };
enum { IOMMU_PAGES = 4, IOMMU_PAGE_BYTES = 0x40 };

struct machine;

struct step {
    uint8_t code;
    int a, b; /* places in the pool */
    uint8_t x, y, z;
};

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
    MemoryAccessCache cache; /* a reader's, for good: also when the space is another */
    FlatView *kept;          /* an old view that a reader still holds */
    struct oracle_range kept_ranges[ORACLE_RANGES];
    size_t kept_num;
};

/* An IOMMU's table: page n of the region is entry n modulo IOMMU_PAGES. */
struct iommu_table {
    struct machine *machine;
    struct iommu_page {
        uint64_t to;
        uint8_t space, perm;
    } pages[IOMMU_PAGES];
};

/* What address_space_map gave. */
struct mapping {
    uint8_t *host; /* NULL: none */
    uint64_t len;
    hwaddr addr;
    int space;
    bool is_write, bounced;
};

struct machine {
    struct memory_core *core;
    MemoryRegion *pool[ORACLE_REGIONS];
    struct space spaces[SPACES];
    struct oracle now, begun;        /* begun: at the outermost begin */
    uint8_t *memory[ORACLE_REGIONS]; /* what RAM-backed regions hold: MACHINE_RAM_BYTES each */
    struct iommu_table iommus[ORACLE_REGIONS];
    struct mapping mappings[MAPPINGS];
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

/* The byte that region `region` of the pool has at `offset`, as a reader of the range sees it. */
uint8_t machine_content(const struct machine *machine, const struct oracle_range *range,
                        uint64_t addr);
/*
 * What a read of one byte of a space gives.
 * @hops  IOMMUs passed on the way there.
 */
uint8_t machine_read_byte(const struct machine *machine, int space, uint64_t addr, unsigned hops,
                          MemTxResult *result);
extern const IOMMUMemoryRegionOps machine_iommu_ops;

/* memory_steps_ram.c: steps on what is behind the regions. */
void step_create_iommu(struct machine *machine, const struct step *step);
void step_iommu_page(struct machine *machine, const struct step *step);
void step_ram_resize(struct machine *machine, const struct step *step);
void step_discard(struct machine *machine, const struct step *step);
void step_map(struct machine *machine, const struct step *step);
void step_unmap(struct machine *machine, const struct step *step);
/* Ends all mappings. */
void machine_unmap(struct machine *machine);

/* memory_steps_io.c: eventfds and zones; memory_steps_more.c: what is rarely done together. */
enum { MACHINE_EVENTFD_BASE = 1000 };
void step_coalescing(struct machine *machine, const struct step *step);
void step_add_coalescing(struct machine *machine, const struct step *step);
void step_eventfd(struct machine *machine, const struct step *step);
void step_log_all(struct machine *machine, const struct step *step);
void step_find(struct machine *machine, const struct step *step);
void step_space_again(struct machine *machine, const struct step *step);
void step_drop(struct machine *machine, const struct step *step);
/* The outermost transaction ended: regions that were dropped in it are gone, or back. */
void machine_settle_drops(struct machine *machine);
/* Makes or ends a space with the listeners that it has from the start. */
bool machine_open_space(struct machine *machine, int index);
void machine_close_space(struct machine *machine, int index);

/* Carries out one step. False: an allocation is to fail in the next, which must come first. */
bool machine_step(struct machine *machine, const uint8_t *bytes);
const char *machine_step_name(const uint8_t *bytes);

/* Compares everything with everything; outside transactions. */
void machine_check(struct machine *machine);
/* memory_check_io.c */
void machine_check_eventfds(struct machine *machine, const struct replica *replica,
                            const struct space *space);
void machine_check_zones(struct machine *machine, const struct replica *replica,
                         const struct space *space);
void replica_init(struct replica *replica, struct machine *machine, int priority);
void vetoer_init(struct vetoer *vetoer, struct machine *machine, int priority);

#endif
