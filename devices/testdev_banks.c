/*
 * testdev_banks.c - banks, zones, and the log of their callbacks. A region's shape cannot change
 * while somebody may be inside, so a new shape is a new region on the heap, put in place of the old
 * one by a commit; the old one goes with its last reader.
 */
#include "devices/testdev_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SIZE_MASK = 0xf,
    SHAPE_BITS = 0xffff | TESTDEV_SHAPE_VALID_UNALIGNED | TESTDEV_SHAPE_IMPL_UNALIGNED |
                 TESTDEV_SHAPE_BIG_ENDIAN | 3 << TESTDEV_SHAPE_NARROW_SHIFT,
    PORT_BANKS = 8, /* the first of them */
};

struct testdev_bank {
    MemoryRegion mr;
    MemoryRegionOps ops;
    struct testdev *dev;
    unsigned index;
};

void testdev_log_call(struct testdev *dev, unsigned who, hwaddr addr, uint64_t value, unsigned size,
                      bool is_write)
{
    dev->log[dev->log_count++ % TESTDEV_LOG_ENTRIES] = (struct testdev_call){
        .who = who,
        .size = size | (is_write ? TESTDEV_LOG_WRITE : 0U),
        .offset = addr,
        .value = value,
    };
}

static uint64_t bank_size(unsigned index)
{
    return index < PORT_BANKS ? TESTDEV_BANK_SIZE : TESTDEV_BANK_PORT_SIZE;
}

/* Where byte `i` of a value of `size` bytes lies, in order of address. */
static unsigned shift_of(const struct testdev_bank *bank, unsigned i, unsigned size)
{
    return 8 * (bank->ops.endianness == DEVICE_BIG_ENDIAN ? size - 1 - i : i);
}

static uint64_t bank_read(void *opaque, hwaddr addr, unsigned size)
{
    struct testdev_bank *bank = opaque;
    const uint8_t *raw = bank->dev->raw + (size_t)bank->index * TESTDEV_BANK_SIZE;
    uint64_t value = 0;
    unsigned i;

    for (i = 0; i < size && addr + i < TESTDEV_BANK_SIZE; i++) {
        value |= (uint64_t)raw[addr + i] << shift_of(bank, i, size);
    }
    testdev_log_call(bank->dev, bank->index, addr, value, size, false);
    return value;
}

static void bank_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct testdev_bank *bank = opaque;
    uint8_t *raw = bank->dev->raw + (size_t)bank->index * TESTDEV_BANK_SIZE;
    unsigned i;

    for (i = 0; i < size && addr + i < TESTDEV_BANK_SIZE; i++) {
        raw[addr + i] = (uint8_t)(data >> shift_of(bank, i, size));
    }
    testdev_log_call(bank->dev, bank->index, addr, data, size, true);
}

/* A size of a shape: 0, 1, 2, 4, 8. */
static bool size_is_one(unsigned size)
{
    return size <= 8 && (size & (size - 1)) == 0;
}

static int parse_shape(uint64_t shape, MemoryRegionOps *ops)
{
    const uint32_t bits = (uint32_t)shape;
    const unsigned narrow = bits >> TESTDEV_SHAPE_NARROW_SHIFT & 3;

    *ops = (MemoryRegionOps){
        .read = bank_read,
        .write = bank_write,
        .endianness = bits & TESTDEV_SHAPE_BIG_ENDIAN ? DEVICE_BIG_ENDIAN : DEVICE_LITTLE_ENDIAN,
        .valid = {.min_access_size = bits >> TESTDEV_SHAPE_VALID_MIN_SHIFT & SIZE_MASK,
                  .max_access_size = bits >> TESTDEV_SHAPE_VALID_MAX_SHIFT & SIZE_MASK,
                  .unaligned = bits & TESTDEV_SHAPE_VALID_UNALIGNED},
        .impl = {.min_access_size = bits >> TESTDEV_SHAPE_IMPL_MIN_SHIFT & SIZE_MASK,
                 .max_access_size = bits >> TESTDEV_SHAPE_IMPL_MAX_SHIFT & SIZE_MASK,
                 .unaligned = bits & TESTDEV_SHAPE_IMPL_UNALIGNED,
                 .narrow_write = (enum memory_narrow_write)narrow},
    };
    if (shape & ~(uint64_t)SHAPE_BITS || narrow > TESTDEV_NARROW_ZERO_EXTEND ||
        !size_is_one(ops->valid.min_access_size) || !size_is_one(ops->valid.max_access_size) ||
        !size_is_one(ops->impl.min_access_size) || !size_is_one(ops->impl.max_access_size)) {
        return -EINVAL;
    }
    if (ops->valid.max_access_size && ops->valid.min_access_size > ops->valid.max_access_size) {
        return -EINVAL;
    }
    return ops->impl.min_access_size > (ops->impl.max_access_size ? ops->impl.max_access_size : 4)
               ? -EINVAL
               : 0;
}

