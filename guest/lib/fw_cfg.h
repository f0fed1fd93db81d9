/*
 * fw_cfg.h - QEMU's firmware configuration, which the board qemu-test has: numbered items, and
 * files by name.
 *
 * Source: QEMU, docs/specs/fw_cfg.
 */
#ifndef ACRE_GUEST_LIB_FW_CFG_H
#define ACRE_GUEST_LIB_FW_CFG_H

#include "guest/lib/io.h"
#include "guest/lib/string.h"

#define FW_CFG_SELECTOR 0x510
#define FW_CFG_DATA 0x511
#define FW_CFG_DMA 0x514
#define FW_CFG_DMA_LOW 0x518

enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,

    FW_CFG_DMA_ERROR = 1 << 0,
    FW_CFG_DMA_READ = 1 << 1,
    FW_CFG_DMA_SKIP = 1 << 2,
    FW_CFG_DMA_SELECT = 1 << 3,
    FW_CFG_DMA_WRITE = 1 << 4,
};

struct fw_cfg_entry { /* of the directory, big-endian */
    uint32_t size;
    uint16_t key, reserved;
    char name[56];
};

static inline void fw_cfg_select(uint16_t key)
{
    outw(FW_CFG_SELECTOR, key);
}

static inline uint8_t fw_cfg_next(void)
{
    return inb(FW_CFG_DATA);
}

/* The next bytes of the selected item. */
static inline void fw_cfg_read(void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = fw_cfg_next();
    }
}

/* An item that is a number of `size` bytes. */
static inline uint64_t fw_cfg_number(uint16_t key, size_t size)
{
    uint64_t value = 0;

    fw_cfg_select(key);
    fw_cfg_read(&value, size);
    return value;
}

/* Finds a file, and selects it. Returns: its size in bytes; -1 when there is none. */
static inline int64_t fw_cfg_open(const char *name)
{
    struct fw_cfg_entry entry;
    uint32_t num;

    num = __builtin_bswap32((uint32_t)fw_cfg_number(FW_CFG_FILE_DIR, 4));
    for (; num > 0; num--) {
        fw_cfg_read(&entry, sizeof(entry));
        if (strcmp(entry.name, name) == 0) {
            fw_cfg_select(__builtin_bswap16(entry.key));
            return __builtin_bswap32(entry.size);
        }
    }
    return -1;
}

/* One transfer. @control  FW_CFG_DMA_*, a key in bits 16-31. Returns: the control word after it. */
static inline uint32_t fw_cfg_transfer(uint32_t control, uint32_t len, uint64_t addr)
{
    volatile struct {
        uint32_t control, len;
        uint64_t addr;
    } __attribute__((aligned(16)))
    descriptor = {__builtin_bswap32(control), __builtin_bswap32(len), __builtin_bswap64(addr)};

    outl(FW_CFG_DMA, 0);
    outl(FW_CFG_DMA_LOW, __builtin_bswap32((uint32_t)(uintptr_t)&descriptor));
    return __builtin_bswap32(descriptor.control);
}

#endif
