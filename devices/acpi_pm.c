/*
 * The block is read as a picture of its bytes and written byte by byte, so that any width does what
 * the bytes say. The timer is computed from the clock; carries since the last look become TMR_STS.
 */
#include "devices/acpi_pm.h"

#include <errno.h>
#include <string.h>

enum {
    OFFSET_STATUS = 0,
    OFFSET_ENABLE = 2,
    OFFSET_CONTROL = 4,
    OFFSET_TIMER = 8,

    PM1_TMR = 0x0001,                                                    /* TMR_STS, TMR_EN */
    PM1_PWRBTN = 0x0100,                                                 /* PWRBTN_STS, PWRBTN_EN */
    PM1_ENABLE_STORED = PM1_TMR | PM1_PWRBTN | 0x0020 | 0x0200 | 0x0400, /* GBL, SLPBTN, RTC */

    PM1_SCI_EN = 0x0001,
    PM1_BM_RLD = 0x0002,
    PM1_SLP_TYP_SHIFT = 10,
    PM1_SLP_TYP_MASK = 7,
    PM1_SLP_EN = 0x2000,
    PM1_CONTROL_STORED = PM1_BM_RLD | PM1_SLP_TYP_MASK << PM1_SLP_TYP_SHIFT,

    RESET_CONTROL_OFFSET = 1, /* 0xcf9 in the region that starts at 0xcf8 */
    RESET_SYS_RST = 0x02,
    RESET_RST_CPU = 0x04,
    RESET_FULL_RST = 0x08,
    RESET_STORED = RESET_SYS_RST | RESET_RST_CPU | RESET_FULL_RST,

    NS_PER_SECOND = 1000000000,
};

static uint64_t ticks_at(const struct acpi_pm *pm, uint64_t ns)
{
    return (uint64_t)((unsigned __int128)(ns - pm->epoch_ns) * ACPI_PM_TIMER_HZ / NS_PER_SECOND);
}

/* How often the timer's highest bit has changed by then: it does so every 2^(bits - 1) ticks. */
static uint64_t carries(const struct acpi_pm *pm, uint64_t ticks)
{
    return ticks >> (pm->config.timer_bits - 1);
}

static uint64_t carry_ns(const struct acpi_pm *pm, uint64_t carry)
{
    unsigned __int128 ticks = (unsigned __int128)carry << (pm->config.timer_bits - 1);

    return pm->epoch_ns +
           (uint64_t)((ticks * NS_PER_SECOND + ACPI_PM_TIMER_HZ - 1) / ACPI_PM_TIMER_HZ);
}

static void set_sci(struct acpi_pm *pm)
{
    bool level = pm->status & pm->enable & (PM1_TMR | PM1_PWRBTN);

    if (level != pm->sci_level) {
        pm->sci_level = level;
        irq_line_set(&pm->config.sci, level);
    }
}

/* Brings TMR_STS and the line up to now. Returns: the timer, all its bits. */
static uint64_t follow(struct acpi_pm *pm)
{
    uint64_t ticks = ticks_at(pm, device_clock_now(pm->config.clock));

    if (carries(pm, ticks) != carries(pm, pm->seen_ticks)) {
        pm->status |= PM1_TMR;
    }
    pm->seen_ticks = ticks;
    set_sci(pm);
    return ticks;
}

/* Only a carry that raises the line is worth a wake-up; others are found when somebody looks. */
static void schedule(struct acpi_pm *pm)
{
    struct device_clock *clock = pm->config.clock;

    if (pm->enable & PM1_TMR && !(pm->status & PM1_TMR)) {
        clock->arm(clock, &pm->timer, carry_ns(pm, carries(pm, pm->seen_ticks) + 1));
    } else {
        clock->disarm(clock, &pm->timer);
    }
}

static void timer_expired(void *opaque)
{
    (void)follow(opaque);
    schedule(opaque);
}

static bool is_soft_off(unsigned slp_typ)
{
    return slp_typ == 0 || slp_typ >= 5;
}

static void write_control(struct acpi_pm *pm, uint16_t value)
{
    pm->control = value & PM1_CONTROL_STORED;
    if (value & PM1_SLP_EN && is_soft_off(value >> PM1_SLP_TYP_SHIFT & PM1_SLP_TYP_MASK)) {
        request_line_raise(&pm->config.request, DEVICE_REQUEST_POWEROFF, 0);
    }
}

/* `before` with one byte of it replaced. @addr  even: the low byte. */
static uint16_t with_byte(uint16_t before, hwaddr addr, uint8_t byte)
{
    return (uint16_t)(addr & 1 ? (before & 0x00ff) | byte << 8 : (before & 0xff00) | byte);
}

