/*
 * testdev.c - the registers: a table of every function's, and the few that need no more than this
 * file. Windows that are only bytes (raw, buffer, log) are here, too.
 */
#include "devices/testdev_internal.h"

#include <errno.h>
#include <string.h>

#include "devices/wide_register.h"

enum { PULSES_MAX = 64, RESULT_BITS = MEMTX_ERROR | MEMTX_DECODE_ERROR | MEMTX_ACCESS_ERROR };

void testdev_irq_change(struct testdev *dev, uint64_t set, uint64_t clear)
{
    dev->irq_pending = (dev->irq_pending & ~clear) | set;
    if ((dev->irq_pending != 0) != dev->irq_level) {
        dev->irq_level = dev->irq_pending != 0;
        irq_line_set(&dev->config.irq, dev->irq_level);
    }
}

static uint64_t read_id(struct testdev *dev, unsigned n)
{
    (void)dev;
    (void)n;
    return TESTDEV_ID_VALUE;
}

static uint64_t read_counter(struct testdev *dev, unsigned n)
{
    (void)n;
    return dev->counter++;
}

static void write_error_result(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    dev->error_result = value & RESULT_BITS;
}

static uint64_t read_reentry(struct testdev *dev, unsigned n)
{
    (void)n;
    return atomic_load_explicit(&dev->owner.blocked_reentry, memory_order_relaxed);
}

static uint64_t read_deadlock(struct testdev *dev, unsigned n)
{
    (void)n;
    return atomic_load_explicit(&dev->owner.blocked_deadlock, memory_order_relaxed);
}

static void write_high(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    dev->high = (uint32_t)value;
}

static void write_raise(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    testdev_irq_change(dev, value, 0);
}

static void write_lower(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    testdev_irq_change(dev, 0, value);
}

static void write_pulse(struct testdev *dev, unsigned n, uint64_t value)
{
    (void)n;
    for (; value && value <= PULSES_MAX && !dev->irq_pending; value--) {
        testdev_irq_change(dev, TESTDEV_IRQ_GUEST, 0);
        testdev_irq_change(dev, 0, TESTDEV_IRQ_GUEST);
    }
}

static const struct testdev_register general_registers[] = {
    {.first = TESTDEV_ID, .num = 1, .read = read_id},
    {TESTDEV_FIELD(TESTDEV_SCRATCH, scratch), .writable = true},
    {TESTDEV_FIELD(TESTDEV_COUNTER, counter), .writable = true, .read = read_counter},
    {TESTDEV_FIELD(TESTDEV_ERROR_RESULT, error_result), .write = write_error_result},
    {.first = TESTDEV_BLOCKED_REENTRY, .num = 1, .read = read_reentry},
    {.first = TESTDEV_BLOCKED_DEADLOCK, .num = 1, .read = read_deadlock},
    {.first = TESTDEV_HIGH, .num = 1, .write = write_high},
    {TESTDEV_FIELD(TESTDEV_IRQ_PENDING, irq_pending)},
    {.first = TESTDEV_IRQ_RAISE, .num = 1, .write = write_raise},
    {.first = TESTDEV_IRQ_LOWER, .num = 1, .write = write_lower},
    {.first = TESTDEV_IRQ_PULSE, .num = 1, .write = write_pulse},
    {.num = 0},
};

static const struct testdev_register *const tables[] = {
    general_registers,       testdev_dma_registers,  testdev_iommu_registers,
    testdev_event_registers, testdev_bank_registers, testdev_dirty_registers,
};

/* The table's line for a register, and the register's number in it. NULL: reserved. */
static const struct testdev_register *find_register(hwaddr reg, unsigned *n)
{
    size_t i;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct testdev_register *each = tables[i];

        for (; each->num; each++) {
            if (reg >= each->first && (reg - each->first) / 8 < each->num) {
                *n = (unsigned)((reg - each->first) / 8);
                return each;
            }
        }
    }
    return NULL;
}

/* Where the table says that a register's value is kept; NULL: only callbacks know it. */
static uint64_t *field_of(struct testdev *dev, const struct testdev_register *line, unsigned n)
{
    return line->field ? (uint64_t *)((char *)dev + line->field) + n : NULL;
}

static MemTxResult registers_read(void *opaque, hwaddr addr, uint64_t *data, unsigned size,
                                  MemTxAttrs attrs)
{
    struct testdev *dev = opaque;
    const hwaddr reg = wide_register_of(addr);
    const struct testdev_register *line;
    uint64_t value = 0, *field;
    unsigned n;

    (void)attrs;
    if (reg == TESTDEV_ERROR) {
        *data = 0;
        return (MemTxResult)dev->error_result;
    }
    line = find_register(reg, &n);
    field = line ? field_of(dev, line, n) : NULL;
    if (line && line->read) {
        value = line->read(dev, n);
    } else if (field) {
        value = *field;
    }
    *data = wide_register_read(addr, value, size);
    return MEMTX_OK;
}

static MemTxResult registers_write(void *opaque, hwaddr addr, uint64_t data, unsigned size,
                                   MemTxAttrs attrs)
{
    struct testdev *dev = opaque;
    const hwaddr reg = wide_register_of(addr);
    const struct testdev_register *line;
    uint64_t *field;
    unsigned n;

    (void)attrs;
    if (reg == TESTDEV_ERROR) {
        return (MemTxResult)dev->error_result;
    }
    line = find_register(reg, &n);
    if (!line || !wide_register_write(addr, &data, size, &dev->high)) {
        return MEMTX_OK;
    }
    field = field_of(dev, line, n);
    if (line->write) {
        line->write(dev, n, data);
    } else if (line->writable && field) {
        *field = data;
    }
    return MEMTX_OK;
}

