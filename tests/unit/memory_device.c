/*
 * The registers are bytes; byte order is applied here, at the callback, as a real device's would.
 */
#include "tests/unit/memory_device.h"

#include <inttypes.h>
#include <string.h>

static void judge(struct device *device, hwaddr addr, unsigned size)
{
    unsigned min = device->ops.impl.min_access_size ? device->ops.impl.min_access_size : 1;
    unsigned max = device->ops.impl.max_access_size ? device->ops.impl.max_access_size : 4;

    device->calls++;
    if (size < min || size > max || addr + size > memory_region_size(device->mr) ||
        (!device->ops.impl.unaligned && addr % size)) {
        device->illegal++;
    }
}

static unsigned shift_of(const struct device *device, unsigned byte, unsigned size)
{
    return 8 * (device->ops.endianness == DEVICE_BIG_ENDIAN ? size - 1 - byte : byte);
}

static uint64_t read_regs(void *opaque, hwaddr addr, unsigned size)
{
    struct device *device = opaque;
    uint64_t value = 0;

    judge(device, addr, size);
    if (!device->silent) {
        trace_add(&device->trace, "r%u@%" PRIx64 "\n", size, addr);
    }
    for (unsigned i = 0; i < size && addr + i < DEVICE_BYTES; i++) {
        value |= (uint64_t)device->regs[addr + i] << shift_of(device, i, size);
    }
    return value;
}

static void write_regs(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct device *device = opaque;

    judge(device, addr, size);
    if (!device->silent) {
        trace_add(&device->trace, "w%u@%" PRIx64 "=%" PRIx64 "\n", size, addr, data);
    }
    for (unsigned i = 0; i < size && addr + i < DEVICE_BYTES; i++) {
        device->regs[addr + i] = (uint8_t)(data >> shift_of(device, i, size));
    }
}

static MemTxResult read_with_attrs(void *opaque, hwaddr addr, uint64_t *data, unsigned size,
                                   MemTxAttrs attrs)
{
    struct device *device = opaque;

    device->attrs = attrs;
    *data = read_regs(opaque, addr, size);
    return device->result;
}

static MemTxResult write_with_attrs(void *opaque, hwaddr addr, uint64_t data, unsigned size,
                                    MemTxAttrs attrs)
{
    struct device *device = opaque;

    device->attrs = attrs;
    write_regs(opaque, addr, data, size);
    return device->result;
}

static bool accepts(void *opaque, hwaddr addr, unsigned size, bool is_write, MemTxAttrs attrs)
{
    struct device *device = opaque;

    (void)attrs;
    trace_add(&device->trace, "?%c%u@%" PRIx64 "\n", is_write ? 'w' : 'r', size, addr);
    return !device->refuse;
}

void device_init(struct device *device, enum device_endian endianness)
{
    *device = (struct device){
        .ops = {.read = read_regs, .write = write_regs, .endianness = endianness},
    };
    for (unsigned i = 0; i < DEVICE_BYTES; i++) {
        device->regs[i] = (uint8_t)(i + 1);
    }
}

void device_init_with_attrs(struct device *device, enum device_endian endianness)
{
    device_init(device, endianness);
    device->ops.read = NULL;
    device->ops.write = NULL;
    device->ops.read_with_attrs = read_with_attrs;
    device->ops.write_with_attrs = write_with_attrs;
    device->ops.valid.accepts = accepts;
}

void device_place(struct device *device, struct fixture *f, hwaddr offset, uint64_t size)
{
    device->mr = device_new(f, NULL, &device->ops, device, "device", size);
    put(f->root, offset, device->mr);
}
