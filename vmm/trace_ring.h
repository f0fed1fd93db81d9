/*
 * trace_ring.h - a bounded ring of trace records between one producer and one consumer. A full ring
 * drops what comes and counts it: the producer never waits.
 *
 * Cost of a push: one cache line written, one shared index stored; no read-modify-write.
 */
#ifndef ACRE_VMM_TRACE_RING_H
#define ACRE_VMM_TRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_RING_LEN = 4096 /* a power of two */ };

/* What happened once. One cache line. */
struct trace_record {
    uint64_t stamp; /* the host's TSC when it began */
    uint64_t addr;  /* port, address, MSR, interrupt line; of a slot its first byte */
    uint64_t value; /* what was read or written; a line's level; of a slot its size */
    uint64_t offset;
    const char *reg;  /* the register's name, a constant; NULL: has none */
    void *note;       /* struct trace_note of a commit, the consumer's to free; else NULL */
    uint32_t ticks;   /* of the TSC until it was done; UINT32_MAX: or more */
    uint16_t outputs; /* a bit for each output that wants it */
    uint16_t region;  /* number of the region's name; 0: none */
    uint16_t count;   /* items of string I/O, 65535: or more; of a slot its id */
    uint8_t event;    /* enum trace_event */
    uint8_t size;     /* bytes of an item; of a slot its flags */
    uint8_t write;    /* direction; of a slot enum trace_slot_change; of an exit its reason */
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct trace_record) == 64, "a record is a cache line");

struct trace_ring {
    /* The producer's. */
    _Alignas(64) _Atomic uint64_t head; /* records ever pushed */
    uint64_t tail_seen;
    _Atomic uint64_t dropped; /* ever */
    /* The consumer's. */
    _Alignas(64) _Atomic uint64_t tail; /* records ever taken */
    uint64_t dropped_told;
    _Alignas(64) struct trace_record records[TRACE_RING_LEN];
};

/*
 * Returns: false when there was no room. Context: the producer.
 * @half  set to true when it is time to wake the consumer, else left alone.
 */
static inline bool trace_ring_push(struct trace_ring *ring, const struct trace_record *record,
                                   bool *half)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    if (head - ring->tail_seen == TRACE_RING_LEN) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->tail_seen == TRACE_RING_LEN) {
            atomic_store_explicit(&ring->dropped,
                                  atomic_load_explicit(&ring->dropped, memory_order_relaxed) + 1,
                                  memory_order_relaxed);
            return false;
        }
    }
    ring->records[head % TRACE_RING_LEN] = *record;
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    if ((head + 1) % (TRACE_RING_LEN / 2) == 0) {
        *half = true;
    }
    return true;
}

/*
 * The oldest record, to be given back by trace_ring_pop() before the next is asked for; NULL: none.
 * Context: the consumer.
 */
static inline const struct trace_record *trace_ring_first(struct trace_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    return tail == atomic_load_explicit(&ring->head, memory_order_acquire)
               ? NULL
               : &ring->records[tail % TRACE_RING_LEN];
}

static inline void trace_ring_pop(struct trace_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

/* How many were dropped since it was asked last. Context: the consumer. */
static inline uint64_t trace_ring_dropped(struct trace_ring *ring)
{
    uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    uint64_t num = dropped - ring->dropped_told;

    ring->dropped_told = dropped;
    return num;
}

#endif
