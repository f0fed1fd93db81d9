/* Two registers that do something on one bit each; the rest is kept for the guest to read back. */
#include "devices/shutdown.h"

enum {
    PM1_SLP_TYP_SHIFT = 10,
    PM1_SLP_TYP_MASK = 7,
    PM1_SLP_EN = 0x2000,
    PM1_STORED = 0xdfff, /* SLP_EN is write-only */

    RESET_CONTROL_OFFSET = 1, /* 0xcf9 in the region that starts at 0xcf8 */
    RESET_SYS_RST = 0x02,
    RESET_RST_CPU = 0x04,
    RESET_FULL_RST = 0x08,
    RESET_STORED = RESET_SYS_RST | RESET_RST_CPU | RESET_FULL_RST,
};

static bool is_soft_off(unsigned slp_typ)
{
    return slp_typ == 0 || slp_typ >= 5;
}

static uint64_t pm1_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct shutdown *dev = opaque;

    (void)addr;
    (void)size;
    return dev->pm1_control;
}

static void pm1_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct shutdown *dev = opaque;

    (void)addr;
    (void)size;
    dev->pm1_control = data & PM1_STORED;
    if (data & PM1_SLP_EN && is_soft_off(data >> PM1_SLP_TYP_SHIFT & PM1_SLP_TYP_MASK)) {
        request_line_raise(&dev->request, DEVICE_REQUEST_POWEROFF, 0);
    }
}

static uint64_t reset_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct shutdown *dev = opaque;

    return addr == RESET_CONTROL_OFFSET && size == 1 ? dev->reset_control : UINT64_MAX;
}

static void reset_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct shutdown *dev = opaque;
    uint8_t before = dev->reset_control;

    if (addr != RESET_CONTROL_OFFSET || size != 1) {
        return;
    }
    dev->reset_control = data & RESET_STORED;
    if (dev->reset_control & ~before & RESET_RST_CPU) {
        request_line_raise(&dev->request, DEVICE_REQUEST_RESET, 0);
    }
}

/* A byte written leaves the register's other byte as it is. */
static const MemoryRegionOps pm1_ops = {
    .read = pm1_read,
    .write = pm1_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 2},
    .impl = {.min_access_size = 2, .max_access_size = 2, .narrow_write = MEMORY_NARROW_WRITE_RMW},
};

static const MemoryRegionOps reset_ops = {
    .read = reset_read,
    .write = reset_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
};

int shutdown_init(struct shutdown *dev, struct memory_core *core,
                  const struct shutdown_config *config)
{
    int ret;

    *dev = (struct shutdown){.request = config->request};
    memory_owner_init(&dev->owner, "shutdown");
    ret = memory_region_init_io(&dev->mr_pm1_control, core, &dev->owner, &pm1_ops, dev,
                                "pm1-control", SHUTDOWN_PM1_CONTROL_SIZE);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&dev->mr_reset_control, core, &dev->owner, &reset_ops, dev,
                                "reset-control", SHUTDOWN_RESET_CONTROL_SIZE);
    if (ret < 0) {
        goto region;
    }
    return 0;

region:
    memory_region_unref(&dev->mr_pm1_control);
owner:
    memory_owner_finish(&dev->owner);
    *dev = (struct shutdown){0};
    return ret;
}

void shutdown_reset(struct shutdown *dev)
{
    dev->pm1_control = 0;
    dev->reset_control = 0;
}

void shutdown_finish(struct shutdown *dev)
{
    memory_region_unref(&dev->mr_reset_control);
    memory_region_unref(&dev->mr_pm1_control);
    memory_owner_finish(&dev->owner);
}
