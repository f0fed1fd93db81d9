/*
 * trace_parts.h - what the trace*.c files share. Private to them.
 *
 * trace.c opens, switches and empties the rings, trace_taps.c records what vCPUs and devices do,
 * trace_commits.c what happens to the map.
 */
#ifndef ACRE_VMM_TRACE_PARTS_H
#define ACRE_VMM_TRACE_PARTS_H

#include <pthread.h>

#include "vmm/debug.h"
#include "vmm/trace.h"
#include "vmm/trace_format.h"
#include "vmm/trace_registers.h"
#include "vmm/trace_ring.h"

enum {
    TRACE_ALL_RULES_MAX = 64, /* bits of a mask */
    TRACE_PLACES = 32,        /* remembered ranges of a space, a power of two */
    TRACE_NAMES_MAX = 1024,
};

/* Where accesses of one hash go: a range of the view, and what is known of its region. */
struct trace_place {
    MemoryAccessCache cache;
    uint64_t generation; /* of the view that the rest was learnt from */
    hwaddr first;        /* of the range; all 0: nothing learnt */
    const struct trace_register *registers;
    uint64_t rules; /* those that take this region */
    uint16_t region;
    bool known;
};

/* A vCPU's. All but ring and open is its thread's own. */
struct trace_cpu {
    struct trace_ring ring;
    _Atomic uint64_t open;      /* stamp of the exit that is being served; 0: none */
    struct trace_record access; /* of that exit; outputs 0: not wanted */
    struct trace_place places[2][TRACE_PLACES]; /* memory, ports */
};

struct trace_out {
    struct debug_text text;
    enum trace_format format;
    const char *path; /* NULL: stderr */
};

struct trace_active {
    struct trace_rule rule;
    unsigned output;
    bool on;
};

/* The two listeners of an address space: the first to hear of a commit, and the last. */
struct trace_space {
    struct trace *trace;
    AddressSpace *as;
    MemoryListener first, last;
    uint64_t begun; /* the TSC when the commit at hand was heard of */
};

struct trace {
    /* Changed by the loop's thread while no vCPU runs. */
    struct trace_active rules[TRACE_ALL_RULES_MAX];
    unsigned rule_num;
    unsigned wanted;        /* a bit for each event that a rule is on for */
    uint64_t rules_no_name; /* rules that take an access without a region */
    struct trace_out outs[TRACE_OUTPUTS_MAX];
    unsigned out_num;
    struct machine *machine;
    bool begun; /* rings, timer and outputs are in use */
    struct trace_cpu *cpus;
    unsigned cpu_num;
    struct vcpu_tap tap;
    struct machine_irq_tap irq_tap;
    struct trace_space spaces[2]; /* memory, ports */
    bool tapped, irq_tapped, listening, msrs;
    bool late; /* the machine ran already when the listeners came */
    unsigned commit_num;
    /* Events that are no vCPU's exits; the ring's producers, and names, hold the lock. */
    pthread_mutex_t lock;
    struct trace_ring *shared;
    char *names[TRACE_NAMES_MAX]; /* [0]: none */
    _Atomic unsigned name_num;
    /* The consumer's: TSC base_tsc was base_ns (CLOCK_MONOTONIC). */
    uint64_t origin_ns, base_ns, base_tsc;
    uint64_t told_ns; /* the last stage of start-up that was written */
    double ns_per_tick;
    double ns_per_tick_first; /* as it was first measured: for all threads */
    struct loop_source timer;
    struct loop_work work;
};

static inline bool trace_wants(const struct trace *trace, enum trace_event event)
{
    return (trace->wanted & 1U << (unsigned)event) != 0;
}

/* ---- trace_taps.c ---- */

/* A number for a region's name, which stands until trace_free(); 0: there are too many. */
uint16_t trace_name(struct trace *trace, const char *name);
/* A bit for each rule that is on and takes this region ("": none). */
uint64_t trace_rules_of(const struct trace *trace, const char *region);
/* Records what is no vCPU's exit; frees the note if it cannot. Context: any thread. */
void trace_push_shared(struct trace *trace, struct trace_record *record);
/*
 * Hears of exits, interrupts and commits as far as rules want them. Context: no vCPU runs.
 * Returns: 0; -errno with err filled, and nothing heard of.
 */
int trace_taps_set(struct trace *trace, struct error *err) __attribute__((warn_unused_result));
void trace_taps_clear(struct trace *trace);

/* ---- trace_commits.c ---- */

/* Returns: 0; -errno. Context: no commit can run. */
int trace_commits_listen(struct trace *trace) __attribute__((warn_unused_result));
void trace_commits_forget(struct trace *trace);

#endif
