/*
 * boot_tables.h - the page tables and the GDT that a kernel is entered with.
 *
 * Context: one thread at a time; no vCPU runs.
 * Source: Intel SDM vol. 3A 3.4.5 (segment descriptors), 4.5 (4-level paging), 7.2 (TSS).
 */
#ifndef ACRE_VMM_BOOT_TABLES_H
#define ACRE_VMM_BOOT_TABLES_H

#include "vmm/load.h"
#include "vmm/load_file.h"

#define BOOT_PAGE_SIZE 4096U
#define BOOT_GDT_SIZE 40U /* bytes: null, code, data, TSS of up to 16 */

/* For PROTECTED32 or LONG64. */
void boot_gdt_fill(uint8_t gdt[BOOT_GDT_SIZE], enum cpu_mode mode);

/* What is mapped: [0, identity_last] to itself, then each segment's vaddr to its paddr. */
struct boot_mapping {
    uint64_t identity_last; /* rounded up to 1 GiB */
    /* vaddr and paddr are equal modulo the page size, vaddr is canonical, and no two segments
     * want one page to show two things. */
    const struct load_segment *segments;
    size_t segment_num;
};

/* How many tables (pages) boot_tables_fill may need. */
size_t boot_tables_num(const struct boot_mapping *mapping);
/*
 * Writable, executable, supervisor pages, of 2 MiB wherever they fit.
 * @tables  boot_tables_num() pages, zeroed; the first becomes the PML4.
 * @gpa     where the guest will find them, page-aligned.
 */
void boot_tables_fill(uint8_t *tables, uint64_t gpa, const struct boot_mapping *mapping);

#endif