static void write_byte(struct acpi_pm *pm, hwaddr addr, uint8_t byte)
{
    switch (addr & ~(hwaddr)1) {
    case OFFSET_STATUS:
        pm->status &= (uint16_t)~with_byte(0, addr, byte);
        break;
    case OFFSET_ENABLE:
        pm->enable = with_byte(pm->enable, addr, byte) & PM1_ENABLE_STORED;
        break;
    case OFFSET_CONTROL:
        write_control(pm, with_byte(pm->control, addr, byte));
        break;
    default: /* the timer is read-only */
        break;
    }
}

static uint64_t pm_read(void *opaque, hwaddr addr, unsigned size)
{
    struct acpi_pm *pm = opaque;
    uint64_t ticks = follow(pm), value = 0;
    uint32_t timer = (uint32_t)ticks & (pm->config.timer_bits == 32 ? UINT32_MAX : 0xffffff);
    uint8_t bytes[ACPI_PM_SIZE] = {
        [OFFSET_STATUS] = (uint8_t)pm->status,
        [OFFSET_STATUS + 1] = (uint8_t)(pm->status >> 8),
        [OFFSET_ENABLE] = (uint8_t)pm->enable,
        [OFFSET_ENABLE + 1] = (uint8_t)(pm->enable >> 8),
        [OFFSET_CONTROL] = (uint8_t)(pm->control | PM1_SCI_EN),
        [OFFSET_CONTROL + 1] = (uint8_t)(pm->control >> 8),
    };

    memcpy(bytes + OFFSET_TIMER, &timer, sizeof(timer)); /* little-endian, as the host */
    for (unsigned i = 0; i < size && addr + i < ACPI_PM_SIZE; i++) {
        value |= (uint64_t)bytes[addr + i] << 8 * i;
    }
    return value;
}

static void pm_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct acpi_pm *pm = opaque;

    (void)follow(pm);
    for (unsigned i = 0; i < size && addr + i < ACPI_PM_SIZE; i++) {
        write_byte(pm, addr + i, (uint8_t)(data >> 8 * i));
    }
    set_sci(pm);
    schedule(pm);
}

static uint64_t reset_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct acpi_pm *pm = opaque;

    return addr == RESET_CONTROL_OFFSET && size == 1 ? pm->reset_control : UINT64_MAX;
}

static void reset_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct acpi_pm *pm = opaque;
    uint8_t before = pm->reset_control;

    if (addr != RESET_CONTROL_OFFSET || size != 1) {
        return;
    }
    pm->reset_control = data & RESET_STORED;
    if (pm->reset_control & ~before & RESET_RST_CPU) {
        request_line_raise(&pm->config.request, DEVICE_REQUEST_RESET, 0);
    }
}

#define OPS(read_function, write_function)                                                         \
    {                                                                                              \
        .read = (read_function), .write = (write_function), .endianness = DEVICE_LITTLE_ENDIAN,    \
        .valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},                  \
        .impl = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},                   \
    }

static const MemoryRegionOps pm_ops = OPS(pm_read, pm_write);
static const MemoryRegionOps reset_ops = OPS(reset_read, reset_write);

int acpi_pm_init(struct acpi_pm *pm, struct memory_core *core, const struct acpi_pm_config *config)
{
    int ret;

    if (!config->clock || (config->timer_bits != 24 && config->timer_bits != 32)) {
        return -EINVAL;
    }
    *pm = (struct acpi_pm){.config = *config};
    pm->timer = (struct device_timer){.expired = timer_expired, .opaque = pm, .owner = &pm->owner};
    memory_owner_init(&pm->owner, "acpi-pm");
    ret = memory_region_init_io(&pm->mr, core, &pm->owner, &pm_ops, pm, "acpi-pm", ACPI_PM_SIZE);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&pm->mr_reset_control, core, &pm->owner, &reset_ops, pm,
                                "reset-control", ACPI_PM_RESET_CONTROL_SIZE);
    if (ret < 0) {
        goto region;
    }
    acpi_pm_reset(pm);
    return 0;

region:
    memory_region_unref(&pm->mr);
owner:
    memory_owner_finish(&pm->owner);
    return ret;
}

void acpi_pm_reset(struct acpi_pm *pm)
{
    pm->epoch_ns = device_clock_now(pm->config.clock);
    pm->seen_ticks = 0;
    pm->status = 0;
    pm->enable = 0;
    pm->control = 0;
    pm->reset_control = 0;
    set_sci(pm);
    schedule(pm);
}

void acpi_pm_press_power(struct acpi_pm *pm)
{
    (void)follow(pm);
    pm->status |= PM1_PWRBTN;
    set_sci(pm);
}

void acpi_pm_finish(struct acpi_pm *pm)
{
    struct device_clock *clock = pm->config.clock;

    if (!clock) {
        return;
    }
    clock->disarm(clock, &pm->timer);
    memory_region_unref(&pm->mr_reset_control);
    memory_region_unref(&pm->mr);
    memory_owner_finish(&pm->owner);
}
