/*
 * dispatch.c - one piece of an access, to the region that answers it.
 *
 * Data travels as bytes in order of address; a device's byte order matters only where a unit of
 * them becomes the value of a callback, so bytes are swapped once or not at all. An access is made
 * of naturally aligned units within [impl.min, impl.max], ascending; bytes asked for that fill less
 * than the smallest unit are cut out of it.
 */
#include "memory/internal.h"

#include <stdio.h>

#define ALWAYS_INLINE __attribute__((always_inline)) /* on the way of every exit */

static unsigned or_default(unsigned value, unsigned unset)
{
    return value ? value : unset;
}

/* The value of `len` (1, 2, 4, 8) bytes in a byte order, and the bytes of a value. */
static uint64_t load(const uint8_t *buf, unsigned len, enum device_endian endian)
{
    uint64_t value = 0;

    switch (len) {
    case 1:
        return buf[0];
    case 2:
        __builtin_memcpy(&value, buf, 2);
        break;
    case 4:
        __builtin_memcpy(&value, buf, 4);
        break;
    default:
        __builtin_memcpy(&value, buf, 8);
        break;
    }
    return endian == DEVICE_BIG_ENDIAN ? __builtin_bswap64(value) >> (64 - 8 * len) : value;
}

static void store(uint8_t *buf, unsigned len, enum device_endian endian, uint64_t value)
{
    if (endian == DEVICE_BIG_ENDIAN) {
        value = __builtin_bswap64(value) >> (64 - 8 * len);
    }
    switch (len) {
    case 1:
        buf[0] = (uint8_t)value;
        break;
    case 2:
        __builtin_memcpy(buf, &value, 2);
        break;
    case 4:
        __builtin_memcpy(buf, &value, 4);
        break;
    default:
        __builtin_memcpy(buf, &value, 8);
        break;
    }
}

/* The largest power of two that is not above `value`, which is not 0. */
static unsigned floor_power_of_two(uint64_t value)
{
    return value >= 8 ? 8U : 1U << (31 - __builtin_clz((unsigned)value));
}

static uint64_t lowest_bit(uint64_t value)
{
    return value ? value & -value : 8;
}

unsigned region_piece(const FlatRange *range, hwaddr offset, uint64_t len)
{
    const MemoryRegion *mr = range->mr;
    uint64_t rest = range->region_last - offset; /* bytes behind the first */
    unsigned max = 8;
    bool unaligned = false;

    if (mr->ops) {
        max = or_default(mr->ops->valid.max_access_size, 4);
        unaligned = mr->ops->valid.unaligned || mr->ops->impl.unaligned;
    }
    max = max < 8 ? max : 8;
    if (!unaligned && lowest_bit(offset) < max) {
        max = (unsigned)lowest_bit(offset);
    }
    if (rest < max) {
        max = floor_power_of_two(rest + 1);
    }
    return floor_power_of_two(len < max ? len : max);
}

MemoryRefusal region_access_refusal(const MemoryRegion *mr, hwaddr offset, unsigned len,
                                    bool is_write, MemTxAttrs attrs)
{
    const MemoryRegionOps *ops = mr->ops;

    if (!ops) {
        return mr->kind == MEMORY_REGION_RAM_DEVICE ? MEMORY_REFUSAL_NONE : MEMORY_REFUSAL_SIZE;
    }
    if (ops->valid.accepts && !ops->valid.accepts(mr->opaque, offset, len, is_write, attrs)) {
        return MEMORY_REFUSAL_ACCEPTS;
    }
    if (!ops->valid.unaligned && (offset & (len - 1))) {
        return MEMORY_REFUSAL_UNALIGNED;
    }
    return ops->valid.max_access_size == 0 ||
                   (len <= ops->valid.max_access_size && len >= ops->valid.min_access_size)
               ? MEMORY_REFUSAL_NONE
               : MEMORY_REFUSAL_SIZE;
}

