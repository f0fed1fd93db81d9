/*
 * iommu_table.h - the translations of an IOMMU: entries that a guest writes, and lines that stand.
 * iommu_regs.h has an entry's layout, and which of several counts.
 *
 * Context: iommu_table_translate() in an RCU read section, without any lock, on any thread: an
 * entry is one atomic word and is read once. The others under the lock of the device that has it.
 */
#ifndef ACRE_DEVICES_IOMMU_TABLE_H
#define ACRE_DEVICES_IOMMU_TABLE_H

#include <stddef.h>

#include "devices/iommu_regs.h"
#include "memory/iommu.h"

/* Whole pages, and not beyond 2^64 behind the IOMMU either. */
struct iommu_line {
    hwaddr first, last; /* offsets in the window */
    hwaddr target;      /* where the first one goes */
    IOMMUAccessFlags perm;
};

/* Zeroed entries and these set: ready. */
struct iommu_table {
    AddressSpace *target;           /* behind the IOMMU */
    unsigned page_shift;            /* of a page's size in bytes: 12..30 */
    unsigned pages;                 /* of the window, 1..IOMMU_PAGES_MAX, that entries can cover */
    const struct iommu_line *lines; /* the caller's, constant, disjoint */
    size_t line_num;
    _Atomic uint64_t entries[IOMMU_ENTRIES];
};

/* As translate() of IOMMUMemoryRegionOps. @addr  offset in the window */
IOMMUTLBEntry iommu_table_translate(const struct iommu_table *table, hwaddr addr);

/* @n  0..IOMMU_ENTRIES-1 */
uint64_t iommu_table_read(const struct iommu_table *table, unsigned n);
/*
 * Sets an entry; what is reserved in it is dropped, so that reading back shows what counts. Tells
 * those who follow `mr`, the window, of what was mapped as unmapped, then of what is mapped.
 */
void iommu_table_write(struct iommu_table *table, MemoryRegion *mr, unsigned n, uint64_t value);
/* Takes all entries back, as writes of 0. */
void iommu_table_reset(struct iommu_table *table, MemoryRegion *mr);

#endif
