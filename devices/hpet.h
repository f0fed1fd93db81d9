/*
 * hpet.h - high precision event timers: a 64-bit counter of 100 MHz and three comparators.
 *
 * Nothing is ticked: the counter is computed from the clock, and comparators are brought up to now
 * whenever somebody looks. A comparator is met when the counter arrives at its value: a value that
 * the counter has passed, or stands at, is met when the counter comes round again. Each timer is
 * 64 bits wide, can be periodic, and can be made to have 32 bits; the counter always has 64.
 *
 * Periodic: the comparator grows by the value last written to it (the period) each time it is met.
 * A write with Tn_VAL_SET_CNF sets comparator and period and clears that bit; one without sets the
 * period alone. Four-byte writes act on their half, so a 64-bit value takes the bit twice.
 *
 * Interrupts: edge-triggered ones are a pulse; level-triggered ones stay until their bit of the
 * status register is cleared. A periodic timer with its interrupt on wakes the host at most every
 * HPET_WAKE_NS_MIN, so that a guest cannot make it spin; the periods in between, and those that
 * passed while the host was late, give one interrupt. Without an interrupt, or with a level
 * interrupt still pending, the host is not woken at all.
 * Legacy replacement: timer 0 drives line 0, timer 1 line 8, and the config's `legacy` is told, who
 * cuts off the 8254 and the real-time clock. Else a timer drives the line of its Tn_INT_ROUTE_CNF;
 * a value that Tn_INT_ROUTE_CAP does not have is not taken, and 0 after reset is no line. Timers on
 * one line are wired together. No delivery through the front-side bus.
 *
 * Accesses: 4 and 8 bytes, aligned. Registers of timers that do not exist read 0.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: Intel IA-PC HPET Specification 1.0a (2004), 2.3.
 */
#ifndef ACRE_DEVICES_HPET_H
#define ACRE_DEVICES_HPET_H

#include "devices/device.h"
#include "memory/region.h"

#define HPET_SIZE 0x400U /* bytes of its region */
#define HPET_PERIOD_NS 10U
#define HPET_NUM_TIMERS 3U
#define HPET_NUM_IRQS 24U
#define HPET_WAKE_NS_MIN 100000U /* between two wake-ups of a periodic timer */

struct hpet_config {
    struct device_clock *clock; /* required */
    /* Inputs of the I/O APIC. 0 and 8 are for legacy replacement, the others for routing. */
    struct irq_line irqs[HPET_NUM_IRQS];
    uint32_t route_cap; /* which of them every timer can be routed to: Tn_INT_ROUTE_CAP */
    /* Legacy replacement went on or off: who else drives lines 0 and 8 is cut off. May be NULL. */
    void (*legacy)(void *opaque, bool on);
    void *opaque; /* for legacy */
};

struct hpet_timer {
    struct device_timer timer;
    struct hpet *hpet;
    uint64_t config;     /* what software can write of Tn_CONF */
    uint64_t comparator; /* met next, as of the counter's last look */
    uint64_t period;
    uint64_t seen;        /* matches up to this counter value are dealt with */
    uint64_t wake_ns_min; /* no periodic wake-up before */
};

struct hpet {
    MemoryRegion mr; /* HPET_SIZE bytes: 0xfed00000 */
    MemoryOwner owner;

    /* private */
    struct hpet_config config;
    struct hpet_timer timers[HPET_NUM_TIMERS];
    uint64_t tick;    /* of the clock, when somebody last looked */
    uint64_t counter; /* halted: its value; running: less the clock's ticks, modulo 2^64 */
    uint32_t general_config, status;
    uint32_t lines; /* those that are high */
};

/*
 * Returns: 0; -EINVAL no clock, or route_cap has lines that are not there; -ENOMEM. Nothing to undo
 * then.
 */
int hpet_init(struct hpet *hpet, struct memory_core *core, const struct hpet_config *config)
    __attribute__((warn_unused_result));
void hpet_reset(struct hpet *hpet);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void hpet_finish(struct hpet *hpet);

#endif