static inline ALWAYS_INLINE MemTxResult call_read(const MemoryRegion *mr, hwaddr offset,
                                                  uint64_t *value, unsigned len, MemTxAttrs attrs)
{
    if (mr->ops->read) {
        *value = mr->ops->read(mr->opaque, offset, len);
        return MEMTX_OK;
    }
    *value = 0;
    return mr->ops->read_with_attrs(mr->opaque, offset, value, len, attrs);
}

static inline ALWAYS_INLINE MemTxResult call_write(const MemoryRegion *mr, hwaddr offset,
                                                   uint64_t value, unsigned len, MemTxAttrs attrs)
{
    if (mr->ops->write) {
        mr->ops->write(mr->opaque, offset, value, len);
        return MEMTX_OK;
    }
    return mr->ops->write_with_attrs(mr->opaque, offset, value, len, attrs);
}

/* An access that is one unit: the common case. */
static inline ALWAYS_INLINE MemTxResult access_unit(const MemoryRegion *mr, hwaddr offset,
                                                    uint8_t *buf, unsigned len, bool is_write,
                                                    MemTxAttrs attrs)
{
    enum device_endian endian = mr->ops->endianness;
    uint64_t value;
    MemTxResult result;

    if (is_write) {
        return call_write(mr, offset, load(buf, len, endian), len, attrs);
    }
    result = call_read(mr, offset, &value, len, attrs);
    store(buf, len, endian, value);
    return result;
}

/* A unit: `len` bytes at `offset`, or that cut out of the aligned unit of `wide` bytes there. */
static MemTxResult read_unit(const FlatRange *range, hwaddr offset, uint8_t *buf, unsigned len,
                             unsigned wide, MemTxAttrs attrs)
{
    enum device_endian endian = range->mr->ops->endianness;
    unsigned skip = wide > len ? (unsigned)(offset & (wide - 1)) : 0;
    uint8_t bytes[8] = {0};
    uint64_t value;
    MemTxResult result;

    if (wide - 1 > range->region_last - (offset - skip)) {
        __builtin_memset(buf, 0, len);
        return MEMTX_DECODE_ERROR; /* the unit sticks out of the region */
    }
    result = call_read(range->mr, offset - skip, &value, wide, attrs);
    store(bytes, wide, endian, value);
    __builtin_memcpy(buf, bytes + skip, len);
    return result;
}

static MemTxResult write_unit(const FlatRange *range, hwaddr offset, const uint8_t *buf,
                              unsigned len, unsigned wide, MemTxAttrs attrs)
{
    const MemoryRegionOps *ops = range->mr->ops;
    unsigned skip = wide > len ? (unsigned)(offset & (wide - 1)) : 0;
    uint8_t bytes[8] = {0};
    MemTxResult result = MEMTX_OK;

    if (wide - 1 > range->region_last - (offset - skip) ||
        (wide > len && ops->impl.narrow_write == MEMORY_NARROW_WRITE_REJECT)) {
        return MEMTX_DECODE_ERROR;
    }
    if (wide > len && ops->impl.narrow_write == MEMORY_NARROW_WRITE_RMW) {
        uint64_t value;

        result = call_read(range->mr, offset - skip, &value, wide, attrs);
        store(bytes, wide, ops->endianness, value);
    }
    __builtin_memcpy(bytes + skip, buf, len);
    return result |
           call_write(range->mr, offset - skip, load(bytes, wide, ops->endianness), wide, attrs);
}

unsigned region_next_unit(const MemoryRegionOps *ops, hwaddr offset, unsigned len, unsigned *wide)
{
    unsigned min = or_default(ops->impl.min_access_size, 1);
    unsigned max = or_default(ops->impl.max_access_size, 4);
    unsigned unit = len < max ? floor_power_of_two(len) : max;
    unsigned rest;

    if (!ops->impl.unaligned && lowest_bit(offset) < unit) {
        unit = (unsigned)lowest_bit(offset);
    }
    *wide = unit < min ? min : unit;
    if (*wide == unit) {
        return unit;
    }
    rest = (unsigned)(*wide - (offset & (*wide - 1)));
    return rest < len ? rest : len; /* all of the wide unit that was asked for */
}