/* On the RCU worker, when nobody can be inside any more. */
static void free_bank(MemoryRegion *mr)
{
    free(mr->destructor_opaque);
}

static int new_bank(struct testdev *dev, unsigned index, uint64_t shape, struct testdev_bank **out)
{
    struct testdev_bank *bank = calloc(1, sizeof(*bank));
    char name[24];
    int ret;

    if (!bank) {
        return -ENOMEM;
    }
    bank->dev = dev;
    bank->index = index;
    (void)snprintf(name, sizeof(name), "testdev-bank%u", index);
    ret = parse_shape(shape, &bank->ops);
    if (ret == 0) {
        ret = memory_region_init_io(&bank->mr, dev->core, &dev->owner, &bank->ops, bank, name,
                                    bank_size(index));
    }
    if (ret < 0) {
        free(bank);
        return ret;
    }
    memory_region_set_destructor(&bank->mr, free_bank, bank);
    memory_region_set_flush_coalesced(&bank->mr, true);
    *out = bank;
    return 0;
}

/* Mounts the bank in place of the one that is there, if any. */
static int swap_bank(struct testdev *dev, struct testdev_bank *bank)
{
    const unsigned index = bank->index;
    const bool ports = index >= PORT_BANKS;
    MemoryRegion *container = ports ? &dev->mr_ports : &dev->mr_memory;
    hwaddr addr = ports ? TESTDEV_PORT_BANKS + (index - PORT_BANKS) * TESTDEV_BANK_PORT_SIZE
                        : TESTDEV_BANKS + index * TESTDEV_BANK_SIZE;
    int ret = 0;

    memory_region_transaction_begin(dev->core);
    if (dev->banks[index]) {
        ret = memory_region_del_subregion(container, &dev->banks[index]->mr);
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(container, addr, &bank->mr);
    }
    if (ret < 0) {
        memory_region_transaction_abort(dev->core);
        return ret;
    }
    return memory_region_transaction_commit(dev->core);
}

static int set_shape(struct testdev *dev, unsigned index, uint64_t shape)
{
    struct testdev_bank *bank;
    int ret = new_bank(dev, index, shape, &bank);

    if (ret < 0) {
        return ret;
    }
    ret = swap_bank(dev, bank);
    if (ret < 0) {
        memory_region_unref(&bank->mr);
        return ret;
    }
    if (dev->banks[index]) {
        memory_region_unref(&dev->banks[index]->mr);
    }
    dev->banks[index] = bank;
    dev->shapes[index] = shape;
    return 0;
}

static uint64_t first_shape(unsigned index)
{
    static const uint32_t shapes[] = {
        TESTDEV_SHAPE(1, 8, 1, 8),
        TESTDEV_SHAPE(1, 8, 1, 1),
        TESTDEV_SHAPE(1, 8, 4, 4) | TESTDEV_NARROW_RMW << TESTDEV_SHAPE_NARROW_SHIFT,
        TESTDEV_SHAPE(1, 8, 1, 4),
    };
    /* The ports' four are like banks 0, 1, 4 and 5. */
    const unsigned like = index < PORT_BANKS ? index : (index & 2) * 2 + (index & 1);

    return shapes[like / 2] | TESTDEV_SHAPE_VALID_UNALIGNED |
           (like & 1 ? TESTDEV_SHAPE_BIG_ENDIAN : 0U);
}

static void write_shape(struct testdev *dev, unsigned n, uint64_t value)
{
    dev->bank_result = testdev_errno(set_shape(dev, n, value));
}

static void write_log_clear(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    (void)value;
    dev->log_count = 0;
    for (n = 0; n < TESTDEV_LOG_ENTRIES; n++) {
        dev->log[n] = (struct testdev_call){0};
    }
}

