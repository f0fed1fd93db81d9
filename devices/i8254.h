/*
 * i8254.h - the PC's interval timer: an 8254 (ports 0x40-0x43) and its half of port 0x61.
 *
 * The counters are not ticked: their state is computed from the clock whenever somebody looks, in
 * O(1). Tick t is the clock's time ceil(t * 10^9 / 1193182) ns since power-on, so nothing
 * accumulates and no rounding drifts.
 *
 * Counter 0 drives the irq line through one timer, set for OUT's next change. An irq line follows
 * OUT with two exceptions, both so that a guest cannot make the host spin:
 *  - the low pulse of one tick in modes 2, 4 and 5 is given as low-then-high at its end;
 *  - in modes 2 and 3 the timer fires at most every I8254_WAKE_NS_MIN; the periods in between, and
 *    those that passed while the host was late, are given as one pulse. The next one is again on
 *    the grid that the start of counting laid down.
 * Counters 0 and 1 have their gates high; counter 2's gate is bit 0 of port 0x61.
 *
 * Port 0x61: bits 0 (gate 2), 1 (speaker), 2 and 3 read back as written; bit 4 toggles with each
 * memory refresh (18 ticks, 15.09 us), bit 5 is counter 2's OUT, bits 6 and 7 are 0. No sound.
 *
 * Choices where the data sheet leaves one: after power-on no counter counts and OUT is low; a count
 * of 1 in modes 2 and 3 (not allowed) counts as 2; BCD digits above 9 count with their weight; port
 * 0x43 reads 0xff.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: Intel 8254 data sheet 231164-005, "Programming the 8254" and "Mode Definitions" (figures
 * 15-22); port 0x61: Intel 82371AB (PIIX4) data sheet 290562-001, NMISC.
 */
#ifndef ACRE_DEVICES_I8254_H
#define ACRE_DEVICES_I8254_H

#include "devices/device.h"
#include "devices/i8254_counter.h"
#include "memory/region.h"

#define I8254_CLOCK_HZ 1193182U
#define I8254_NUM_COUNTERS 3U
#define I8254_NUM_PORTS 4U        /* bytes of its region */
#define I8254_WAKE_NS_MIN 100000U /* between two wake-ups of a periodic mode */

struct i8254_config {
    struct irq_line irq;        /* counter 0's OUT: IRQ 0 */
    struct device_clock *clock; /* required */
};

struct i8254 {
    MemoryRegion mr;        /* I8254_NUM_PORTS bytes: 0x40 */
    MemoryRegion mr_port61; /* 1 byte: 0x61 */
    MemoryOwner owner;

    /* private */
    struct i8254_config config;
    struct device_timer timer;
    struct i8254_counter counters[I8254_NUM_COUNTERS];
    uint64_t irq_tick;    /* the irq line followed counter 0 up to here */
    uint64_t wake_ns_min; /* no periodic wake-up before */
    bool irq_level;
    uint8_t port61; /* bits 0-3 */
};

/* Returns: 0; -EINVAL no clock; -ENOMEM. A failed init leaves nothing to undo. */
int i8254_init(struct i8254 *pit, struct memory_core *core, const struct i8254_config *config)
    __attribute__((warn_unused_result));
void i8254_reset(struct i8254 *pit);
/*
 * Drops the regions' first references; their storage must live until memory_core_finish(). They
 * are unmounted and nobody is inside. Accepts a zeroed device.
 */
void i8254_finish(struct i8254 *pit);

/* The level of a counter's OUT now. @counter 0..2. */
bool i8254_out(struct i8254 *pit, unsigned counter);
/* Sets a counter's GATE input (port 0x61 does it for counter 2). @counter 0..2. */
void i8254_set_gate(struct i8254 *pit, unsigned counter, bool level);

#endif
