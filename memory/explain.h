/*
 * explain.h - why an address shows what it shows, and what an access there does.
 *
 * memory_explain() takes the way that rendering takes, for one address, and tells of every region
 * on it: who answers, by which rule, and why each of the others does not. memory_explain_access()
 * cuts an access as dispatch does and tells of each piece, without making it.
 *
 * Context: any thread; the core lock is held meanwhile, so callbacks must not edit the map.
 */
#ifndef ACRE_MEMORY_EXPLAIN_H
#define ACRE_MEMORY_EXPLAIN_H

#include "memory/core.h"

typedef enum MemoryExplainState {
    MEMORY_EXPLAIN_WINS,     /* answers here */
    MEMORY_EXPLAIN_PASSES,   /* a container or alias; what wins is below it */
    MEMORY_EXPLAIN_HOLE,     /* a container or alias in which nothing answers here */
    MEMORY_EXPLAIN_HIDDEN,   /* would answer, or look further, but `by` comes before it */
    MEMORY_EXPLAIN_DISABLED, /* `by` is disabled: itself, or what it is in */
    MEMORY_EXPLAIN_CLIPPED,  /* lies here by its address and size, but `by`, which it is in, ends
                                before */
} MemoryExplainState;

/* By which rule `by` comes before a hidden region, or a winner before `by`. */
typedef enum MemoryExplainRule {
    MEMORY_EXPLAIN_ALONE,    /* nothing else answers here */
    MEMORY_EXPLAIN_PRIORITY, /* the higher number, of siblings */
    MEMORY_EXPLAIN_NEWEST,   /* added or moved later, of siblings of one priority */
    MEMORY_EXPLAIN_CHILD,    /* in the region itself: children come before what they are in */
} MemoryExplainRule;

typedef struct MemoryExplainStep {
    MemoryRegion *mr;
    unsigned depth;     /* 0: the root; a region below a container or an alias: one more */
    hwaddr first, last; /* in the address space, modulo 2^64, as if nothing cut it */
    hwaddr offset;      /* of the address in `mr` */
    MemoryExplainState state;
    MemoryExplainRule rule; /* WINS and HIDDEN */
    MemoryRegion *by;       /* HIDDEN, DISABLED, CLIPPED; WINS: the first it hides, or NULL */
    bool readonly;          /* by itself or by what it is in */
    bool via_alias;         /* `mr` is the target of the step above it, an alias */
} MemoryExplainStep;

/* A tree that shows more than this at one address is told of in part. */
#define MEMORY_EXPLAIN_STEPS_MAX 4096U

/*
 * Tells of every region that covers `addr`, in the order in which rendering tries them.
 * Returns: 0; -ENOMEM; -E2BIG there was more to tell.
 * Cost: O(what lies there), and a look at every container for those it cuts off.
 */
int memory_explain(AddressSpace *as, hwaddr addr,
                   void (*tell)(void *opaque, const MemoryExplainStep *step), void *opaque);

typedef enum MemoryPieceKind {
    MEMORY_PIECE_DIRECT,     /* copied from or to host memory */
    MEMORY_PIECE_RAM_DEVICE, /* one load or store of this size */
    MEMORY_PIECE_CALL,       /* one callback; unit_offset and unit_size are its arguments */
    MEMORY_PIECE_REFUSED,    /* valid says no: reads 0, MEMTX_DECODE_ERROR */
    MEMORY_PIECE_CUT,        /* no callback can do it (impl): as refused */
    MEMORY_PIECE_READ_ONLY,  /* a write that does nothing, MEMTX_DECODE_ERROR */
    MEMORY_PIECE_UNASSIGNED, /* the space's value and result */
    MEMORY_PIECE_IOMMU,      /* passed on as it is translated now, or not permitted */
} MemoryPieceKind;

typedef struct MemoryPiece {
    MemoryPieceKind kind;
    MemoryRegion *mr; /* NULL: unassigned */
    hwaddr addr;      /* in the address space; `size` bytes from here */
    unsigned size;
    hwaddr unit_offset;      /* in mr */
    unsigned unit_size;      /* bytes; larger than `size` where the device cannot do less */
    bool read_first;         /* a write that reads the unit, changes it and writes it back */
    AddressSpace *target_as; /* IOMMU: where it goes on; NULL: it does not */
    hwaddr target_addr;      /* in target_as */
    MemoryRefusal refusal;   /* MEMORY_PIECE_REFUSED: why */
} MemoryPiece;

/*
 * What an access of `size` bytes (1..8) does, piece by piece, in order. Of a device only
 * valid.accepts and translate are called, as dispatch does, without its owner's lock.
 * Context: a registered thread.
 */
void memory_explain_access(AddressSpace *as, hwaddr addr, unsigned size, bool is_write,
                           void (*tell)(void *opaque, const MemoryPiece *piece), void *opaque);

#endif
