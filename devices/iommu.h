/*
 * iommu.h - a window whose accesses go on in another address space, translated. iommu_regs.h says
 * what the guest sees.
 *
 * Translations that go in a circle (the space behind shows the window again) end by themselves:
 * memory/ follows IOMMU_HOPS_MAX of them and then gives a decode error.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch), but for
 * the window's translate, which takes none.
 */
#ifndef ACRE_DEVICES_IOMMU_H
#define ACRE_DEVICES_IOMMU_H

#include "devices/device.h"
#include "devices/iommu_table.h"

struct iommu_config {
    const char *name;               /* of the window in listings */
    uint64_t size;                  /* bytes of the window, a multiple of the page size */
    unsigned page_shift;            /* 12..30 */
    AddressSpace *target;           /* behind it; need not be initialised before the first access */
    const struct iommu_line *lines; /* not copied */
    size_t line_num;
};

struct iommu {
    MemoryRegion mr_window;
    MemoryRegion mr_registers; /* IOMMU_REGS_SIZE */
    MemoryOwner owner;

    /* private */
    struct iommu_table table;
    uint32_t high;
};

/* @config  copied. Returns: 0; -ENOMEM. A failed init leaves nothing to undo. */
int iommu_init(struct iommu *dev, struct memory_core *core, const struct iommu_config *config)
    __attribute__((warn_unused_result));
/* Takes the entries back; lines stand. */
void iommu_reset(struct iommu *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void iommu_finish(struct iommu *dev);

#endif
