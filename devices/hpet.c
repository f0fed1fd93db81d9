/*
 * Whoever touches a timer first deals with the matches up to now (follow), then acts, then sets the
 * timer's wake-up for the next match that anybody could notice (schedule). All arithmetic on
 * counter values is modulo the timer's width, so a guest may write the counter as it likes.
 */
#include "devices/hpet.h"

#include <errno.h>

enum {
    REG_CAP_ID = 0x000,
    REG_GENERAL_CONFIG = 0x010,
    REG_STATUS = 0x020,
    REG_COUNTER = 0x0f0,
    REG_TIMERS = 0x100,
    TIMER_STRIDE = 0x20,
    REG_TIMER_CONFIG = 0x00, /* from the timer's first register */
    REG_TIMER_COMPARATOR = 0x08,

    CAP_REV_ID = 0x01,
    CAP_NUM_TIM = (HPET_NUM_TIMERS - 1) << 8,
    CAP_COUNT_SIZE = 1 << 13,
    CAP_LEG_RT = 1 << 15,
    CAP_VENDOR_ID = 0x8086,

    ENABLE_CNF = 1 << 0,
    LEG_RT_CNF = 1 << 1,

    INT_TYPE_LEVEL = 1 << 1,
    INT_ENB = 1 << 2,
    TYPE_PERIODIC = 1 << 3,
    PER_INT_CAP = 1 << 4,
    SIZE_CAP = 1 << 5,
    VAL_SET = 1 << 6,
    MODE_32 = 1 << 8,
    INT_ROUTE_SHIFT = 9,
    INT_ROUTE = 31 << INT_ROUTE_SHIFT,
    CONFIG_WRITABLE = INT_TYPE_LEVEL | INT_ENB | TYPE_PERIODIC | VAL_SET | MODE_32 | INT_ROUTE,

    LEGACY_LINE_TIMER0 = 0,
    LEGACY_LINE_TIMER1 = 8,
    NO_LINE = -1,
};
#define FS_PER_NS UINT64_C(1000000)
#define CAP_ID                                                                                     \
    (HPET_PERIOD_NS * FS_PER_NS << 32 | (uint64_t)CAP_VENDOR_ID << 16 | CAP_LEG_RT |               \
     CAP_COUNT_SIZE | CAP_NUM_TIM | CAP_REV_ID)

/* Time passes here and nowhere else: all that an access or a timer does is done at one moment. */
static void look(struct hpet *hpet)
{
    hpet->tick = device_clock_now(hpet->config.clock) / HPET_PERIOD_NS;
}

static bool counting(const struct hpet *hpet)
{
    return hpet->general_config & ENABLE_CNF;
}

static uint64_t counter_now(const struct hpet *hpet)
{
    return counting(hpet) ? hpet->counter + hpet->tick : hpet->counter;
}

static uint64_t width_mask(const struct hpet_timer *t)
{
    return t->config & MODE_32 ? UINT32_MAX : UINT64_MAX;
}

static unsigned number(const struct hpet_timer *t)
{
    return (unsigned)(t - t->hpet->timers);
}

/* The line that a timer drives, or NO_LINE. */
static int line_of(const struct hpet_timer *t)
{
    unsigned route = (unsigned)(t->config & INT_ROUTE) >> INT_ROUTE_SHIFT;

    if (t->hpet->general_config & LEG_RT_CNF && number(t) <= 1) {
        return number(t) == 0 ? LEGACY_LINE_TIMER0 : LEGACY_LINE_TIMER1;
    }
    return t->hpet->config.route_cap >> route & 1 ? (int)route : NO_LINE;
}

/* Brings the lines to what level-triggered timers ask for. */
static void update_lines(struct hpet *hpet)
{
    uint32_t wanted = 0, changed;

    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        const struct hpet_timer *t = &hpet->timers[i];
        int line = line_of(t);
        bool level = counting(hpet) && t->config & INT_ENB && t->config & INT_TYPE_LEVEL &&
                     hpet->status >> i & 1;

        wanted |= level && line != NO_LINE ? UINT32_C(1) << line : 0;
    }
    changed = wanted ^ hpet->lines;
    hpet->lines = wanted;
    for (unsigned i = 0; i < HPET_NUM_IRQS; i++) {
        if (changed >> i & 1) {
            irq_line_set(&hpet->config.irqs[i], wanted >> i & 1);
        }
    }
}

/* One match, or several at once. Context: lines are up to date; the caller updates them after. */
static void match(struct hpet_timer *t)
{
    struct hpet *hpet = t->hpet;
    int line = line_of(t);

    if (t->config & INT_TYPE_LEVEL) {
        hpet->status |= UINT32_C(1) << number(t);
    } else if (t->config & INT_ENB && line != NO_LINE && !(hpet->lines >> line & 1)) {
        irq_line_set(&hpet->config.irqs[line], true);
        irq_line_set(&hpet->config.irqs[line], false);
    }
}