static MemTxResult access_units(const FlatRange *range, hwaddr offset, uint8_t *buf, unsigned len,
                                bool is_write, MemTxAttrs attrs)
{
    const MemoryRegionOps *ops = range->mr->ops;
    unsigned min = or_default(ops->impl.min_access_size, 1);
    unsigned max = or_default(ops->impl.max_access_size, 4);
    MemTxResult result = MEMTX_OK;

    if (len >= min && len <= max && (!(offset & (len - 1)) || ops->impl.unaligned)) {
        return access_unit(range->mr, offset, buf, len, is_write, attrs);
    }
    while (len) {
        unsigned wide, unit = region_next_unit(ops, offset, len, &wide);

        result |= is_write ? write_unit(range, offset, buf, unit, wide, attrs)
                           : read_unit(range, offset, buf, unit, wide, attrs);
        offset += unit;
        buf += unit;
        len -= unit;
    }
    return result;
}

/* A RAM device sees exactly one load or store of the access's size. */
static MemTxResult access_ram_device(const FlatRange *range, hwaddr offset, uint8_t *buf,
                                     unsigned len, bool is_write)
{
    void *host = range->mr->host + offset;

    if (is_write && range->readonly) {
        return MEMTX_DECODE_ERROR;
    }
#define EXACTLY(bytes, type)                                                                       \
    case bytes: {                                                                                  \
        type value;                                                                                \
        if (is_write) {                                                                            \
            __builtin_memcpy(&value, buf, bytes);                                                  \
            *(volatile type *)host = value;                                                        \
        } else {                                                                                   \
            value = *(volatile type *)host;                                                        \
            __builtin_memcpy(buf, &value, bytes);                                                  \
        }                                                                                          \
        break;                                                                                     \
    }
    switch (len) {
        EXACTLY(1, uint8_t)
        EXACTLY(2, uint16_t)
        EXACTLY(4, uint32_t)
        EXACTLY(8, uint64_t)
    default:
        return MEMTX_ERROR;
    }
#undef EXACTLY
    if (is_write) {
        ram_block_set_dirty(range->mr->ram_block, offset, len);
    }
    return MEMTX_OK;
}

static bool signal_eventfd(const MemoryRegion *mr, hwaddr offset, const uint8_t *buf, unsigned len)
{
    const struct memory_eventfd_list *list = rcu_load(mr->live_eventfds);
    uint64_t value = load(buf, len, DEVICE_LITTLE_ENDIAN);

    for (size_t i = 0; list && i < list->num; i++) {
        const MemoryRegionIoeventfd *eventfd = &list->items[i];

        if (eventfd->addr == offset && (eventfd->size == 0 || eventfd->size == len) &&
            (!eventfd->match_data || eventfd->data == value)) {
            if (mr->core->config.signal_eventfd) {
                mr->core->config.signal_eventfd(mr->core->config.opaque, eventfd->fd);
            }
            return true;
        }
    }
    return false;
}

static __attribute__((cold)) MemTxResult refuse(const MemoryRegion *mr, hwaddr offset,
                                                enum owner_entry why)
{
    char line[160];

    if (mr->core->config.log) {
        (void)snprintf(line, sizeof(line), "blocked %s access to %s at offset 0x%llx",
                       why == OWNER_REENTRY ? "re-entrant" : "deadlocking", mr->name,
                       (unsigned long long)offset);
        mr->core->config.log(mr->core->config.opaque, line);
    }
    return MEMTX_ACCESS_ERROR;
}

uint8_t region_unit_sizes(const MemoryRegionOps *ops)
{
    unsigned valid_max = or_default(ops->valid.max_access_size, 4);
    unsigned impl_max = or_default(ops->impl.max_access_size, 4);
    uint8_t sizes = 0;

    for (unsigned size = 1; size <= 8 && !ops->valid.accepts; size *= 2) {
        if (size <= valid_max && size <= impl_max && size >= ops->impl.min_access_size &&
            (size >= ops->valid.min_access_size || !ops->valid.max_access_size)) {
            sizes |= (uint8_t)size;
        }
    }
    return sizes;
}

