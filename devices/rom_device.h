/*
 * rom_device.h - a byte-wide flash memory: reads come straight from memory until a command is
 * written, and then from the device until the array is asked for again.
 *
 * Its region is a ROM device. With romd mode on (the array mode) guests read, and run, the memory
 * itself; every write is a command:
 *   0xff       read array: romd mode on, as after power-on
 *   0x90       read identifier: offset 0 gives 0x89, offset 1 0xa2
 *   0x70       read status, which follows every program and erase, too
 *   0x50       clear status
 *   0x40 0x10  program: the next byte written is AND-ed into the array where it is written
 *   0x20       erase: 0xd0 next fills the block it is written to with 0xff; anything else is an
 *              error in the status register, and erases nothing
 * Others are read array. All but read array turn romd mode off; all is done at once, so that the
 * status register always says ready. Wider accesses are cycles for each byte, lowest first.
 * With `locked` the array cannot be changed: program and erase set the status register's VPP bit.
 *
 * Reset brings romd mode back and clears the status register; the array stays, as flash does.
 * A change of mode that the memory map refuses leaves the mode as it was.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch). Changes of
 * mode commit (core.h).
 * Source: Intel 28F008SA 8-Mbit FlashFile Memory data sheet, 290429: "Command Definitions", "Status
 * Register Definitions"; the block size is the board's.
 */
#ifndef ACRE_DEVICES_ROM_DEVICE_H
#define ACRE_DEVICES_ROM_DEVICE_H

#include "devices/device.h"
#include "memory/ram.h"
#include "memory/region.h"

#define ROM_DEVICE_MANUFACTURER 0x89U
#define ROM_DEVICE_CODE 0xa2U

/* Bits of the status register. */
enum {
    ROM_DEVICE_READY = 0x80,
    ROM_DEVICE_ERASE_FAILED = 0x20,
    ROM_DEVICE_PROGRAM_FAILED = 0x10,
    ROM_DEVICE_VPP_LOW = 0x08,
};

struct rom_device_config {
    const char *name;    /* of the region */
    RAMBlock *block;     /* the array; its reference is taken over when init succeeds */
    uint64_t erase_size; /* bytes of an erase block: a power of two, 256.. */
    bool locked;
};

struct rom_device {
    MemoryRegion mr; /* as large as the block */
    MemoryOwner owner;

    /* private */
    RAMBlock *block;
    uint64_t erase_size;
    bool locked;
    uint8_t status;
    uint8_t command; /* the one that reads and the next write belong to */
};

/* Returns: 0; -EINVAL an erase_size that is none; -ENOMEM. A failed init leaves nothing to undo. */
int rom_device_init(struct rom_device *dev, struct memory_core *core,
                    const struct rom_device_config *config) __attribute__((warn_unused_result));
void rom_device_reset(struct rom_device *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void rom_device_finish(struct rom_device *dev);

#endif
