/*
 * A counter's state holds from `origin` until the next load; value() and output() are functions of
 * that state and a tick. Every entry point first applies a load that has come due (advance), then
 * acts. Stopping saves the ticks counted so far, going on moves the origin.
 */
#include "devices/i8254_counter.h"

enum {
    CONTROL_BCD = 0x01,
    CONTROL_MODE_SHIFT = 1,
    CONTROL_RW_SHIFT = 4,
    CONTROL_STORED = 0x3f,

    RW_LSB = 1,
    RW_MSB = 2,
    RW_BOTH = 3,

    STATUS_NULL_COUNT = 0x40,
    STATUS_OUT = 0x80,

    MODE_INTERRUPT = 0, /* interrupt on terminal count */
    MODE_ONE_SHOT = 1,  /* hardware retriggerable one-shot */
    MODE_RATE = 2,      /* rate generator */
    MODE_SQUARE = 3,    /* square wave */
    MODE_SW_STROBE = 4, /* software triggered strobe */
    MODE_HW_STROBE = 5, /* hardware triggered strobe */
};

/* Where a tick lies in mode 3's present half cycle. */
struct half_cycle {
    bool high;
    uint64_t done; /* ticks since its start */
    uint64_t left; /* ticks to its end, 1.. */
};

static unsigned mode_of(const struct i8254_counter *c)
{
    unsigned mode = (c->control >> CONTROL_MODE_SHIFT) & 7;

    return mode > 5 ? mode - 4 : mode; /* M2 does not matter in modes 2 and 3 */
}

static unsigned rw_of(const struct i8254_counter *c)
{
    return (c->control >> CONTROL_RW_SHIFT) & 3;
}

static bool is_triggered(unsigned mode)
{
    return mode == MODE_ONE_SHOT || mode == MODE_HW_STROBE;
}

bool i8254_counter_is_periodic(const struct i8254_counter *c)
{
    return mode_of(c) == MODE_RATE || mode_of(c) == MODE_SQUARE;
}

/* The count register in ticks: 0 is the largest count. */
static uint32_t count_in_ticks(const struct i8254_counter *c)
{
    uint32_t raw = c->count_register, count = raw;

    if (c->control & CONTROL_BCD) {
        count = (raw >> 12) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
    }
    if (count == 0) {
        return c->control & CONTROL_BCD ? 10000 : 65536;
    }
    return count == 1 && i8254_counter_is_periodic(c) ? 2 : count;
}

static uint64_t elapsed_at(const struct i8254_counter *c, uint64_t tick)
{
    return c->stopped ? c->elapsed : tick - c->origin;
}

/* An odd count is high for one tick more than it is low. */
static struct half_cycle half_cycle_at(const struct i8254_counter *c, uint64_t elapsed)
{
    uint64_t first = c->origin_high ? (c->count + 1) / 2 : c->count / 2;
    uint64_t at = elapsed % c->count;

    if (at < first) {
        return (struct half_cycle){c->origin_high, at, first - at};
    }
    return (struct half_cycle){!c->origin_high, at - first, c->count - at};
}

/* The counting element, as it is read: binary or four BCD digits. */
static uint16_t value_at(const struct i8254_counter *c, uint64_t tick)
{
    uint64_t elapsed = elapsed_at(c, tick), value;
    unsigned modulus = c->control & CONTROL_BCD ? 10000 : 65536;

    switch (mode_of(c)) {
    case MODE_RATE:
        value = c->count - elapsed % c->count;
        break;
    case MODE_SQUARE: /* counts in twos from the even number */
        value = (c->count & ~1U) - 2 * half_cycle_at(c, elapsed).done;
        break;
    default: /* goes on below 0 */
        value = c->count + modulus - elapsed % modulus;
        break;
    }
    value %= modulus;
    if (c->control & CONTROL_BCD) {
        value = value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
    }
    return (uint16_t)value;
}

static bool output_at(const struct i8254_counter *c, uint64_t tick)
{
    uint64_t elapsed = elapsed_at(c, tick);

    switch (mode_of(c)) {
    case MODE_INTERRUPT:
        return c->loaded && elapsed >= c->count;
    case MODE_ONE_SHOT:
        return !c->loaded || elapsed >= c->count;
    case MODE_RATE:
        return !c->loaded || c->stopped || elapsed % c->count != c->count - 1;
    case MODE_SQUARE:
        return !c->loaded || c->stopped || half_cycle_at(c, elapsed).high;
    default:
        return tick != c->strobe_tick;
    }
}

