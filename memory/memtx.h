/*
 * memtx.h - addresses, ranges, and what an access carries and returns.
 *
 * Ranges are inclusive ([first, last]) everywhere in acre, so that the whole 64-bit space needs no
 * 128-bit arithmetic; an empty range cannot be written down, which is why sizes are checked where
 * they come in. A size of 2^64 is passed and reported as UINT64_MAX (QEMU's convention, too); no
 * other region can be that large, so nothing is lost.
 */
#ifndef ACRE_MEMORY_MEMTX_H
#define ACRE_MEMORY_MEMTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A guest-physical address, or an offset in a region or an address space. Unit: bytes. */
typedef uint64_t hwaddr;

/* An offset in a VM's space of RAM blocks (it indexes dirty bitmaps). Not guest-physical. */
typedef uint64_t ram_addr_t;
#define RAM_ADDR_INVALID UINT64_MAX

/*
 * What travels with an access. Passed by value; at most 8 bytes. MEMTXATTRS_UNSPECIFIED is what a
 * caller without a bus of its own passes.
 */
typedef struct MemTxAttrs {
    uint16_t requester_id; /* bus id of the initiator (PCI style), 0: none */
    bool unspecified;      /* no attribute below was chosen by the initiator */
    bool secure;
    bool user;   /* unprivileged CPU mode */
    bool memory; /* RAM only: anything else answers MEMTX_ACCESS_ERROR */
    bool debug;  /* the debugger's: may write ROM, never causes side effects by itself */
} MemTxAttrs;

#define MEMTXATTRS_UNSPECIFIED ((MemTxAttrs){.unspecified = true})
#define MEMTXATTRS_DEBUG ((MemTxAttrs){.debug = true})

/*
 * Result of an access: a set of bits, OR-ed over its pieces. 0 is success.
 */
typedef uint32_t MemTxResult;
#define MEMTX_OK 0U
#define MEMTX_ERROR (1U << 0)        /* the device failed */
#define MEMTX_DECODE_ERROR (1U << 1) /* nothing there, or it does not take such an access */
#define MEMTX_ACCESS_ERROR (1U << 2) /* something there, but it must not be reached this way */

/*
 * The last byte of a range of `size` bytes from `first`, cut at 2^64-1.
 * @size  1..UINT64_MAX; UINT64_MAX means 2^64.
 */
static inline hwaddr range_last(hwaddr first, uint64_t size)
{
    hwaddr last;

    if (size == UINT64_MAX || __builtin_add_overflow(first, size - 1, &last)) {
        return UINT64_MAX;
    }
    return last;
}

/* Bytes in [first, last]; UINT64_MAX for all 2^64 (and for 2^64-1, which cannot be told apart). */
static inline uint64_t range_size(hwaddr first, hwaddr last)
{
    return last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
}

#endif