static const MemoryRegionOps register_ops = {
    .read_with_attrs = registers_read,
    .write_with_attrs = registers_write,
    WIDE_REGISTER_SIZES,
};

/* Windows on bytes of the device. */
static uint64_t load_bytes(const uint8_t *bytes, size_t room, hwaddr addr, unsigned size)
{
    uint64_t value = 0;

    if (addr < room && size <= room - addr) {
        memcpy(&value, bytes + addr, size);
    }
    return value;
}

static void store_bytes(uint8_t *bytes, size_t room, hwaddr addr, uint64_t value, unsigned size)
{
    if (addr < room && size <= room - addr) {
        memcpy(bytes + addr, &value, size);
    }
}

static uint64_t raw_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct testdev *dev = opaque;

    return load_bytes(dev->raw, sizeof(dev->raw), addr, size);
}

static void raw_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct testdev *dev = opaque;

    store_bytes(dev->raw, sizeof(dev->raw), addr, data, size);
}

static uint64_t buffer_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct testdev *dev = opaque;

    return load_bytes(dev->dma.buffer, sizeof(dev->dma.buffer), addr, size);
}

static void buffer_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    struct testdev *dev = opaque;

    store_bytes(dev->dma.buffer, sizeof(dev->dma.buffer), addr, data, size);
}

static uint64_t log_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct testdev *dev = opaque;

    return load_bytes((const uint8_t *)dev->log, sizeof(dev->log), addr, size);
}

static void log_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)data;
    (void)size;
}

#define BYTES_OPS(name)                                                                            \
    {                                                                                              \
        .read = name##_read, .write = name##_write, .endianness = DEVICE_LITTLE_ENDIAN,            \
        .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},                  \
        .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},                   \
    }

static const MemoryRegionOps raw_ops = BYTES_OPS(raw);
static const MemoryRegionOps buffer_ops = BYTES_OPS(buffer);
static const MemoryRegionOps log_ops = BYTES_OPS(log);

static int init_windows(struct testdev *dev)
{
    const struct {
        MemoryRegion *mr;
        const MemoryRegionOps *ops;
        const char *name;
        hwaddr addr;
        uint64_t size;
    } windows[] = {
        {&dev->mr_registers, &register_ops, "testdev-registers", TESTDEV_REGISTERS, 0x1000},
        {&dev->mr_log, &log_ops, "testdev-log", TESTDEV_LOG, sizeof(dev->log)},
        {&dev->mr_raw, &raw_ops, "testdev-raw", TESTDEV_RAW, sizeof(dev->raw)},
        {&dev->mr_buffer, &buffer_ops, "testdev-buffer", TESTDEV_BUFFER, sizeof(dev->dma.buffer)},
    };
    size_t i;
    int ret = 0;

    for (i = 0; ret == 0 && i < sizeof(windows) / sizeof(windows[0]); i++) {
        ret = memory_region_init_io(windows[i].mr, dev->core, &dev->owner, windows[i].ops, dev,
                                    windows[i].name, windows[i].size);
        if (ret == 0) {
            memory_region_set_flush_coalesced(windows[i].mr, true);
            ret = memory_region_add_subregion(&dev->mr_memory, windows[i].addr, windows[i].mr);
        }
    }
    return ret;
}

int testdev_init(struct testdev *dev, struct memory_core *core, const struct testdev_config *config)
{
    int ret;

    memset(dev, 0, sizeof(*dev));
    dev->config = *config;
    dev->core = core;
    memory_owner_init(&dev->owner, "testdev");
    ret = memory_region_init(&dev->mr_memory, core, &dev->owner, "testdev", TESTDEV_MEMORY_SIZE);
    if (ret == 0) {
        ret = memory_region_init(&dev->mr_ports, core, &dev->owner, "testdev-ports",
                                 TESTDEV_PORT_SIZE);
    }
    ret = ret < 0 ? ret : init_windows(dev);
    ret = ret < 0 ? ret : testdev_banks_init(dev);
    ret = ret < 0 ? ret : testdev_zones_init(dev);
    ret = ret < 0 ? ret : testdev_events_init(dev);
    ret = ret < 0 ? ret : testdev_iommu_init(dev);
    if (ret < 0) {
        testdev_finish(dev);
        return ret;
    }
    testdev_reset(dev);
    return 0;
}

void testdev_reset(struct testdev *dev)
{
    dev->high = 0;
    dev->scratch = 0;
    dev->counter = 0;
    dev->error_result = MEMTX_ERROR;
    testdev_irq_change(dev, 0, UINT64_MAX);
    testdev_dma_reset(dev);
    testdev_iommu_reset(dev);
    testdev_events_reset(dev);
    testdev_zones_reset(dev);
    testdev_banks_reset(dev);
    testdev_dirty_reset(dev);
}

void testdev_finish(struct testdev *dev)
{
    if (!dev->core) {
        return;
    }
    testdev_dirty_reset(dev);
    testdev_iommu_finish(dev);
    testdev_events_finish(dev);
    testdev_zones_finish(dev);
    testdev_banks_finish(dev);
    memory_region_unref(&dev->mr_buffer);
    memory_region_unref(&dev->mr_raw);
    memory_region_unref(&dev->mr_log);
    memory_region_unref(&dev->mr_registers);
    memory_region_unref(&dev->mr_ports);
    memory_region_unref(&dev->mr_memory);
    memory_owner_finish(&dev->owner);
    dev->core = NULL;
}
