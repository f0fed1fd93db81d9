/*
 * Ports and time for three counters (i8254_counter.c has the modes). Whoever touches counter 0
 * first brings the irq line up to now (follow_out), then acts, then sets the timer for OUT's next
 * change (schedule). Ticks and nanoseconds are converted from power-on each time, never summed.
 */
#include "devices/i8254.h"

#include <errno.h>

enum {
    PORT_CONTROL = 3,

    CONTROL_SELECT_SHIFT = 6,
    CONTROL_READ_BACK = 3,
    CONTROL_RW = 0x30, /* 0: latch command */
    READ_BACK_NO_COUNT = 0x20,
    READ_BACK_NO_STATUS = 0x10,

    PORT61_GATE2 = 0x01,
    PORT61_WRITABLE = 0x0f,
    PORT61_REFRESH = 0x10,
    PORT61_OUT2 = 0x20,

    REFRESH_TICKS = 18,
    NS_PER_SECOND = 1000000000,
};

static uint64_t tick_at(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * I8254_CLOCK_HZ / NS_PER_SECOND);
}

/* The first nanosecond of a tick. */
static uint64_t ns_of(uint64_t tick)
{
    return (uint64_t)(((unsigned __int128)tick * NS_PER_SECOND + I8254_CLOCK_HZ - 1) /
                      I8254_CLOCK_HZ);
}

static uint64_t tick_now(struct i8254 *pit)
{
    return tick_at(device_clock_now(pit->config.clock));
}

static void set_irq(struct i8254 *pit, bool level)
{
    if (level != pit->irq_level) {
        pit->irq_level = level;
        irq_line_set(&pit->config.irq, level);
    }
}

/* Brings the irq line to counter 0's OUT; a rise since the last time is seen as an edge. */
static void follow_out(struct i8254 *pit, uint64_t tick)
{
    struct i8254_counter *c = &pit->counters[0];

    if (i8254_counter_rose(c, pit->irq_tick, tick)) {
        set_irq(pit, false);
        set_irq(pit, true);
    }
    set_irq(pit, i8254_counter_out(c, tick));
    pit->irq_tick = tick;
}

static void schedule(struct i8254 *pit, uint64_t tick)
{
    struct device_clock *clock = pit->config.clock;
    uint64_t not_before = pit->wake_ns_min ? tick_at(pit->wake_ns_min - 1) + 1 : 0;
    uint64_t event = i8254_counter_next_event(&pit->counters[0], tick, not_before);

    if (event == I8254_TICK_NEVER) {
        clock->disarm(clock, &pit->timer);
    } else {
        clock->arm(clock, &pit->timer, ns_of(event));
    }
}

static void timer_expired(void *opaque)
{
    struct i8254 *pit = opaque;
    uint64_t now = device_clock_now(pit->config.clock), tick = tick_at(now);

    follow_out(pit, tick);
    if (i8254_counter_is_periodic(&pit->counters[0])) {
        pit->wake_ns_min = now + I8254_WAKE_NS_MIN;
    }
    schedule(pit, tick);
}

static void read_back(struct i8254 *pit, uint8_t command, uint64_t tick)
{
    for (unsigned i = 0; i < I8254_NUM_COUNTERS; i++) {
        if (!(command & 2U << i)) {
            continue;
        }
        if (!(command & READ_BACK_NO_COUNT)) {
            i8254_counter_latch_count(&pit->counters[i], tick);
        }
        if (!(command & READ_BACK_NO_STATUS)) {
            i8254_counter_latch_status(&pit->counters[i], tick);
        }
    }
}

static void write_control(struct i8254 *pit, uint8_t control, uint64_t tick)
{
    unsigned select = control >> CONTROL_SELECT_SHIFT;

    if (select == CONTROL_READ_BACK) {
        read_back(pit, control, tick);
    } else if (!(control & CONTROL_RW)) {
        i8254_counter_latch_count(&pit->counters[select], tick);
    } else {
        i8254_counter_write_control(&pit->counters[select], control, tick);
    }
}

