/*
 * iommu_table.c - entries by their number, then lines in their order. Both are short, so a search
 * is a walk.
 */
#include "devices/iommu_table.h"

enum {
    PERMISSIONS = IOMMU_ENTRY_READ | IOMMU_ENTRY_WRITE,
    COVERS = PERMISSIONS | IOMMU_ENTRY_BLOCK,
};

static uint64_t order_of(uint64_t entry)
{
    return entry >> IOMMU_ENTRY_ORDER_SHIFT & 0xf;
}

static hwaddr mask_of(const struct iommu_table *table, uint64_t entry)
{
    return (UINT64_C(1) << (table->page_shift + order_of(entry))) - 1;
}

static hwaddr iova_of(const struct iommu_table *table, uint64_t entry)
{
    return entry >> IOMMU_ENTRY_PAGE_SHIFT << table->page_shift & ~mask_of(table, entry);
}

static IOMMUTLBEntry translation_of(const struct iommu_table *table, uint64_t entry)
{
    return (IOMMUTLBEntry){
        .target_as = table->target,
        .iova = iova_of(table, entry),
        .translated_addr = entry & IOMMU_ENTRY_TARGET & ~mask_of(table, entry),
        .addr_mask = mask_of(table, entry),
        .perm = (IOMMUAccessFlags)(entry & PERMISSIONS),
    };
}

/* What the lines say of a page. */
static IOMMUTLBEntry line_of(const struct iommu_table *table, hwaddr addr)
{
    const hwaddr mask = (UINT64_C(1) << table->page_shift) - 1;
    IOMMUTLBEntry page = {
        .target_as = table->target,
        .iova = addr & ~mask,
        .addr_mask = mask,
    };
    size_t i;

    for (i = 0; i < table->line_num; i++) {
        const struct iommu_line *line = &table->lines[i];

        if (addr >= line->first && addr <= line->last) {
            page.translated_addr = line->target + (page.iova - line->first);
            page.perm = line->perm;
            break;
        }
    }
    return page;
}

IOMMUTLBEntry iommu_table_translate(const struct iommu_table *table, hwaddr addr)
{
    unsigned i;

    for (i = 0; i < IOMMU_ENTRIES; i++) {
        uint64_t entry = atomic_load_explicit(&table->entries[i], memory_order_acquire);

        if (entry & COVERS && (addr & ~mask_of(table, entry)) == iova_of(table, entry)) {
            return translation_of(table, entry);
        }
    }
    return line_of(table, addr);
}

uint64_t iommu_table_read(const struct iommu_table *table, unsigned n)
{
    return atomic_load_explicit(&table->entries[n], memory_order_relaxed);
}

/* Bits of the number of a page in the window; as an order, that covers all of it. */
static unsigned page_bits(const struct iommu_table *table)
{
    unsigned bits = 0;

    while (UINT32_C(1) << bits < table->pages) {
        bits++;
    }
    return bits;
}

static uint64_t clean_entry(const struct iommu_table *table, uint64_t value)
{
    const unsigned bits = page_bits(table);
    uint64_t order = order_of(value), page = value >> IOMMU_ENTRY_PAGE_SHIFT;

    order = order > bits ? bits : order;
    page &= (UINT64_C(1) << bits) - 1;
    return (value & (COVERS | IOMMU_ENTRY_TARGET)) | order << IOMMU_ENTRY_ORDER_SHIFT |
           page << IOMMU_ENTRY_PAGE_SHIFT;
}

void iommu_table_write(struct iommu_table *table, MemoryRegion *mr, unsigned n, uint64_t value)
{
    IOMMUTLBEntry told;
    uint64_t old;

    value = clean_entry(table, value);
    old = atomic_exchange_explicit(&table->entries[n], 0, memory_order_acq_rel);
    if (old & PERMISSIONS) {
        told = translation_of(table, old);
        told.perm = IOMMU_NONE;
        memory_region_notify_iommu(mr, IOMMU_NOTIFIER_UNMAP, &told);
    }
    atomic_store_explicit(&table->entries[n], value, memory_order_release);
    if (value & PERMISSIONS) {
        told = translation_of(table, value);
        memory_region_notify_iommu(mr, IOMMU_NOTIFIER_MAP, &told);
    }
}

void iommu_table_reset(struct iommu_table *table, MemoryRegion *mr)
{
    unsigned i;

    for (i = 0; i < IOMMU_ENTRIES; i++) {
        iommu_table_write(table, mr, i, 0);
    }
}