/* The end of the cycle (mode 2) or half cycle (mode 3) that `tick` is in. */
static uint64_t cycle_end(const struct i8254_counter *c, uint64_t tick)
{
    uint64_t elapsed = tick - c->origin;

    if (mode_of(c) == MODE_SQUARE) {
        return tick + half_cycle_at(c, elapsed).left;
    }
    return tick + c->count - elapsed % c->count;
}

/* The latest tick up to `tick` at which OUT rose by counting; 0: none since the load. */
static uint64_t latest_rise(const struct i8254_counter *c, uint64_t tick)
{
    uint64_t first, period = 0;

    if (mode_of(c) == MODE_SW_STROBE || mode_of(c) == MODE_HW_STROBE) {
        return c->strobe_tick < tick ? c->strobe_tick + 1 : 0;
    }
    if (!c->loaded || c->stopped) {
        return 0;
    }
    first = c->origin + c->count;
    if (i8254_counter_is_periodic(c)) {
        period = c->count;
        first -= mode_of(c) == MODE_SQUARE && !c->origin_high ? (c->count + 1) / 2 : 0;
    }
    if (tick < first) {
        return 0;
    }
    return period ? first + (tick - first) / period * period : first;
}

/* The next strobe, if counting gets there. */
static void set_strobe(struct i8254_counter *c)
{
    bool strobes = mode_of(c) == MODE_SW_STROBE || mode_of(c) == MODE_HW_STROBE;

    c->strobe_tick = strobes && !c->stopped ? c->origin + c->count : I8254_TICK_NEVER;
}

static void schedule_load(struct i8254_counter *c, uint64_t tick, bool in_cycle)
{
    c->load_pending = true;
    c->load_in_cycle = in_cycle;
    c->load_tick = tick;
}

static void load(struct i8254_counter *c)
{
    c->origin_high = c->load_in_cycle ? output_at(c, c->load_tick) : true;
    c->load_pending = c->load_in_cycle = false;
    c->count = count_in_ticks(c);
    c->origin = c->load_tick;
    c->elapsed = 0;
    c->stopped = !c->gate && !is_triggered(mode_of(c));
    c->loaded = true;
    c->null_count = false;
    set_strobe(c);
}

static void advance(struct i8254_counter *c, uint64_t tick)
{
    if (c->load_pending && c->load_tick <= tick) {
        load(c);
    }
}

static void stop(struct i8254_counter *c, uint64_t tick)
{
    c->elapsed = elapsed_at(c, tick);
    c->stopped = true;
}

void i8254_counter_reset(struct i8254_counter *c, bool gate)
{
    *c = (struct i8254_counter){
        .control = RW_BOTH << CONTROL_RW_SHIFT | MODE_INTERRUPT << CONTROL_MODE_SHIFT,
        .gate = gate,
        .stopped = true,
        .null_count = true,
        .count = 65536,
        .strobe_tick = I8254_TICK_NEVER,
    };
}

void i8254_counter_write_control(struct i8254_counter *c, uint8_t control, uint64_t tick)
{
    advance(c, tick);
    stop(c, tick);
    c->control = control & CONTROL_STORED;
    c->written = c->loaded = c->load_pending = false;
    c->null_count = true;
    c->write_msb_next = c->read_msb_next = c->status_latched = false;
    c->latch_num = 0;
    c->strobe_tick = I8254_TICK_NEVER;
}

/* A whole count was written: when does it get to the counting element? */
static void count_written(struct i8254_counter *c, uint64_t tick)
{
    c->written = true;
    c->null_count = true;
    switch (mode_of(c)) {
    case MODE_ONE_SHOT: /* on the next trigger */
    case MODE_HW_STROBE:
        break;
    case MODE_INTERRUPT: /* OUT goes low at once */
        stop(c, tick);
        c->loaded = false;
        schedule_load(c, tick + 1, false);
        break;
    case MODE_SW_STROBE:
        schedule_load(c, tick + 1, false);
        break;
    default:
        if (!c->loaded) {
            schedule_load(c, tick + 1, false);
        } else if (!c->stopped && !c->load_pending) {
            schedule_load(c, cycle_end(c, tick), true);
        } /* else: by a trigger, which is pending or comes with the gate */
        break;
    }
}

