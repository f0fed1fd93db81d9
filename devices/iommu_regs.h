/*
 * iommu_regs.h - an IOMMU as a guest sees it: numbers only, for C of any world.
 *
 * Accesses to its window go on in the space behind it, page by page: where the lowest entry that
 * covers the page says; where no entry does, where the board's own translations say; else nowhere.
 * What is not permitted reads all ones and writes nothing.
 *
 * Registers are 64 bits wide, little endian, at multiples of 8, and take aligned accesses of 8
 * bytes or of 4: 4 bytes written at the register set all of it, the upper half to what was written
 * to IOMMU_HIGH just before, or else to zero. Reserved places read 0 and ignore writes.
 */
#ifndef ACRE_IOMMU_REGS_H
#define ACRE_IOMMU_REGS_H

#define IOMMU_REGS_SIZE 0x100
#define IOMMU_ENTRY 0x000 /* entry n at + 8 * n; reset: 0 */
#define IOMMU_ENTRIES 16
#define IOMMU_HIGH 0x080 /* upper half of the next 4-byte write */

/* An entry. Without one of the first three bits it covers nothing. */
#define IOMMU_ENTRY_READ 1
#define IOMMU_ENTRY_WRITE 2
#define IOMMU_ENTRY_BLOCK 4       /* covers its pages; alone: and permits nothing there */
#define IOMMU_ENTRY_ORDER_SHIFT 4 /* bits 4-7: it covers 1 << order pages, at most the window */
#define IOMMU_ENTRY_TARGET 0xffffffffff000 /* bits 12-51: address behind the IOMMU */
#define IOMMU_ENTRY_PAGE_SHIFT 52          /* bits 52-63: number of its first page in the window */
#define IOMMU_PAGES_MAX 4096               /* that those can say */

#endif