int testdev_banks_init(struct testdev *dev)
{
    unsigned i;
    int ret = 0;

    for (i = 0; ret == 0 && i < TESTDEV_BANK_NUM; i++) {
        ret = set_shape(dev, i, first_shape(i));
    }
    return ret;
}

void testdev_banks_reset(struct testdev *dev)
{
    unsigned i;

    dev->bank_result = 0;
    for (i = 0; i < TESTDEV_BANK_NUM; i++) {
        if (dev->shapes[i] != first_shape(i)) {
            write_shape(dev, i, first_shape(i));
        }
    }
    for (i = 0; i < sizeof(dev->raw); i++) {
        dev->raw[i] = 0;
    }
    write_log_clear(dev, 0, 0);
}

void testdev_banks_finish(struct testdev *dev)
{
    unsigned i;

    for (i = 0; i < TESTDEV_BANK_NUM; i++) {
        if (dev->banks[i]) {
            memory_region_unref(&dev->banks[i]->mr);
            dev->banks[i] = NULL;
        }
    }
}

static uint64_t window_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct testdev_window *window = opaque;

    testdev_log_call(window->dev, window->who, addr, 0, size, false);
    return 0;
}

static void window_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    const struct testdev_window *window = opaque;

    testdev_log_call(window->dev, window->who, addr, data, size, true);
}

static const MemoryRegionOps window_ops = {
    .read = window_read,
    .write = window_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

int testdev_window_init(struct testdev *dev, struct testdev_window *window, unsigned who,
                        const char *name, uint64_t size)
{
    window->dev = dev;
    window->who = who;
    return memory_region_init_io(&window->mr, dev->core, &dev->owner, &window_ops, window, name,
                                 size);
}

static int set_coalesce(struct testdev *dev, uint64_t zones)
{
    unsigned i;
    int ret = zones > 3 ? -EINVAL : 0;

    memory_region_transaction_begin(dev->core);
    for (i = 0; ret == 0 && i < 2; i++) {
        ret = zones >> i & 1 ? memory_region_set_coalescing(&dev->zones[i].mr)
                             : memory_region_clear_coalescing(&dev->zones[i].mr);
    }
    if (ret < 0) {
        memory_region_transaction_abort(dev->core);
        return ret;
    }
    ret = memory_region_transaction_commit(dev->core);
    dev->coalesce = ret < 0 ? dev->coalesce : zones;
    return ret;
}

static void write_coalesce(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    dev->coalesce_result = testdev_errno(set_coalesce(dev, value));
}

int testdev_zones_init(struct testdev *dev)
{
    int ret = testdev_window_init(dev, &dev->zones[0], TESTDEV_WHO_ZONE, "testdev-zone", 0x1000);

    if (ret == 0) {
        ret = testdev_window_init(dev, &dev->zones[1], TESTDEV_WHO_PORT_ZONE, "testdev-port-zone",
                                  16);
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(&dev->mr_memory, TESTDEV_ZONE, &dev->zones[0].mr);
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(&dev->mr_ports, TESTDEV_PORT_ZONE, &dev->zones[1].mr);
    }
    return ret < 0 ? ret : set_coalesce(dev, 3);
}

void testdev_zones_reset(struct testdev *dev)
{
    dev->coalesce_result = 0;
    if (dev->coalesce != 3) {
        write_coalesce(dev, 0, 3);
    }
}

void testdev_zones_finish(struct testdev *dev)
{
    memory_region_unref(&dev->zones[1].mr);
    memory_region_unref(&dev->zones[0].mr);
}

const struct testdev_register testdev_bank_registers[] = {
    {TESTDEV_FIELD(TESTDEV_BANK_RESULT, bank_result)},
    {.first = TESTDEV_BANK_SHAPE,
     .num = TESTDEV_BANK_NUM,
     .field = offsetof(struct testdev, shapes),
     .write = write_shape},
    {TESTDEV_FIELD(TESTDEV_LOG_COUNT, log_count)},
    {.first = TESTDEV_LOG_CLEAR, .num = 1, .write = write_log_clear},
    {TESTDEV_FIELD(TESTDEV_COALESCE, coalesce), .write = write_coalesce},
    {TESTDEV_FIELD(TESTDEV_COALESCE_RESULT, coalesce_result)},
    {.num = 0},
};
