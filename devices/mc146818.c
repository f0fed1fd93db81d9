/*
 * The registers in `ram` are the truth, as on the chip: time is brought up to date (advance) by
 * adding the whole seconds that have passed since, on every access and timer. Flags in C are found
 * in the same step. The divider chain's phase says where seconds and periodic ticks begin.
 */
#include "devices/mc146818.h"

#include <errno.h>

enum {
    REG_SECONDS = 0x00,
    REG_SECONDS_ALARM = 0x01,
    REG_MINUTES = 0x02,
    REG_MINUTES_ALARM = 0x03,
    REG_HOURS = 0x04,
    REG_HOURS_ALARM = 0x05,
    REG_WEEKDAY = 0x06, /* 1: Sunday */
    REG_DAY = 0x07,
    REG_MONTH = 0x08,
    REG_YEAR = 0x09,
    REG_A = 0x0a,
    REG_B = 0x0b,
    REG_C = 0x0c,
    REG_D = 0x0d,

    RAM_BASE_KIB = 0x15,
    RAM_EXTENDED_KIB = 0x17,
    RAM_CHECKSUM_FIRST = 0x10,
    RAM_CHECKSUM_LAST = 0x2d,
    RAM_CHECKSUM = 0x2e, /* big-endian */
    RAM_EXTENDED_KIB_POST = 0x30,
    RAM_CENTURY = 0x32,
    RAM_ABOVE_16M = 0x34, /* in 64 KiB */
    RAM_ABOVE_4G = 0x5b,  /* in 64 KiB, three bytes */

    A_UIP = 0x80,
    A_DV = 0x70,
    A_DV_RUNNING = 0x20,
    A_RS = 0x0f,
    A_POWER_ON = 0x26, /* running, 1024 Hz */

    B_SET = 0x80,
    B_PIE = 0x40,
    B_AIE = 0x20,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    B_DM_BINARY = 0x04,
    B_24_HOURS = 0x02,

    C_IRQF = 0x80,
    C_PF = 0x40,
    C_AF = 0x20,
    C_UF = 0x10,
    C_FLAGS = C_PF | C_AF | C_UF,

    D_VRT = 0x80,

    SECONDS_WRITABLE = 0x7f,
    HOURS_PM = 0x80,
    ALARM_ANY = 0xc0, /* this and above match everything */

    INDEX_MASK = 0x7f,
    CRYSTAL_HZ = 32768,
    NS_PER_SECOND = 1000000000,
    /* UIP comes 244 us before the update cycle, which takes 1984 us and ends on the second. */
    UIP_NS = (244 + 1984) * 1000,

    SECONDS_PER_DAY = 86400,
    EPOCH_YEAR = 1970,
    EPOCH_WEEKDAY = 4, /* Thursday, Sunday being 0 */
};
#define EPOCH_SECONDS_MAX 253402300799 /* 9999-12-31 23:59:59 */

static const uint16_t days_before_month[] = {0,   31,  59,  90,  120, 151, 181,
                                             212, 243, 273, 304, 334, 365};

static bool is_leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from the start of year 0 to that of `year`. */
static uint32_t days_before_year(uint32_t year)
{
    return 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

/* Month 0..12: 12 is the year's length. */
static uint32_t days_before(uint32_t year, uint32_t month)
{
    return days_before_month[month] + (month > 1 && is_leap(year) ? 1U : 0U);
}

static uint8_t encode(const struct mc146818 *rtc, uint32_t value)
{
    return (uint8_t)(rtc->ram[REG_B] & B_DM_BINARY ? value : value / 10 << 4 | value % 10);
}

static uint32_t decode(const struct mc146818 *rtc, uint8_t reg)
{
    return rtc->ram[REG_B] & B_DM_BINARY ? reg : (reg >> 4) * 10U + (reg & 15);
}

static uint8_t encode_hour(const struct mc146818 *rtc, uint32_t hour)
{
    if (rtc->ram[REG_B] & B_24_HOURS) {
        return encode(rtc, hour);
    }
    return (uint8_t)(encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOURS_PM : 0));
}

static uint32_t decode_hour(const struct mc146818 *rtc)
{
    uint8_t reg = rtc->ram[REG_HOURS];

    if (rtc->ram[REG_B] & B_24_HOURS) {
        return decode(rtc, reg) % 24;
    }
    return decode(rtc, reg & ~HOURS_PM & 0xff) % 12 + (reg & HOURS_PM ? 12 : 0);
}

static uint32_t second_of_day(const struct mc146818 *rtc)
{
    return decode_hour(rtc) * 3600 + decode(rtc, rtc->ram[REG_MINUTES]) % 60 * 60 +
           decode(rtc, rtc->ram[REG_SECONDS]) % 60;
}

