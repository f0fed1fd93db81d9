/*
 * memory_oracle.h - what an address shows, found the slow and obvious way.
 *
 * A second model of the region tree, sharing nothing with memory/: plain arrays, 128-bit
 * arithmetic, and one recursive question, "who answers at this address?". A whole view is had by
 * asking it on both sides of every edge that any region has on any way down to it.
 *
 * Source: QEMU, docs/devel/memory.rst, and the rule that a readonly path concerns RAM-backed leaves
 * only.
 */
#ifndef ACRE_TESTS_MEMORY_ORACLE_H
#define ACRE_TESTS_MEMORY_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORACLE_REGIONS = 20, ORACLE_RANGES = 2048, ORACLE_CLIENTS = 3 };
enum { ORACLE_ZONES = 4, ORACLE_EVENTFDS = 4 /* of a region */, ORACLE_LOG_ALL = 2 /* client */ };

enum oracle_kind {
    ORACLE_NONE, /* an empty slot of the pool */
    ORACLE_CONTAINER,
    ORACLE_RAM,
    ORACLE_ROM,
    ORACLE_ROM_DEVICE,
    ORACLE_RAM_DEVICE,
    ORACLE_IO,
    ORACLE_RESERVATION,
    ORACLE_ALIAS,
    ORACLE_IOMMU,
    ORACLE_KINDS,
};

/* Offsets in the region. */
struct oracle_zone {
    uint64_t first, last;
};

struct oracle_eventfd {
    bool used;
    uint64_t offset;
    unsigned size;
    bool match;
};

struct oracle_region {
    enum oracle_kind kind;
    uint64_t size, addr; /* size UINT64_MAX: 2^64 */
    int32_t priority;
    uint64_t seq;  /* larger: newer among siblings */
    int container; /* -1: not mounted */
    int target;    /* of an alias */
    uint64_t alias_offset;
    bool enabled, readonly, nonvolatile, unmergeable, romd;
    struct oracle_zone zones[ORACLE_ZONES]; /* whose writes may be held back */
    unsigned zone_num;
    struct oracle_eventfd eventfds[ORACLE_EVENTFDS];
    unsigned log_count[ORACLE_CLIENTS];
};

/* Plain data: a copy is a snapshot. */
struct oracle {
    struct oracle_region regions[ORACLE_REGIONS];
    uint64_t seq;
    unsigned log_all; /* how often all memory is to be logged */
};

struct oracle_range {
    uint64_t first, last;
    int region;
    uint64_t offset; /* in the region, of `first` */
    uint64_t path;   /* the way down to it: the same region twice has two */
    uint8_t dirty_log_mask;
    bool romd, readonly, nonvolatile, unmergeable;
};

/* Who answers at `addr` of a space that shows `root`; false: nobody. first == last == addr. */
bool oracle_lookup(const struct oracle *oracle, int root, uint64_t addr,
                   struct oracle_range *answer);
/*
 * The view of a space that shows `root`, into ranges[ORACLE_RANGES].
 * Returns: the number of ranges; SIZE_MAX when there are more than fit.
 */
size_t oracle_render(const struct oracle *oracle, int root, struct oracle_range *ranges);
/* Is `to` the region `from`, or below it (as a child, or as what an alias shows)? */
bool oracle_reaches(const struct oracle *oracle, int from, int to);
/* RAM-backed kinds. */
bool oracle_has_ram(enum oracle_kind kind);

#endif
