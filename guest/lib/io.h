/*
 * io.h - ports and memory-mapped registers, one instruction of exactly the stated width each.
 *
 * Everything is volatile assembler, so that the compiler neither merges, splits, drops nor reorders
 * an access. mmio_* take a guest-physical address below 4 GiB (mapped one to one).
 */
#ifndef ACRE_GUEST_LIB_IO_H
#define ACRE_GUEST_LIB_IO_H

#include <stddef.h>
#include <stdint.h>

#define IO_PORT_ACCESSORS(suffix, type, reg)                                                       \
    static inline void out##suffix(uint16_t port, type value)                                      \
    {                                                                                              \
        __asm__ volatile("out" #suffix " %" reg "0, %1" ::"a"(value), "Nd"(port) : "memory");      \
    }                                                                                              \
    static inline type in##suffix(uint16_t port)                                                   \
    {                                                                                              \
        type value;                                                                                \
        __asm__ volatile("in" #suffix " %1, %" reg "0" : "=a"(value) : "Nd"(port) : "memory");     \
        return value;                                                                              \
    }                                                                                              \
    /* `count` items between `port` and consecutive places from `buf` on. */                       \
    static inline void outs##suffix(uint16_t port, const void *buf, size_t count)                  \
    {                                                                                              \
        __asm__ volatile("cld; rep outs" #suffix                                                   \
                         : "+S"(buf), "+c"(count)                                                  \
                         : "d"(port)                                                               \
                         : "memory", "cc");                                                        \
    }                                                                                              \
    static inline void ins##suffix(uint16_t port, void *buf, size_t count)                         \
    {                                                                                              \
        __asm__ volatile("cld; rep ins" #suffix                                                    \
                         : "+D"(buf), "+c"(count)                                                  \
                         : "d"(port)                                                               \
                         : "memory", "cc");                                                        \
    }                                                                                              \
    /* The same downwards (DF set): `last` is the address of the first item moved. */              \
    static inline void outs##suffix##_down(uint16_t port, const void *last, size_t count)          \
    {                                                                                              \
        __asm__ volatile("std; rep outs" #suffix "; cld"                                           \
                         : "+S"(last), "+c"(count)                                                 \
                         : "d"(port)                                                               \
                         : "memory", "cc");                                                        \
    }                                                                                              \
    static inline void ins##suffix##_down(uint16_t port, void *last, size_t count)                 \
    {                                                                                              \
        __asm__ volatile("std; rep ins" #suffix "; cld"                                            \
                         : "+D"(last), "+c"(count)                                                 \
                         : "d"(port)                                                               \
                         : "memory", "cc");                                                        \
    }

IO_PORT_ACCESSORS(b, uint8_t, "b")
IO_PORT_ACCESSORS(w, uint16_t, "w")
IO_PORT_ACCESSORS(l, uint32_t, "k")

#define IO_MMIO_ACCESSORS(bits, suffix, reg)                                                       \
    static inline uint##bits##_t mmio_read##bits(uint64_t addr)                                    \
    {                                                                                              \
        uint##bits##_t value;                                                                      \
        __asm__ volatile("mov" #suffix " (%1), %" reg "0" : "=r"(value) : "r"(addr) : "memory");   \
        return value;                                                                              \
    }                                                                                              \
    static inline void mmio_write##bits(uint64_t addr, uint##bits##_t value)                       \
    {                                                                                              \
        __asm__ volatile("mov" #suffix " %" reg "0, (%1)" ::"r"(value), "r"(addr) : "memory");     \
    }

IO_MMIO_ACCESSORS(8, b, "b")
IO_MMIO_ACCESSORS(16, w, "w")
IO_MMIO_ACCESSORS(32, l, "k")
IO_MMIO_ACCESSORS(64, q, "q")

/* The same by number of bytes: 1, 2, 4, and 8 in memory. */
static inline void mmio_write(uint64_t addr, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        mmio_write8(addr, (uint8_t)value);
        break;
    case 2:
        mmio_write16(addr, (uint16_t)value);
        break;
    case 4:
        mmio_write32(addr, (uint32_t)value);
        break;
    default:
        mmio_write64(addr, value);
    }
}

static inline uint64_t mmio_read(uint64_t addr, unsigned size)
{
    return size == 1   ? mmio_read8(addr)
           : size == 2 ? mmio_read16(addr)
           : size == 4 ? mmio_read32(addr)
                       : mmio_read64(addr);
}

static inline void port_write(uint16_t port, unsigned size, uint32_t value)
{
    switch (size) {
    case 1:
        outb(port, (uint8_t)value);
        break;
    case 2:
        outw(port, (uint16_t)value);
        break;
    default:
        outl(port, value);
    }
}

static inline uint32_t port_read(uint16_t port, unsigned size)
{
    return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

/* Memory-to-memory by one instruction; either side may be a device. */
static inline void mmio_copy8(uint64_t to, uint64_t from, size_t count)
{
    __asm__ volatile("cld; rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory", "cc");
}

/* Adds 1 under the lock prefix: a read and a write of 32 bits. */
static inline void mmio_lock_inc32(uint64_t addr)
{
    __asm__ volatile("lock incl (%0)" ::"r"(addr) : "memory", "cc");
}

#endif