/* Ticks after `from` until the comparator is met next, less one, so that a full turn fits. */
static uint64_t distance_less_1(const struct hpet_timer *t, uint64_t from)
{
    return (t->comparator - from - 1) & width_mask(t);
}

static void follow_timer(struct hpet_timer *t, uint64_t counter)
{
    uint64_t elapsed = counter - t->seen, before = distance_less_1(t, t->seen);

    t->seen = counter;
    if (elapsed <= before) {
        return;
    }
    if (t->config & TYPE_PERIODIC && t->period != 0) {
        uint64_t periods = (elapsed - before - 1) / t->period + 1;

        t->comparator = (t->comparator + periods * t->period) & width_mask(t);
    }
    match(t);
}

/* Deals with every match up to now. Returns: the counter. */
static uint64_t follow(struct hpet *hpet)
{
    uint64_t counter;

    look(hpet);
    counter = counter_now(hpet);
    if (counting(hpet)) {
        for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
            follow_timer(&hpet->timers[i], counter);
        }
        update_lines(hpet);
    }
    return counter;
}

/* Would the next match change anything that can be noticed without looking? */
static bool is_awaited(const struct hpet_timer *t)
{
    bool pending = t->config & INT_TYPE_LEVEL && t->hpet->status >> number(t) & 1;

    return counting(t->hpet) && t->config & INT_ENB && line_of(t) != NO_LINE && !pending;
}

static void schedule_timer(struct hpet_timer *t)
{
    const struct hpet *hpet = t->hpet;
    struct device_clock *clock = hpet->config.clock;
    uint64_t at;

    if (!is_awaited(t) ||
        __builtin_add_overflow(hpet->tick + 1, distance_less_1(t, counter_now(hpet)), &at) ||
        __builtin_mul_overflow(at, HPET_PERIOD_NS, &at)) {
        clock->disarm(clock, &t->timer); /* the last two: in five hundred years */
        return;
    }
    if (t->config & TYPE_PERIODIC && at < t->wake_ns_min) {
        at = t->wake_ns_min;
    }
    clock->arm(clock, &t->timer, at);
}

static void schedule(struct hpet *hpet)
{
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        schedule_timer(&hpet->timers[i]);
    }
}

static void timer_expired(void *opaque)
{
    struct hpet_timer *t = opaque;

    (void)follow(t->hpet);
    t->wake_ns_min = t->hpet->tick * HPET_PERIOD_NS + HPET_WAKE_NS_MIN;
    schedule(t->hpet);
}

static void set_legacy(struct hpet *hpet, bool on)
{
    if (hpet->config.legacy) {
        hpet->config.legacy(hpet->config.opaque, on);
    }
}

static void write_general_config(struct hpet *hpet, uint32_t value, uint64_t counter)
{
    uint32_t before = hpet->general_config;

    hpet->general_config = value & (ENABLE_CNF | LEG_RT_CNF);
    hpet->counter = counting(hpet) ? counter - hpet->tick : counter;
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        hpet->timers[i].seen = counter;
    }
    if ((before ^ hpet->general_config) & LEG_RT_CNF) {
        set_legacy(hpet, value & LEG_RT_CNF);
    }
}

static void write_counter(struct hpet *hpet, uint64_t value)
{
    hpet->counter = counting(hpet) ? value - hpet->tick : value;
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        hpet->timers[i].seen = value;
    }
}

static void write_timer_config(struct hpet_timer *t, uint64_t value)
{
    unsigned route = (unsigned)(value & INT_ROUTE) >> INT_ROUTE_SHIFT;

    if (route != 0 && !(t->hpet->config.route_cap >> route & 1)) {
        value = (value & ~(uint64_t)INT_ROUTE) | (t->config & INT_ROUTE);
    }
    if (!(value & TYPE_PERIODIC)) {
        value &= ~(uint64_t)VAL_SET;
    }
    t->config = value & CONFIG_WRITABLE;
    t->comparator &= width_mask(t);
    t->period &= width_mask(t);
}

/* @mask  the bits that the access has. */
static void write_comparator(struct hpet_timer *t, uint64_t value, uint64_t mask)
{
    mask &= width_mask(t);
    if (!(t->config & TYPE_PERIODIC) || t->config & VAL_SET) {
        t->comparator = (t->comparator & ~mask) | (value & mask);
    }
    t->period = (t->period & ~mask) | (value & mask);
    t->config &= ~(uint64_t)VAL_SET;
}

