/*
 * fw_cfg.h - QEMU's firmware configuration: named and numbered items that a guest reads.
 *
 * mr_ports is the selector and data pair (guests expect it at 0x510): a 16-bit write selects an
 * item and rewinds it, each byte read, from either port, is the item's next one, 0 behind its end.
 * mr_dma is the address of a transfer, 64 bits, big-endian (at 0x514): writing its low half carries
 * out what the descriptor there says. Items are read-only: data written is ignored, a transfer
 * towards an item fails.
 *
 * Items: signature (0), features (1), RAM size (3), no graphics (4), CPUs (5), most CPUs (15),
 * command line and its size (0x15, 0x14), the directory (0x19) and the files (from 0x20, in order
 * of their names). All others are empty: no kernel and no initial RAM disk wait here for a
 * firmware.
 *
 * A transfer reaches RAM only and ends at the first error with what was done so far; more than the
 * item has is read as zeros, in time in proportion to the length, at most 4 GiB.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: QEMU, docs/specs/fw_cfg: "Guest-side Hardware Interface", "Guest-side DMA Interface".
 */
#ifndef ACRE_DEVICES_FW_CFG_H
#define ACRE_DEVICES_FW_CFG_H

#include "devices/device.h"
#include "memory/address_space.h"
#include "memory/region.h"

#define FW_CFG_PORTS_SIZE 2U /* bytes of mr_ports */
#define FW_CFG_DMA_SIZE 8U   /* bytes of mr_dma */

enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,

    FW_CFG_FILES_MAX = 0x20,
    FW_CFG_ITEMS_MAX = FW_CFG_FILE_FIRST + FW_CFG_FILES_MAX,
    FW_CFG_NAME_SIZE = 56, /* bytes of a file's name, its NUL included */

    FW_CFG_DMA_ERROR = 1 << 0, /* the descriptor's control word */
    FW_CFG_DMA_READ = 1 << 1,
    FW_CFG_DMA_SKIP = 1 << 2,
    FW_CFG_DMA_SELECT = 1 << 3, /* the item in bits 16-31 */
    FW_CFG_DMA_WRITE = 1 << 4,
};

/* Name and data are borrowed and outlive the device. */
struct fw_cfg_file {
    const char *name; /* 1..55 bytes */
    const void *data;
    uint32_t size; /* bytes; 0: an empty file */
};

struct fw_cfg_config {
    AddressSpace *memory; /* what transfers reach; may be initialised after the device */
    uint64_t ram_size;    /* bytes */
    uint16_t cpu_num, cpu_num_max;
    const char *cmdline; /* borrowed as files are; NULL: none */
    /* In any order, without equal names; the array is only read at init. */
    const struct fw_cfg_file *files;
    size_t file_num; /* 0..FW_CFG_FILES_MAX */
};

struct fw_cfg_item {
    const uint8_t *data;
    uint32_t size;
};

struct fw_cfg {
    MemoryRegion mr_ports;
    MemoryRegion mr_dma;
    MemoryOwner owner;

    /* private */
    AddressSpace *memory;
    struct fw_cfg_item items[FW_CFG_ITEMS_MAX]; /* size 0: empty */
    uint8_t numbers[32];                        /* the items that are numbers, in line */
    size_t numbers_used;
    uint8_t directory[4 + 64 * FW_CFG_FILES_MAX];
    uint16_t selected; /* as written; may name no item */
    uint32_t offset;   /* of the next byte, at most the item's size */
    uint64_t dma_addr; /* as far as it was written */
};

/*
 * Returns: 0; -EINVAL a file's name is empty or too long; -EEXIST two have the same; -ENOSPC too
 * many; -ENOMEM. A failed init leaves nothing to undo.
 */
int fw_cfg_init(struct fw_cfg *dev, struct memory_core *core, const struct fw_cfg_config *config)
    __attribute__((warn_unused_result));
/* Selects the signature, forgets half an address. */
void fw_cfg_reset(struct fw_cfg *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void fw_cfg_finish(struct fw_cfg *dev);

#endif