/* Out of line: what travels with attributes would cost the others room in registers. */
static __attribute__((noinline)) MemTxResult access_unit_with_attrs(const MemoryRegion *mr,
                                                                    hwaddr offset, uint8_t *buf,
                                                                    unsigned len, bool is_write,
                                                                    MemTxAttrs attrs)
{
    return access_unit(mr, offset, buf, len, is_write, attrs);
}

/* Is the access one callback with nothing to see to before it? */
static inline bool is_unit(const MemoryRegion *mr, hwaddr offset, uint64_t len, bool is_write,
                           MemTxAttrs attrs)
{
    return len <= 8 && (mr->unit_sizes & len) && !(offset & (len - 1)) && !attrs.memory &&
           !(is_write && mr->live_eventfds);
}

/* No array is on its stack: a canary would guard nothing. */
__attribute__((no_stack_protector)) MemTxResult
access_unit_last(AddressSpace *as, MemoryAccessCache *cache, hwaddr addr, MemTxAttrs attrs,
                 void *buf, uint64_t len, bool is_write)
{
    const MemoryRegion *mr = cache->range.mr;
    hwaddr offset = cache->range.offset_in_region + (addr - cache->range.first);
    struct memory_owner_frame frame;
    enum owner_entry entry = OWNER_ENTERED;
    MemTxResult result = MEMTX_OK;

    if (!is_unit(mr, offset, len, is_write, attrs)) {
        return access_last(as, cache, addr, attrs, buf, len, is_write);
    }
    if (mr->owner) {
        entry = region_enter(mr, &frame);
    }
    if (entry != OWNER_ENTERED) {
        __builtin_memset(buf, 0, is_write ? 0 : len);
        result = refuse(mr, offset, entry);
    } else {
        if (!is_write && mr->ops->read) {
            store(buf, (unsigned)len, mr->ops->endianness,
                  mr->ops->read(mr->opaque, offset, (unsigned)len));
        } else if (is_write && mr->ops->write) {
            mr->ops->write(mr->opaque, offset, load(buf, (unsigned)len, mr->ops->endianness),
                           (unsigned)len);
        } else {
            result = access_unit_with_attrs(mr, offset, buf, (unsigned)len, is_write, attrs);
        }
        if (mr->owner) {
            owner_leave(&frame);
        }
    }
    rcu_unlock();
    return result;
}

MemTxResult region_dispatch(const FlatRange *range, hwaddr offset, uint8_t *buf, unsigned len,
                            bool is_write, MemTxAttrs attrs)
{
    const MemoryRegion *mr = range->mr;
    struct memory_owner_frame frame;
    enum owner_entry entry;
    MemTxResult result;

    if (mr->kind == MEMORY_REGION_RAM_DEVICE) {
        return access_ram_device(range, offset, buf, len, is_write);
    }
    if (!region_access_valid(mr, offset, len, is_write, attrs)) {
        if (!is_write) {
            __builtin_memset(buf, 0, len);
        }
        return MEMTX_DECODE_ERROR;
    }
    if (is_write && mr->live_eventfds && signal_eventfd(mr, offset, buf, len)) {
        return MEMTX_OK;
    }
    if (mr->flush_coalesced && mr->core->config.flush_coalesced) {
        mr->core->config.flush_coalesced(mr->core->config.opaque);
    }
    if (!mr->owner) {
        return access_units(range, offset, buf, len, is_write, attrs);
    }
    entry = region_enter(mr, &frame);
    if (entry != OWNER_ENTERED) {
        if (!is_write) {
            __builtin_memset(buf, 0, len);
        }
        return refuse(mr, offset, entry);
    }
    result = access_units(range, offset, buf, len, is_write, attrs);
    owner_leave(&frame);
    return result;
}
