/* A byte written becomes at most one request; a lower bit hides what else the byte says. */
#include "devices/pvpanic.h"

static uint64_t pvpanic_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return PVPANIC_EVENTS;
}

static void pvpanic_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct pvpanic *dev = opaque;

    (void)addr;
    (void)size;
    if (data & PVPANIC_PANICKED) {
        request_line_raise(&dev->config.request, DEVICE_REQUEST_PANIC, 0);
    } else if (data & PVPANIC_CRASH_LOADED) {
        request_line_raise(&dev->config.request, DEVICE_REQUEST_CRASH_LOADED, 0);
    } else if (data & PVPANIC_SHUTDOWN) {
        request_line_raise(&dev->config.request, DEVICE_REQUEST_POWEROFF, 0);
    }
}

static const MemoryRegionOps pvpanic_ops = {
    .read = pvpanic_read,
    .write = pvpanic_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 1},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

int pvpanic_init(struct pvpanic *dev, struct memory_core *core, const struct pvpanic_config *config)
{
    int ret;

    *dev = (struct pvpanic){.config = *config};
    memory_owner_init(&dev->owner, "pvpanic");
    ret = memory_region_init_io(&dev->mr, core, &dev->owner, &pvpanic_ops, dev, "pvpanic", 1);
    if (ret < 0) {
        memory_owner_finish(&dev->owner);
        *dev = (struct pvpanic){.config = {{0}}};
    }
    return ret;
}

void pvpanic_reset(struct pvpanic *dev)
{
    (void)dev;
}

void pvpanic_finish(struct pvpanic *dev)
{
    memory_region_unref(&dev->mr);
    memory_owner_finish(&dev->owner);
}