static uint64_t ports_read(void *opaque, hwaddr addr, unsigned size)
{
    struct i8254 *pit = opaque;
    uint64_t tick = tick_now(pit);

    (void)size;
    if (addr == PORT_CONTROL) {
        return 0xff; /* nobody drives the bus */
    }
    follow_out(pit, tick);
    return i8254_counter_read(&pit->counters[addr], tick);
}

static void ports_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct i8254 *pit = opaque;
    uint64_t tick = tick_now(pit);
    uint8_t value = (uint8_t)data;

    (void)size;
    follow_out(pit, tick);
    if (addr == PORT_CONTROL) {
        write_control(pit, value, tick);
    } else {
        i8254_counter_write(&pit->counters[addr], value, tick);
    }
    follow_out(pit, tick);
    schedule(pit, tick);
}

static uint64_t port61_read(void *opaque, hwaddr addr, unsigned size)
{
    struct i8254 *pit = opaque;
    uint64_t tick = tick_now(pit);
    uint64_t value = pit->port61;

    (void)addr;
    (void)size;
    value |= tick / REFRESH_TICKS % 2 ? PORT61_REFRESH : 0;
    value |= i8254_counter_out(&pit->counters[2], tick) ? PORT61_OUT2 : 0;
    return value;
}

static void port61_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct i8254 *pit = opaque;

    (void)addr;
    (void)size;
    pit->port61 = data & PORT61_WRITABLE;
    i8254_set_gate(pit, 2, data & PORT61_GATE2);
}

static const MemoryRegionOps ports_ops = {
    .read = ports_read,
    .write = ports_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

static const MemoryRegionOps port61_ops = {
    .read = port61_read,
    .write = port61_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 1},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

int i8254_init(struct i8254 *pit, struct memory_core *core, const struct i8254_config *config)
{
    int ret;

    if (!config->clock) {
        return -EINVAL;
    }
    *pit = (struct i8254){.config = *config};
    pit->timer = (struct device_timer){
        .expired = timer_expired,
        .opaque = pit,
        .owner = &pit->owner,
    };
    memory_owner_init(&pit->owner, "pit");
    ret =
        memory_region_init_io(&pit->mr, core, &pit->owner, &ports_ops, pit, "pit", I8254_NUM_PORTS);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&pit->mr_port61, core, &pit->owner, &port61_ops, pit, "port61", 1);
    if (ret < 0) {
        goto region;
    }
    i8254_reset(pit);
    return 0;

region:
    memory_region_unref(&pit->mr);
owner:
    memory_owner_finish(&pit->owner);
    return ret;
}

void i8254_reset(struct i8254 *pit)
{
    uint64_t tick = tick_now(pit);

    for (unsigned i = 0; i < I8254_NUM_COUNTERS; i++) {
        i8254_counter_reset(&pit->counters[i], i != 2);
    }
    pit->port61 = 0;
    pit->irq_tick = tick;
    pit->wake_ns_min = 0;
    set_irq(pit, false);
    schedule(pit, tick);
}

void i8254_finish(struct i8254 *pit)
{
    if (!pit->config.clock) {
        return;
    }
    pit->config.clock->disarm(pit->config.clock, &pit->timer);
    memory_region_unref(&pit->mr_port61);
    memory_region_unref(&pit->mr);
    memory_owner_finish(&pit->owner);
}

bool i8254_out(struct i8254 *pit, unsigned counter)
{
    uint64_t tick = tick_now(pit);

    follow_out(pit, tick);
    return i8254_counter_out(&pit->counters[counter], tick);
}

void i8254_set_gate(struct i8254 *pit, unsigned counter, bool level)
{
    uint64_t tick = tick_now(pit);

    follow_out(pit, tick);
    i8254_counter_set_gate(&pit->counters[counter], level, tick);
    follow_out(pit, tick);
    schedule(pit, tick);
}
