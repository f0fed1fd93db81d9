/*
 * pc_testdev.h - QEMU's pc-testdev, which kernel tests use to see how accesses arrive.
 *
 *   mr_ioport       0xe0, 4 ports: a 32-bit word, read and written in any width.
 *   mr_flush        0xe4, 4 ports. 32-bit writes: an address in the page that KVM has to map anew.
 *   mr_ioport_byte  0xe8, 4 ports: mr_ioport's word; wider accesses arrive byte by byte.
 *   mr_irq          0x2000, 24 ports. Byte writes: the level (0, or anything else) of an input.
 *   mr_iomem        0xff000000, 64 KiB that keep what is written, a register for each byte.
 *
 * mr_flush and mr_irq read as 0 in the widths that they are written in.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: QEMU, hw/misc/pc-testdev.c: its register layout.
 */
#ifndef ACRE_DEVICES_PC_TESTDEV_H
#define ACRE_DEVICES_PC_TESTDEV_H

#include "devices/device.h"
#include "memory/region.h"

enum {
    PC_TESTDEV_IRQ_NUM = 24,
    PC_TESTDEV_PORTS_SIZE = 4,        /* bytes of mr_ioport, mr_flush, mr_ioport_byte */
    PC_TESTDEV_IOMEM_SIZE = 64 << 10, /* bytes of mr_iomem */
};

struct pc_testdev_config {
    struct irq_line irqs[PC_TESTDEV_IRQ_NUM]; /* by number of interrupt input (GSI) */
    /*
     * Has the page at an address of system memory, a multiple of 4096, mapped anew; whatever is
     * there, or nothing. May be NULL. Must not call back into the device.
     */
    void (*flush_page)(void *opaque, hwaddr addr);
    void *opaque;
};

struct pc_testdev {
    MemoryRegion mr_ioport;
    MemoryRegion mr_flush;
    MemoryRegion mr_ioport_byte;
    MemoryRegion mr_irq;
    MemoryRegion mr_iomem;
    MemoryOwner owner;

    /* private */
    struct pc_testdev_config config;
    uint32_t levels; /* a bit for each line */
    uint8_t word[4]; /* in order of address */
    uint8_t iomem[PC_TESTDEV_IOMEM_SIZE];
};

/* Returns: 0; -ENOMEM. A failed init leaves nothing to undo. */
int pc_testdev_init(struct pc_testdev *dev, struct memory_core *core,
                    const struct pc_testdev_config *config) __attribute__((warn_unused_result));
/* Lowers all lines and clears all that was written. */
void pc_testdev_reset(struct pc_testdev *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void pc_testdev_finish(struct pc_testdev *dev);

#endif