/* A guest may write what is no date; it is taken for the nearest that is one. */
static uint32_t clamp(uint32_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* The date registers as days from the start of year 0. */
static uint32_t day_number(const struct mc146818 *rtc)
{
    uint32_t year =
        decode(rtc, rtc->ram[RAM_CENTURY]) % 100 * 100 + decode(rtc, rtc->ram[REG_YEAR]) % 100;
    uint32_t month = clamp(decode(rtc, rtc->ram[REG_MONTH]), 1, 12) - 1;
    uint32_t month_days = days_before(year, month + 1) - days_before(year, month);

    return days_before_year(year) + days_before(year, month) +
           clamp(decode(rtc, rtc->ram[REG_DAY]), 1, month_days) - 1;
}

static void set_date(struct mc146818 *rtc, uint32_t days)
{
    uint32_t year = (uint32_t)((uint64_t)days * 400 / 146097), month = 0;

    while (days_before_year(year + 1) <= days) {
        year++;
    }
    while (days_before_year(year) > days) {
        year--;
    }
    days -= days_before_year(year);
    while (days_before(year, month + 1) <= days) {
        month++;
    }
    rtc->ram[REG_DAY] = encode(rtc, days - days_before(year, month) + 1);
    rtc->ram[REG_MONTH] = encode(rtc, month + 1);
    rtc->ram[REG_YEAR] = encode(rtc, year % 100);
    rtc->ram[RAM_CENTURY] = encode(rtc, year / 100 % 100);
}

static void set_time(struct mc146818 *rtc, uint32_t second)
{
    rtc->ram[REG_SECONDS] = encode(rtc, second % 60);
    rtc->ram[REG_MINUTES] = encode(rtc, second / 60 % 60);
    rtc->ram[REG_HOURS] = encode_hour(rtc, second / 3600);
}

static void add_seconds(struct mc146818 *rtc, uint64_t seconds)
{
    uint64_t total = second_of_day(rtc) + seconds, days = total / SECONDS_PER_DAY;

    set_time(rtc, (uint32_t)(total % SECONDS_PER_DAY));
    if (days) {
        uint64_t weekday = decode(rtc, rtc->ram[REG_WEEKDAY]) + 6U + days;

        set_date(rtc, (uint32_t)((day_number(rtc) + days) % days_before_year(10000)));
        rtc->ram[REG_WEEKDAY] = encode(rtc, (uint32_t)(weekday % 7 + 1));
    }
}

static bool alarm_byte_matches(uint8_t alarm, uint8_t value)
{
    return alarm >= ALARM_ANY || alarm == value;
}

/*
 * Seconds from now (1..86400) to the next time of day that the alarm bytes match; 0: none does.
 * Passes over hours and minutes that do not match, so at most some 150 steps.
 */
static uint32_t seconds_to_alarm(const struct mc146818 *rtc)
{
    const uint8_t *ram = rtc->ram;
    uint32_t now = second_of_day(rtc), at = now + 1;

    while (at <= now + SECONDS_PER_DAY) {
        if (!alarm_byte_matches(ram[REG_HOURS_ALARM], encode_hour(rtc, at / 3600 % 24))) {
            at = (at / 3600 + 1) * 3600;
        } else if (!alarm_byte_matches(ram[REG_MINUTES_ALARM], encode(rtc, at / 60 % 60))) {
            at = (at / 60 + 1) * 60;
        } else if (!alarm_byte_matches(ram[REG_SECONDS_ALARM], encode(rtc, at % 60))) {
            at++;
        } else {
            return at - now;
        }
    }
    return 0;
}

static bool running(const struct mc146818 *rtc)
{
    return (rtc->ram[REG_A] & A_DV) == A_DV_RUNNING;
}

static bool updating(const struct mc146818 *rtc)
{
    return running(rtc) && !(rtc->ram[REG_B] & B_SET);
}

/* Crystal ticks between two periodic interrupts; 0: none. RS 1 and 2 are as 8 and 9. */
static uint32_t periodic_ticks(const struct mc146818 *rtc)
{
    unsigned rs = rtc->ram[REG_A] & A_RS;

    if (rs == 0) {
        return 0;
    }
    return 1U << (rs < 3 ? rs + 6 : rs - 1);
}

static uint64_t periods_at(const struct mc146818 *rtc, uint64_t ns, uint32_t ticks)
{
    unsigned __int128 crystal = (unsigned __int128)(ns - rtc->phase_ns) * CRYSTAL_HZ;

    return (uint64_t)(crystal / NS_PER_SECOND) / ticks;
}

static void advance(struct mc146818 *rtc, uint64_t now)
{
    uint64_t seconds =
        (now - rtc->phase_ns) / NS_PER_SECOND - (rtc->seen_ns - rtc->phase_ns) / NS_PER_SECOND;
    uint32_t ticks = periodic_ticks(rtc);

    if (running(rtc) && ticks &&
        periods_at(rtc, now, ticks) != periods_at(rtc, rtc->seen_ns, ticks)) {
        rtc->ram[REG_C] |= C_PF;
    }
    if (updating(rtc) && seconds) {
        uint32_t alarm = seconds_to_alarm(rtc);

        rtc->ram[REG_C] |= alarm && alarm <= seconds ? C_UF | C_AF : C_UF;
        add_seconds(rtc, seconds);
    }
    rtc->seen_ns = now;
}

static bool irq_pending(const struct mc146818 *rtc)
{
    return rtc->ram[REG_B] & rtc->ram[REG_C] & C_FLAGS;
}

/* When the first enabled interrupt comes; UINT64_MAX: never. `now` was advanced to. */
static uint64_t next_irq_ns(const struct mc146818 *rtc, uint64_t now)
{
    uint64_t second_ns = now - (now - rtc->phase_ns) % NS_PER_SECOND;
    uint64_t next = UINT64_MAX;
    uint32_t ticks = periodic_ticks(rtc), alarm;

    if (rtc->ram[REG_B] & B_PIE && running(rtc) && ticks) {
        uint64_t tick = (periods_at(rtc, now, ticks) + 1) * ticks;

        next = rtc->phase_ns +
               (uint64_t)(((unsigned __int128)tick * NS_PER_SECOND + CRYSTAL_HZ - 1) / CRYSTAL_HZ);
    }
    if (updating(rtc) && rtc->ram[REG_B] & (B_UIE | B_AIE)) {
        alarm = rtc->ram[REG_B] & B_UIE ? 1 : seconds_to_alarm(rtc);
        if (alarm && second_ns + alarm * (uint64_t)NS_PER_SECOND < next) {
            next = second_ns + alarm * (uint64_t)NS_PER_SECOND;
        }
    }
    return next;
}

static void update_irq(struct mc146818 *rtc, uint64_t now)
{
    struct device_clock *clock = rtc->config.clock;
    bool level = irq_pending(rtc);
    uint64_t next = level ? UINT64_MAX : next_irq_ns(rtc, now);

    if (level != rtc->irq_level) {
        rtc->irq_level = level;
        irq_line_set(&rtc->config.irq, level);
    }
    if (next == UINT64_MAX) {
        clock->disarm(clock, &rtc->timer);
    } else {
        clock->arm(clock, &rtc->timer, next);
    }
}

static void timer_expired(void *opaque)
{
    struct mc146818 *rtc = opaque;
    uint64_t now = device_clock_now(rtc->config.clock);

    advance(rtc, now);
    update_irq(rtc, now);
}

static uint8_t read_a(const struct mc146818 *rtc, uint64_t now)
{
    bool in_progress =
        updating(rtc) && (now - rtc->phase_ns) % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS;

    return (uint8_t)(rtc->ram[REG_A] | (in_progress ? A_UIP : 0));
}

static uint8_t read_c(struct mc146818 *rtc, uint64_t now)
{
    uint8_t value = (uint8_t)(rtc->ram[REG_C] | (irq_pending(rtc) ? C_IRQF : 0));

    rtc->ram[REG_C] = 0;
    update_irq(rtc, now);
    return value;
}

static uint64_t mc146818_read(void *opaque, hwaddr addr, unsigned size)
{
    struct mc146818 *rtc = opaque;
    uint64_t now = device_clock_now(rtc->config.clock);

    (void)size;
    if (addr == 0) {
        return 0xff; /* the index is write-only */
    }
    advance(rtc, now);
    switch (rtc->index) {
    case REG_A:
        return read_a(rtc, now);
    case REG_C:
        return read_c(rtc, now);
    default:
        return rtc->ram[rtc->index];
    }
}

/* When the divider is let go the first update comes half a second later. */
static void write_a(struct mc146818 *rtc, uint8_t value, uint64_t now)
{
    bool was_running = running(rtc);

    rtc->ram[REG_A] = value & ~A_UIP & 0xff;
    if (running(rtc) && !was_running) {
        rtc->phase_ns = now - NS_PER_SECOND / 2;
    }
}

static void write_data(struct mc146818 *rtc, uint8_t value, uint64_t now)
{
    switch (rtc->index) {
    case REG_A:
        write_a(rtc, value, now);
        break;
    case REG_B: /* SET takes UIE with it */
        rtc->ram[REG_B] = (uint8_t)(value & B_SET ? value & ~B_UIE : value);
        break;
    case REG_C: /* read-only */
    case REG_D:
        break;
    case REG_SECONDS:
        rtc->ram[REG_SECONDS] = value & SECONDS_WRITABLE;
        break;
    default:
        rtc->ram[rtc->index] = value;
        break;
    }
}

static void mc146818_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct mc146818 *rtc = opaque;
    uint64_t now = device_clock_now(rtc->config.clock);

    (void)size;
    if (addr == 0) {
        rtc->index = data & INDEX_MASK;
        return;
    }
    advance(rtc, now);
    write_data(rtc, (uint8_t)data, now);
    update_irq(rtc, now);
}

