/* One timer; starting it again moves it. A request is raised by its expiry and by nothing else. */
#include "devices/ib700.h"

#include <errno.h>

enum {
    TIME_MASK = 15,
    SECONDS_MAX = 30, /* for 0; two less for each step */
    NS_PER_SECOND = 1000000000,
};

static void stop(struct ib700 *dog)
{
    dog->running = false;
    dog->config.clock->disarm(dog->config.clock, &dog->timer);
}

static void timer_expired(void *opaque)
{
    struct ib700 *dog = opaque;

    stop(dog);
    request_line_raise(&dog->config.request, DEVICE_REQUEST_WATCHDOG, dog->config.action);
}

static uint64_t nothing_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return UINT64_MAX;
}

static void stop_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)addr;
    (void)data;
    (void)size;
    stop(opaque);
}

static void start_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct ib700 *dog = opaque;
    struct device_clock *clock = dog->config.clock;
    uint64_t seconds = SECONDS_MAX - 2 * (data & TIME_MASK);

    (void)addr;
    (void)size;
    dog->running = true;
    clock->arm(clock, &dog->timer, device_clock_now(clock) + seconds * NS_PER_SECOND);
}

#define OPS(write_function)                                                                        \
    {                                                                                              \
        .read = nothing_read, .write = (write_function), .endianness = DEVICE_LITTLE_ENDIAN,       \
        .valid = {.min_access_size = 1, .max_access_size = 1},                                     \
        .impl = {.min_access_size = 1, .max_access_size = 1},                                      \
    }

static const MemoryRegionOps stop_ops = OPS(stop_write);
static const MemoryRegionOps start_ops = OPS(start_write);

int ib700_init(struct ib700 *dog, struct memory_core *core, const struct ib700_config *config)
{
    int ret;

    if (!config->clock) {
        return -EINVAL;
    }
    *dog = (struct ib700){.config = *config};
    dog->timer =
        (struct device_timer){.expired = timer_expired, .opaque = dog, .owner = &dog->owner};
    memory_owner_init(&dog->owner, "ib700");
    ret = memory_region_init_io(&dog->mr_stop, core, &dog->owner, &stop_ops, dog, "ib700-stop",
                                IB700_NUM_PORTS);
    if (ret < 0) {
        goto owner;
    }
    ret = memory_region_init_io(&dog->mr_start, core, &dog->owner, &start_ops, dog, "ib700-start",
                                IB700_NUM_PORTS);
    if (ret < 0) {
        goto region;
    }
    return 0;

region:
    memory_region_unref(&dog->mr_stop);
owner:
    memory_owner_finish(&dog->owner);
    return ret;
}

void ib700_reset(struct ib700 *dog)
{
    stop(dog);
}

void ib700_finish(struct ib700 *dog)
{
    if (!dog->config.clock) {
        return;
    }
    stop(dog);
    memory_region_unref(&dog->mr_start);
    memory_region_unref(&dog->mr_stop);
    memory_owner_finish(&dog->owner);
}
