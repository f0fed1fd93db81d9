/*
 * rom_device.c - one byte of state says what reads give and what the next write is. Romd mode is on
 * exactly while that is "array", unless the map refused.
 */
#include "devices/rom_device.h"

#include <errno.h>
#include <string.h>

#include "memory/dirty.h"

enum { ERASE_SIZE_MIN = 256 };

enum command {
    READ_ARRAY = 0xff,
    READ_IDENTIFIER = 0x90,
    READ_STATUS = 0x70,
    CLEAR_STATUS = 0x50,
    PROGRAM = 0x40,
    PROGRAM_ALTERNATE = 0x10,
    ERASE = 0x20,
    ERASE_CONFIRM = 0xd0,
};

/* Here only while the array is not what reads show, or the map refused to show it. */
static uint64_t rom_device_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct rom_device *dev = opaque;

    (void)size;
    switch (dev->command) {
    case READ_ARRAY:
        return dev->block->host[addr];
    case READ_IDENTIFIER:
        return addr == 0 ? ROM_DEVICE_MANUFACTURER : addr == 1 ? ROM_DEVICE_CODE : 0;
    default:
        return dev->status;
    }
}

static void enter_mode(struct rom_device *dev, uint8_t command)
{
    int ret = memory_region_rom_device_set_romd(&dev->mr, command == READ_ARRAY);

    /* Refused: reads go on as they did. */
    if (ret == 0 || command == READ_ARRAY) {
        dev->command = command;
    }
}

static void fail(struct rom_device *dev, unsigned bits)
{
    dev->status |= (uint8_t)bits;
}

static void program(struct rom_device *dev, hwaddr addr, uint8_t value)
{
    if (dev->locked) {
        fail(dev, ROM_DEVICE_PROGRAM_FAILED | ROM_DEVICE_VPP_LOW);
        return;
    }
    dev->block->host[addr] &= value;
    ram_block_set_dirty(dev->block, addr, 1);
}

static void erase(struct rom_device *dev, hwaddr addr)
{
    hwaddr first = addr & ~(dev->erase_size - 1);
    uint64_t room = memory_region_size(&dev->mr) - first;
    uint64_t size = room < dev->erase_size ? room : dev->erase_size;

    if (dev->locked) {
        fail(dev, ROM_DEVICE_ERASE_FAILED | ROM_DEVICE_VPP_LOW);
        return;
    }
    memset(dev->block->host + first, 0xff, size);
    ram_block_set_dirty(dev->block, first, size);
}

static void start(struct rom_device *dev, uint8_t value)
{
    switch (value) {
    case CLEAR_STATUS:
        dev->status = ROM_DEVICE_READY;
        enter_mode(dev, READ_STATUS);
        break;
    case PROGRAM:
    case PROGRAM_ALTERNATE:
        enter_mode(dev, PROGRAM);
        break;
    case READ_IDENTIFIER:
    case READ_STATUS:
    case ERASE:
        enter_mode(dev, value);
        break;
    default:
        enter_mode(dev, READ_ARRAY);
        break;
    }
}

static void rom_device_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct rom_device *dev = opaque;
    uint8_t value = (uint8_t)data;

    (void)size;
    switch (dev->command) {
    case PROGRAM:
        program(dev, addr, value);
        dev->command = READ_STATUS;
        break;
    case ERASE:
        if (value == ERASE_CONFIRM) {
            erase(dev, addr);
        } else {
            fail(dev, ROM_DEVICE_ERASE_FAILED | ROM_DEVICE_PROGRAM_FAILED);
        }
        dev->command = READ_STATUS;
        break;
    default:
        start(dev, value);
        break;
    }
}

static const MemoryRegionOps rom_device_ops = {
    .read = rom_device_read,
    .write = rom_device_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 1},
};

int rom_device_init(struct rom_device *dev, struct memory_core *core,
                    const struct rom_device_config *config)
{
    int ret;

    (void)core; /* the block's */
    if (config->erase_size < ERASE_SIZE_MIN ||
        (config->erase_size & (config->erase_size - 1)) != 0) {
        return -EINVAL;
    }
    *dev = (struct rom_device){
        .block = config->block,
        .erase_size = config->erase_size,
        .locked = config->locked,
        .status = ROM_DEVICE_READY,
        .command = READ_ARRAY,
    };
    memory_owner_init(&dev->owner, "rom-device");
    ret = memory_region_init_rom_device(&dev->mr, &dev->owner, &rom_device_ops, dev, config->name,
                                        config->block);
    if (ret < 0) {
        memory_owner_finish(&dev->owner);
        *dev = (struct rom_device){0};
    }
    return ret;
}

void rom_device_reset(struct rom_device *dev)
{
    dev->status = ROM_DEVICE_READY;
    enter_mode(dev, READ_ARRAY);
}

void rom_device_finish(struct rom_device *dev)
{
    memory_region_unref(&dev->mr);
    memory_owner_finish(&dev->owner);
}
