/* A byte written is a byte for the sink; it is offered once, and counted when it is refused. */
#include "devices/debugcon.h"

static uint64_t debugcon_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return DEBUGCON_READBACK;
}

static void debugcon_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct debugcon *dev = opaque;
    const uint8_t byte = (uint8_t)data;

    (void)addr;
    (void)size;
    if (byte_sink_write(&dev->sink, &byte, 1) == 0) {
        dev->dropped++;
    }
}

static const MemoryRegionOps debugcon_ops = {
    .read = debugcon_read,
    .write = debugcon_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 1},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

int debugcon_init(struct debugcon *dev, struct memory_core *core,
                  const struct debugcon_config *config)
{
    int ret;

    *dev = (struct debugcon){.sink = config->sink};
    memory_owner_init(&dev->owner, "debugcon");
    ret = memory_region_init_io(&dev->mr, core, &dev->owner, &debugcon_ops, dev, "debugcon", 1);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_set_coalescing(&dev->mr);
    if (ret < 0) {
        goto region;
    }
    return 0;

region:
    memory_region_unref(&dev->mr);
owner:
    memory_owner_finish(&dev->owner);
    return ret;
}

void debugcon_reset(struct debugcon *dev)
{
    (void)dev;
}

void debugcon_finish(struct debugcon *dev)
{
    memory_region_unref(&dev->mr);
    memory_owner_finish(&dev->owner);
}

uint64_t debugcon_dropped(const struct debugcon *dev)
{
    return dev->dropped;
}