void i8254_counter_write(struct i8254_counter *c, uint8_t value, uint64_t tick)
{
    advance(c, tick);
    switch (rw_of(c)) {
    case RW_LSB:
        c->count_register = value;
        break;
    case RW_MSB:
        c->count_register = (uint16_t)(value << 8);
        break;
    default:
        c->write_msb_next = !c->write_msb_next;
        if (c->write_msb_next) {
            c->write_lsb = value;
            if (mode_of(c) == MODE_INTERRUPT) { /* the first byte disables counting */
                stop(c, tick);
                c->loaded = c->load_pending = false;
            }
            return;
        }
        c->count_register = (uint16_t)(value << 8 | c->write_lsb);
        break;
    }
    count_written(c, tick);
}

uint8_t i8254_counter_read(struct i8254_counter *c, uint64_t tick)
{
    uint16_t value;
    bool msb = rw_of(c) == RW_MSB;

    advance(c, tick);
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    value = c->latch_num ? c->latch : value_at(c, tick);
    if (c->latch_num) {
        msb |= rw_of(c) == RW_BOTH && c->latch_num == 1;
        c->latch_num--;
    } else if (rw_of(c) == RW_BOTH) {
        msb = c->read_msb_next;
        c->read_msb_next = !c->read_msb_next;
    }
    return (uint8_t)(msb ? value >> 8 : value);
}

void i8254_counter_latch_count(struct i8254_counter *c, uint64_t tick)
{
    advance(c, tick);
    if (!c->latch_num) {
        c->latch = value_at(c, tick);
        c->latch_num = rw_of(c) == RW_BOTH ? 2 : 1;
    }
}

void i8254_counter_latch_status(struct i8254_counter *c, uint64_t tick)
{
    advance(c, tick);
    if (!c->status_latched) {
        c->status_latched = true;
        c->status = (uint8_t)(c->control | (c->null_count ? STATUS_NULL_COUNT : 0) |
                              (output_at(c, tick) ? STATUS_OUT : 0));
    }
}

static void gate_rises(struct i8254_counter *c, uint64_t tick)
{
    if (mode_of(c) != MODE_INTERRUPT && mode_of(c) != MODE_SW_STROBE) {
        if (c->written) { /* a trigger */
            schedule_load(c, tick + 1, false);
        }
    } else if (c->loaded && c->stopped) {
        c->stopped = false;
        c->origin = tick - c->elapsed;
        if (c->elapsed < c->count) {
            set_strobe(c);
        }
    }
}

static void gate_falls(struct i8254_counter *c, uint64_t tick)
{
    if (is_triggered(mode_of(c))) {
        return;
    }
    stop(c, tick);
    if (c->load_in_cycle) {
        c->load_pending = c->load_in_cycle = false;
    }
    /* A strobe that is out already ends with its tick; one to come waits for the gate. */
    if (c->strobe_tick > tick) {
        c->strobe_tick = I8254_TICK_NEVER;
    }
}

void i8254_counter_set_gate(struct i8254_counter *c, bool level, uint64_t tick)
{
    advance(c, tick);
    if (level == c->gate) {
        return;
    }
    c->gate = level;
    if (level) {
        gate_rises(c, tick);
    } else {
        gate_falls(c, tick);
    }
}

bool i8254_counter_out(struct i8254_counter *c, uint64_t tick)
{
    advance(c, tick);
    return output_at(c, tick);
}

bool i8254_counter_rose(struct i8254_counter *c, uint64_t from, uint64_t tick)
{
    bool rose = false;

    if (c->load_pending && c->load_tick <= tick) {
        uint64_t last = c->load_tick - 1; /* of the old state */
        bool before = output_at(c, last);

        rose = latest_rise(c, last) > from;
        load(c);
        from = c->origin;
        rose |= !before && output_at(c, from);
    }
    return rose || latest_rise(c, tick) > from;
}

uint64_t i8254_counter_next_event(struct i8254_counter *c, uint64_t tick, uint64_t not_before)
{
    uint64_t from = not_before > tick ? not_before - 1 : tick;

    advance(c, tick);
    if (c->load_pending) {
        return c->load_tick;
    }
    switch (mode_of(c)) {
    case MODE_SW_STROBE:
    case MODE_HW_STROBE:
        return c->strobe_tick != I8254_TICK_NEVER && c->strobe_tick >= tick ? c->strobe_tick + 1
                                                                            : I8254_TICK_NEVER;
    case MODE_RATE:
    case MODE_SQUARE:
        return c->loaded && !c->stopped ? cycle_end(c, from) : I8254_TICK_NEVER;
    default:
        return c->loaded && !c->stopped && tick < c->origin + c->count ? c->origin + c->count
                                                                       : I8254_TICK_NEVER;
    }
}
