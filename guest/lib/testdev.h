/*
 * testdev.h - the test devices and the bank switch of the board `puzzle`.
 *
 * Their registers are described in the two headers included; 64 bits each, read and written whole.
 */
#ifndef ACRE_GUEST_LIB_TESTDEV_H
#define ACRE_GUEST_LIB_TESTDEV_H

#include "devices/bank_switch_regs.h"
#include "devices/testdev_regs.h"
#include "guest/lib/boot.h"
#include "guest/lib/io.h"

struct testdev {
    uint64_t memory;     /* the first of its 64 KiB */
    uint64_t translated; /* the window behind its IOMMU */
    uint16_t ports;
    unsigned irq;
};

/* The index-th test device of the tree. Ends the program, failed, where there is none. */
struct testdev testdev_open(const struct boot_info *boot, unsigned index);
uint64_t testdev_read(const struct testdev *dev, unsigned reg);
void testdev_write(const struct testdev *dev, unsigned reg, uint64_t value);

/* Where bank n is: 0..7 in memory, 8..11 among the ports. */
uint64_t testdev_bank(const struct testdev *dev, unsigned n);
/* Gives a bank another shape. Returns: success. */
bool testdev_shape(const struct testdev *dev, unsigned n, uint64_t shape);
/* Where the bank's contents lie, unlogged; they can be read and written there at any width. */
uint64_t testdev_raw(const struct testdev *dev, unsigned n);

/* Forgets the calls so far. */
void testdev_log_clear(const struct testdev *dev);
/* Were there `num` calls since? */
bool testdev_called(const struct testdev *dev, unsigned num);
/*
 * Was call number i that one?
 * @who  bank or TESTDEV_WHO_*. @size  bytes, | TESTDEV_LOG_WRITE for a write.
 */
bool testdev_call_is(const struct testdev *dev, unsigned i, unsigned who, unsigned size,
                     unsigned offset, uint64_t value);

/* One DMA command. Returns: TESTDEV_DMA_RESULT. */
uint64_t testdev_dma(const struct testdev *dev, unsigned command, uint64_t source, uint64_t dest,
                     uint64_t length, uint64_t flags);
/* Entry n of the IOMMU. @flags  TESTDEV_IOMMU_READ, _WRITE. @order  of its size in pages */
void testdev_iommu_set(const struct testdev *dev, unsigned n, uint64_t iova, uint64_t target,
                       unsigned flags, unsigned order);
/* Fills in an event slot and gives it the command. Returns: TESTDEV_EVENT_RESULT. */
struct testdev_event {
    unsigned slot, offset, size, flags;
    uint64_t data;
};
uint64_t testdev_event(const struct testdev *dev, struct testdev_event event, unsigned command);

/* The bank switch's place. Ends the program, failed, where there is none. */
uint64_t bank_switch_open(const struct boot_info *boot);
/* Selects region `name`. Ends the program, failed, where there is none. */
void bank_switch_select(uint64_t bank_switch, const char *name);
/* A register of the region selected, or the command. Returns: BANK_SWITCH_RESULT. */
uint64_t bank_switch_set(uint64_t bank_switch, unsigned reg, uint64_t value);
uint64_t bank_switch_get(uint64_t bank_switch, unsigned reg);

#endif
