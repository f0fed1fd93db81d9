/*
 * board_iommu.h - IOMMUs by themselves: what a node says of its window, its translations and the
 * space behind it, which is all of memory or another node's region.
 */
#ifndef ACRE_VMM_BOARD_IOMMU_H
#define ACRE_VMM_BOARD_IOMMU_H

#include "devices/iommu.h"
#include "vmm/board_build.h"

/* The device, and the space behind it where that is not all of memory. */
struct board_iommu {
    struct iommu dev;
    AddressSpace behind;
    MemoryRegion root, shown; /* of that space: a container, an alias of the node's region */
};

/* The init, mounted and unmounting of board.c's row. The part's state is a struct board_iommu. */
int board_iommu_init(struct board *board, struct part *part, struct error *err)
    __attribute__((warn_unused_result));
int board_iommu_mounted(struct board *board, struct part *part, struct error *err)
    __attribute__((warn_unused_result));
void board_iommu_unmounting(void *state);

#endif
