/* One write callback: what the guest wrote goes up as it is, whatever its size and place. */
#include "devices/debug_exit.h"

#include <errno.h>

static uint64_t debug_exit_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return 0;
}

static void debug_exit_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct debug_exit *dev = opaque;

    (void)addr;
    (void)size;
    request_line_raise(&dev->request, DEVICE_REQUEST_EXIT, (uint32_t)data);
}

static const MemoryRegionOps debug_exit_ops = {
    .read = debug_exit_read,
    .write = debug_exit_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 4, .unaligned = true},
};

int debug_exit_init(struct debug_exit *dev, struct memory_core *core,
                    const struct debug_exit_config *config)
{
    int ret;

    if (config->iosize != 1 && config->iosize != 2 && config->iosize != 4) {
        return -EINVAL;
    }
    *dev = (struct debug_exit){.request = config->request};
    memory_owner_init(&dev->owner, "debug-exit");
    ret = memory_region_init_io(&dev->mr, core, &dev->owner, &debug_exit_ops, dev, "debug-exit",
                                config->iosize);
    if (ret < 0) {
        memory_owner_finish(&dev->owner);
        *dev = (struct debug_exit){0};
    }
    return ret;
}

void debug_exit_reset(struct debug_exit *dev)
{
    (void)dev;
}

void debug_exit_finish(struct debug_exit *dev)
{
    memory_region_unref(&dev->mr);
    memory_owner_finish(&dev->owner);
}
