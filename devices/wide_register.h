/*
 * wide_register.h - 64-bit registers at multiples of 8 for guests that write 64 bits, or only 32.
 *
 * A read of 4 bytes gives either half. A write of 8 bytes, or of 4 bytes at the register, sets all
 * of it; the upper half of the latter is what was written to a HIGH register before, once, else 0.
 * A write of 4 bytes to the upper half does nothing.
 */
#ifndef ACRE_DEVICES_WIDE_REGISTER_H
#define ACRE_DEVICES_WIDE_REGISTER_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/region.h"

/* What such a window takes and what its callbacks see. */
#define WIDE_REGISTER_SIZES                                                                        \
    .endianness = DEVICE_LITTLE_ENDIAN, .valid = {.min_access_size = 4, .max_access_size = 8},     \
    .impl = {.min_access_size = 4, .max_access_size = 8}

/* The register at or below an offset. */
static inline hwaddr wide_register_of(hwaddr addr)
{
    return addr & ~(hwaddr)7;
}

/* What a read of `size` (4, 8) bytes at `addr` gives of the register's value. */
static inline uint64_t wide_register_read(hwaddr addr, uint64_t value, unsigned size)
{
    return size == 4 ? (uint32_t)(value >> (addr & 4 ? 32 : 0)) : value;
}

/*
 * The value that a write of `size` (4, 8) bytes sets. @high  the HIGH register; used up.
 * Returns: false when the write does nothing.
 */
static inline bool wide_register_write(hwaddr addr, uint64_t *value, unsigned size, uint32_t *high)
{
    if (addr & 4) {
        return false;
    }
    if (size == 4) {
        *value = (uint32_t)*value | (uint64_t)*high << 32;
    }
    *high = 0;
    return true;
}

#endif
