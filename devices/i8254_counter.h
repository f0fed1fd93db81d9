/*
 * i8254_counter.h - one counter of an 8254, computed from the number of clock pulses so far.
 *
 * Nothing is done per pulse: a counter is what it was loaded with, when, and whether it has stood
 * still since. `tick` is the number of clock pulses since power-on; every call's must be at least
 * that of the call before. An action between pulse t and t+1 happens at tick t; what the data sheet
 * does "on the next CLK pulse" happens at t+1. All in O(1).
 *
 * Context: under the lock of the device that has it.
 * Source: Intel 8254 data sheet 231164-005, "Mode Definitions", figures 15-22.
 */
#ifndef ACRE_DEVICES_I8254_COUNTER_H
#define ACRE_DEVICES_I8254_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define I8254_TICK_NEVER UINT64_MAX

/*
 * The life of a count: written to the count register, loaded into the counting element at
 * `load_tick` (at the next pulse, on a trigger, or at the end of the cycle, as the mode says), then
 * counted down from `origin` on.
 */
struct i8254_counter {
    /* all private */
    uint8_t control;     /* low six bits of the control word: RW1-0, M2-0, BCD */
    bool gate;           /* level */
    bool written;        /* the count register was written since the control word */
    bool loaded;         /* and went to the counting element */
    bool stopped;        /* not counting: `elapsed` stands */
    bool origin_high;    /* mode 3: OUT at origin */
    bool load_pending;   /* there is a load_tick */
    bool load_in_cycle;  /* it is the natural end of a cycle or half cycle */
    bool null_count;     /* status bit 6: the count register was not loaded yet */
    bool write_msb_next; /* of a two-byte count */
    bool read_msb_next;  /* of an unlatched two-byte read */
    bool status_latched;
    uint8_t latch_num; /* bytes of `latch` still to be read */
    uint8_t write_lsb;
    uint8_t status;
    uint16_t latch;
    uint16_t count_register;
    uint32_t count;       /* in the counting element at `origin`, ticks, 1..65536 */
    uint64_t origin;      /* valid while not stopped */
    uint64_t elapsed;     /* ticks counted; valid while stopped */
    uint64_t load_tick;   /* valid while load_pending */
    uint64_t strobe_tick; /* modes 4 and 5: the pulse after which OUT is low */
};

/* No control word written: OUT low, nothing counts. */
void i8254_counter_reset(struct i8254_counter *c, bool gate);
/* @control  bits 5-0 of a control word whose RW bits are not 00. */
void i8254_counter_write_control(struct i8254_counter *c, uint8_t control, uint64_t tick);
/* A byte to, and from, the counter's own port. */
void i8254_counter_write(struct i8254_counter *c, uint8_t value, uint64_t tick);
uint8_t i8254_counter_read(struct i8254_counter *c, uint64_t tick);
/* The latch and read-back commands; what is latched already stays. */
void i8254_counter_latch_count(struct i8254_counter *c, uint64_t tick);
void i8254_counter_latch_status(struct i8254_counter *c, uint64_t tick);
void i8254_counter_set_gate(struct i8254_counter *c, bool level, uint64_t tick);

bool i8254_counter_out(struct i8254_counter *c, uint64_t tick);
/* Did OUT rise at any tick of (from, tick]? @from  not before the latest other call's tick. */
bool i8254_counter_rose(struct i8254_counter *c, uint64_t from, uint64_t tick);
/*
 * When to look at OUT next, after `tick` and, in modes 2 and 3, not before `not_before`: where it
 * rises, in mode 3 also where it falls, or where a count is loaded.
 * Returns: I8254_TICK_NEVER when OUT stays as it is.
 */
uint64_t i8254_counter_next_event(struct i8254_counter *c, uint64_t tick, uint64_t not_before);
/* Modes 2 and 3: OUT changes for ever. */
bool i8254_counter_is_periodic(const struct i8254_counter *c);

#endif