static uint64_t read_timer(const struct hpet *hpet, hwaddr addr)
{
    unsigned num = (unsigned)(addr - REG_TIMERS) / TIMER_STRIDE;
    const struct hpet_timer *t;

    if (num >= HPET_NUM_TIMERS) {
        return 0;
    }
    t = &hpet->timers[num];
    switch (addr % TIMER_STRIDE) {
    case REG_TIMER_CONFIG:
        return (uint64_t)hpet->config.route_cap << 32 | t->config | PER_INT_CAP | SIZE_CAP;
    case REG_TIMER_COMPARATOR:
        return t->comparator;
    default: /* no FSB interrupt route */
        return 0;
    }
}

/* A whole register. @addr  a multiple of 8. */
static uint64_t read_register(const struct hpet *hpet, hwaddr addr, uint64_t counter)
{
    switch (addr) {
    case REG_CAP_ID:
        return CAP_ID;
    case REG_GENERAL_CONFIG:
        return hpet->general_config;
    case REG_STATUS:
        return hpet->status;
    case REG_COUNTER:
        return counter;
    default:
        return addr >= REG_TIMERS ? read_timer(hpet, addr) : 0;
    }
}

static void write_timer(struct hpet *hpet, hwaddr addr, uint64_t value, uint64_t mask)
{
    unsigned num = (unsigned)(addr - REG_TIMERS) / TIMER_STRIDE;
    struct hpet_timer *t;

    if (num >= HPET_NUM_TIMERS) {
        return;
    }
    t = &hpet->timers[num];
    if (addr % TIMER_STRIDE == REG_TIMER_CONFIG) {
        write_timer_config(t, (t->config & ~mask) | (value & mask));
    } else if (addr % TIMER_STRIDE == REG_TIMER_COMPARATOR) {
        write_comparator(t, value, mask);
    }
}

/* @mask  which bits of the register `value` has. */
static void write_register(struct hpet *hpet, hwaddr addr, uint64_t value, uint64_t mask,
                           uint64_t counter)
{
    switch (addr) {
    case REG_GENERAL_CONFIG:
        if (mask & UINT32_MAX) {
            write_general_config(hpet, (uint32_t)value, counter);
        }
        break;
    case REG_STATUS:
        hpet->status &= (uint32_t) ~(value & mask);
        break;
    case REG_COUNTER:
        write_counter(hpet, (counter & ~mask) | (value & mask));
        break;
    default:
        if (addr >= REG_TIMERS) {
            write_timer(hpet, addr, value, mask);
        }
        break;
    }
}

static uint64_t hpet_read(void *opaque, hwaddr addr, unsigned size)
{
    struct hpet *hpet = opaque;
    uint64_t value = read_register(hpet, addr & ~(hwaddr)7, follow(hpet));

    return size == 8 ? value : value >> 8 * (addr & 4) & UINT32_MAX;
}

static void hpet_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct hpet *hpet = opaque;
    uint64_t counter = follow(hpet);
    unsigned shift = 8 * (unsigned)(addr & 4);
    uint64_t mask = size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift;

    write_register(hpet, addr & ~(hwaddr)7, data << shift, mask, counter);
    update_lines(hpet);
    schedule(hpet);
}

static const MemoryRegionOps hpet_ops = {
    .read = hpet_read,
    .write = hpet_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 8},
    .impl = {.min_access_size = 4, .max_access_size = 8},
};

int hpet_init(struct hpet *hpet, struct memory_core *core, const struct hpet_config *config)
{
    int ret;

    if (!config->clock || config->route_cap >> HPET_NUM_IRQS != 0) {
        return -EINVAL;
    }
    *hpet = (struct hpet){.config = *config};
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        hpet->timers[i] = (struct hpet_timer){
            .timer = {.expired = timer_expired, .opaque = &hpet->timers[i], .owner = &hpet->owner},
            .hpet = hpet,
            .comparator = UINT64_MAX,
        };
    }
    memory_owner_init(&hpet->owner, "hpet");
    ret = memory_region_init_io(&hpet->mr, core, &hpet->owner, &hpet_ops, hpet, "hpet", HPET_SIZE);
    if (ret < 0) {
        memory_owner_finish(&hpet->owner);
        *hpet = (struct hpet){0};
    }
    return ret;
}

void hpet_reset(struct hpet *hpet)
{
    if (hpet->general_config & LEG_RT_CNF) {
        set_legacy(hpet, false);
    }
    hpet->general_config = 0;
    hpet->status = 0;
    hpet->counter = 0;
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        struct hpet_timer *t = &hpet->timers[i];

        t->config = t->period = t->seen = t->wake_ns_min = 0;
        t->comparator = UINT64_MAX;
    }
    update_lines(hpet);
    schedule(hpet);
}

void hpet_finish(struct hpet *hpet)
{
    struct device_clock *clock = hpet->config.clock;

    if (!clock) {
        return;
    }
    for (unsigned i = 0; i < HPET_NUM_TIMERS; i++) {
        clock->disarm(clock, &hpet->timers[i].timer);
    }
    memory_region_unref(&hpet->mr);
    memory_owner_finish(&hpet->owner);
}