static const MemoryRegionOps mc146818_ops = {
    .read = mc146818_read,
    .write = mc146818_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

static void store_le(uint8_t *ram, unsigned num, uint64_t value)
{
    for (unsigned i = 0; i < num; i++) {
        ram[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Sizes as firmware would leave them: cut to what their bytes can hold. */
static void store_ram_sizes(struct mc146818 *rtc)
{
    const uint64_t low = rtc->config.ram_low_bytes, mib = 1 << 20;
    uint64_t extended_kib = low > mib ? min_u64((low - mib) >> 10, UINT16_MAX) : 0;
    uint64_t above_16m = low > 16 * mib ? min_u64((low - 16 * mib) >> 16, UINT16_MAX) : 0;
    unsigned sum = 0;

    store_le(rtc->ram + RAM_BASE_KIB, 2, min_u64(low >> 10, 640));
    store_le(rtc->ram + RAM_EXTENDED_KIB, 2, extended_kib);
    store_le(rtc->ram + RAM_EXTENDED_KIB_POST, 2, extended_kib);
    store_le(rtc->ram + RAM_ABOVE_16M, 2, above_16m);
    store_le(rtc->ram + RAM_ABOVE_4G, 3, min_u64(rtc->config.ram_high_bytes >> 16, 0xffffff));
    for (unsigned i = RAM_CHECKSUM_FIRST; i <= RAM_CHECKSUM_LAST; i++) {
        sum += rtc->ram[i];
    }
    rtc->ram[RAM_CHECKSUM] = (uint8_t)(sum >> 8);
    rtc->ram[RAM_CHECKSUM + 1] = (uint8_t)sum;
}

int mc146818_init(struct mc146818 *rtc, struct memory_core *core,
                  const struct mc146818_config *config)
{
    uint64_t days = (uint64_t)config->epoch_seconds / SECONDS_PER_DAY;
    int ret;

    if (!config->clock || config->epoch_seconds < 0 || config->epoch_seconds > EPOCH_SECONDS_MAX) {
        return -EINVAL;
    }
    *rtc = (struct mc146818){.config = *config};
    rtc->timer = (struct device_timer){
        .expired = timer_expired,
        .opaque = rtc,
        .owner = &rtc->owner,
    };
    rtc->ram[REG_A] = A_POWER_ON;
    rtc->ram[REG_B] = B_24_HOURS;
    rtc->ram[REG_D] = D_VRT;
    set_date(rtc, (uint32_t)(days_before_year(EPOCH_YEAR) + days));
    set_time(rtc, (uint32_t)(config->epoch_seconds % SECONDS_PER_DAY));
    rtc->ram[REG_WEEKDAY] = (uint8_t)((days + EPOCH_WEEKDAY) % 7 + 1);
    store_ram_sizes(rtc);
    memory_owner_init(&rtc->owner, "rtc");
    ret = memory_region_init_io(&rtc->mr, core, &rtc->owner, &mc146818_ops, rtc, "rtc",
                                MC146818_NUM_PORTS);
    if (ret < 0) {
        memory_owner_finish(&rtc->owner);
        *rtc = (struct mc146818){0};
    }
    return ret;
}

void mc146818_reset(struct mc146818 *rtc)
{
    uint64_t now = device_clock_now(rtc->config.clock);

    advance(rtc, now);
    rtc->index = 0;
    rtc->ram[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    rtc->ram[REG_C] = 0;
    update_irq(rtc, now);
}

void mc146818_finish(struct mc146818 *rtc)
{
    if (!rtc->config.clock) {
        return;
    }
    rtc->config.clock->disarm(rtc->config.clock, &rtc->timer);
    memory_region_unref(&rtc->mr);
    memory_owner_finish(&rtc->owner);
}
