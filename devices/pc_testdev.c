/*
 * Five regions with ops each. The word and the window are arrays of bytes in order of address, so
 * that an access of any width copies what it covers.
 */
#include "devices/pc_testdev.h"

#include <string.h>

/* acre's only target is little-endian, as the device is: the value's bytes are the guest's. */
static uint64_t load(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;

    memcpy(&value, bytes, size);
    return value;
}

static void store(uint8_t *bytes, uint64_t value, unsigned size)
{
    memcpy(bytes, &value, size);
}

static uint64_t ioport_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct pc_testdev *dev = opaque;

    return load(dev->word + addr, size);
}

static void ioport_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct pc_testdev *dev = opaque;

    store(dev->word + addr, data, size);
}

static uint64_t iomem_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct pc_testdev *dev = opaque;

    return load(dev->iomem + addr, size);
}

static void iomem_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct pc_testdev *dev = opaque;

    store(dev->iomem + addr, data, size);
}

static uint64_t zero_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return 0;
}

static void flush_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    const struct pc_testdev *dev = opaque;

    (void)addr;
    (void)size;
    if (dev->config.flush_page) {
        dev->config.flush_page(dev->config.opaque, data & ~UINT64_C(0xfff));
    }
}

static void set_line(struct pc_testdev *dev, unsigned num, bool level)
{
    const uint32_t bit = UINT32_C(1) << num;

    if ((dev->levels & bit) != (level ? bit : 0)) {
        dev->levels ^= bit;
        irq_line_set(&dev->config.irqs[num], level);
    }
}

static void irq_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)size;
    set_line(opaque, (unsigned)addr, data != 0);
}

static const MemoryRegionOps ioport_ops = {
    .read = ioport_read,
    .write = ioport_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

static const MemoryRegionOps ioport_byte_ops = {
    .read = ioport_read,
    .write = ioport_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

static const MemoryRegionOps flush_ops = {
    .read = zero_read,
    .write = flush_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
    .impl = {.min_access_size = 4, .max_access_size = 4},
};

static const MemoryRegionOps irq_ops = {
    .read = zero_read,
    .write = irq_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 1},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

static const MemoryRegionOps iomem_ops = {
    .read = iomem_read,
    .write = iomem_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

int pc_testdev_init(struct pc_testdev *dev, struct memory_core *core,
                    const struct pc_testdev_config *config)
{
    const struct {
        MemoryRegion *mr;
        const MemoryRegionOps *ops;
        const char *name;
        uint64_t size;
    } regions[] = {
        {&dev->mr_ioport, &ioport_ops, "testdev-ioport", PC_TESTDEV_PORTS_SIZE},
        {&dev->mr_flush, &flush_ops, "testdev-flush", PC_TESTDEV_PORTS_SIZE},
        {&dev->mr_ioport_byte, &ioport_byte_ops, "testdev-ioport-byte", PC_TESTDEV_PORTS_SIZE},
        {&dev->mr_irq, &irq_ops, "testdev-irq", PC_TESTDEV_IRQ_NUM},
        {&dev->mr_iomem, &iomem_ops, "testdev-iomem", PC_TESTDEV_IOMEM_SIZE},
    };
    size_t i;
    int ret;

    memset(dev, 0, sizeof(*dev));
    dev->config = *config;
    memory_owner_init(&dev->owner, "pc-testdev");
    for (i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        ret = memory_region_init_io(regions[i].mr, core, &dev->owner, regions[i].ops, dev,
                                    regions[i].name, regions[i].size);
        if (ret < 0) {
            pc_testdev_finish(dev);
            return ret;
        }
    }
    return 0;
}

void pc_testdev_reset(struct pc_testdev *dev)
{
    unsigned i;

    for (i = 0; i < PC_TESTDEV_IRQ_NUM; i++) {
        set_line(dev, i, false);
    }
    memset(dev->word, 0, sizeof(dev->word));
    memset(dev->iomem, 0, sizeof(dev->iomem));
}

void pc_testdev_finish(struct pc_testdev *dev)
{
    memory_region_unref(&dev->mr_iomem);
    memory_region_unref(&dev->mr_irq);
    memory_region_unref(&dev->mr_ioport_byte);
    memory_region_unref(&dev->mr_flush);
    memory_region_unref(&dev->mr_ioport);
    memory_owner_finish(&dev->owner);
}
