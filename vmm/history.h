/*
 * history.h - what a vCPU came out of the guest for last: a ring of its latest exits, and of what
 * was read and written in them. Always on, so that a crash or a hang can be told from its results
 * alone.
 *
 * struct history belongs to its vCPU's thread: no lock, no atomics. Others read it once that thread
 * stands still (joined, paused, or in a posted function). Accesses that KVM handles itself or
 * collects (irqchip, ioeventfds, coalesced zones) are no exits and are not here. Reading it:
 * history_report.h.
 *
 * Cost of an exit: one cache line written, and the TSC read; some 20 ns of an exit's 1.5 to 9 us.
 * Source: api.rst 5 "The kvm_run structure".
 */
#ifndef ACRE_VMM_HISTORY_H
#define ACRE_VMM_HISTORY_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <x86intrin.h>

enum { HISTORY_LEN = 32 /* a power of two */ };

struct history_exit {
    uint64_t stamp;  /* the host's TSC when the vCPU came out: the order among vCPUs */
    uint64_t addr;   /* port or guest-physical address; 0 unless an access */
    uint64_t value;  /* the (first) item, little-endian: what was written, or the answer */
    uint32_t reason; /* KVM_EXIT_* */
    uint32_t count;  /* items: string I/O has several at one port; 0 unless an access */
    uint8_t size;    /* bytes of an item, 1..8; 0 unless an access */
    bool write;
    bool done; /* it was served; false: the vCPU was in there at the end (of the run, of a look) */
};

struct history {
    uint64_t num; /* exits ever; the latest is exits[(num - 1) % HISTORY_LEN] */
    struct history_exit exits[HISTORY_LEN];
};

/* Where the data of a port or MMIO exit lies. */
static inline const void *history_data(const struct kvm_run *run)
{
    return run->exit_reason == KVM_EXIT_IO ? (const uint8_t *)run + run->io.data_offset
                                           : run->mmio.data;
}

/*
 * KVM_RUN returned 0: notes the exit, before it is served.
 * Returns: the entry, for history_done(). Context: the vCPU's thread.
 */
static inline struct history_exit *history_begin(struct history *history, const struct kvm_run *run)
{
    struct history_exit *exit = &history->exits[history->num++ % HISTORY_LEN];

    *exit = (struct history_exit){.stamp = __rdtsc(), .reason = run->exit_reason};
    if (run->exit_reason == KVM_EXIT_IO) {
        exit->addr = run->io.port;
        exit->count = run->io.count;
        exit->size = run->io.size;
        exit->write = run->io.direction == KVM_EXIT_IO_OUT;
    } else if (run->exit_reason == KVM_EXIT_MMIO) {
        exit->addr = run->mmio.phys_addr;
        exit->count = 1;
        exit->size = run->mmio.len <= sizeof(exit->value) ? (uint8_t)run->mmio.len : 0;
        exit->write = run->mmio.is_write != 0;
    }
    if (exit->write) {
        memcpy(&exit->value, history_data(run), exit->size);
    }
    return exit;
}

/* The exit was served: notes the answer to a read. Context: the vCPU's thread. */
static inline void history_done(struct history_exit *exit, const struct kvm_run *run)
{
    if (exit->size > 0 && !exit->write) {
        memcpy(&exit->value, history_data(run), exit->size);
    }
    exit->done = true;
}

#endif
