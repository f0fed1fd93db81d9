/* paging.c - adds page directories of 2 MiB pages to the tables that start.S made. */
#include "guest/lib/paging.h"

#define ENTRIES 512
#define PRESENT_WRITABLE 3
#define LARGE 0x80
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)
#define GIB_SHIFT 30
#define LARGE_SHIFT 21

bool paging_map_gib(uint64_t addr)
{
    /* Static: the CPU walks them, and there is one set of tables. */
    static uint64_t directories[PAGING_WINDOWS][ENTRIES] __attribute__((aligned(4096)));
    static unsigned used;
    uint64_t *pml4, *pdpt, gib = addr >> GIB_SHIFT;

    if (used == PAGING_WINDOWS || gib >= ENTRIES) {
        return false;
    }
    __asm__ volatile("mov %%cr3, %0" : "=r"(pml4));
    pdpt = (uint64_t *)(uintptr_t)(pml4[0] & ADDRESS_MASK);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        directories[used][i] = gib << GIB_SHIFT | i << LARGE_SHIFT | LARGE | PRESENT_WRITABLE;
    }
    pdpt[gib] = (uintptr_t)directories[used] | PRESENT_WRITABLE;
    used++;
    __asm__ volatile("mov %0, %%cr3" ::"r"(pml4) : "memory");
    return true;
}
