/*
 * pc_testdev.h - QEMU's pc-testdev, which kernel tests use to see how accesses arrive.
 *
 *   region          at          takes
 *   mr_ioport       0xe0, 4     a 32-bit word, read and written in any width
 *   mr_flush        0xe4, 4     32-bit writes: the address of a page. QEMU has the page mapped
 * anew, which no guest can see; here nothing happens mr_ioport_byte  0xe8, 4     the same word as
 * mr_ioport; wider accesses arrive byte by byte mr_irq          0x2000, 24  byte writes: the level
 * (0, or anything else) of one interrupt input mr_iomem        0xff000000  64 KiB that keep what is
 * written, a register for each byte
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
};

struct pc_testdev {
    MemoryRegion mr_ioport;
    MemoryRegion mr_flush;
    MemoryRegion mr_ioport_byte;
    MemoryRegion mr_irq;
    MemoryRegion mr_iomem;
    MemoryOwner owner;

    /* private */
    struct irq_line irqs[PC_TESTDEV_IRQ_NUM];
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
