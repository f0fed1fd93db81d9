/*
 * boot_tables.c - one descent for every page: missing tables are made from the spare pages, a 2 MiB
 * page in the way of a 4 KiB one is split.
 */
#include "vmm/boot_tables.h"

#include <assert.h>
#include <string.h>

#define PTE_PRESENT 0x1ULL
#define PTE_WRITE 0x2ULL
#define PTE_LARGE 0x80ULL
#define PTE_ADDR 0x000ffffffffff000ULL
#define SHIFT_4K 12U
#define SHIFT_2M 21U
#define SHIFT_1G 30U
#define SHIFT_512G 39U
#define TABLE_ENTRIES 512U

struct tables {
    uint8_t *pages;
    uint64_t gpa;
    size_t used, max;
};

/* A flat segment: base 0, limit 4 GiB. `type` is the access byte, `flags` G, D/B and L. */
static uint64_t flat_descriptor(uint8_t type, uint8_t flags)
{
    return 0x000f00000000ffffULL | (uint64_t)type << 40 | (uint64_t)flags << 52;
}

void boot_gdt_fill(uint8_t gdt[BOOT_GDT_SIZE], enum cpu_mode mode)
{
    uint64_t entries[BOOT_GDT_SIZE / 8] = {
        /* present, code, readable, accessed; G and L, or G and D */
        [BOOT_GDT_CODE / 8] = flat_descriptor(0x9b, mode == CPU_MODE_LONG64 ? 0xa : 0xc),
        [BOOT_GDT_DATA / 8] = flat_descriptor(0x93, 0xc),
        /* present, busy TSS of 0x68 bytes at 0; in long mode the next entry is its high half */
        [BOOT_GDT_TSS / 8] = 0x00008b0000000067ULL,
    };

    memcpy(gdt, entries, sizeof(entries));
}

static uint64_t entry_get(const struct tables *t, uint64_t table, uint64_t index)
{
    uint64_t entry;

    memcpy(&entry, t->pages + (table - t->gpa) + index * 8, sizeof(entry));
    return entry;
}

static void entry_set(const struct tables *t, uint64_t table, uint64_t index, uint64_t entry)
{
    memcpy(t->pages + (table - t->gpa) + index * 8, &entry, sizeof(entry));
}

static uint64_t table_new(struct tables *t)
{
    assert(t->used < t->max);
    return t->gpa + BOOT_PAGE_SIZE * (uint64_t)t->used++;
}

/* The table below an entry; made if there is none, split off if there is a 2 MiB page. */
static uint64_t table_below(struct tables *t, uint64_t table, uint64_t index)
{
    uint64_t entry = entry_get(t, table, index), below;

    if ((entry & PTE_PRESENT) && !(entry & PTE_LARGE)) {
        return entry & PTE_ADDR;
    }
    below = table_new(t);
    if (entry & PTE_LARGE) {
        for (uint64_t i = 0; i < TABLE_ENTRIES; i++) {
            entry_set(t, below, i, (entry & ~PTE_LARGE) + (i << SHIFT_4K));
        }
    }
    entry_set(t, table, index, below | PTE_PRESENT | PTE_WRITE);
    return below;
}

static void map_page(struct tables *t, uint64_t va, uint64_t pa, unsigned page_shift)
{
    uint64_t table = t->gpa;
    unsigned shift = SHIFT_512G;

    for (; shift > page_shift; shift -= 9) {
        table = table_below(t, table, (va >> shift) % TABLE_ENTRIES);
    }
    entry_set(t, table, (va >> shift) % TABLE_ENTRIES,
              pa | PTE_PRESENT | PTE_WRITE | (page_shift == SHIFT_2M ? PTE_LARGE : 0));
}

/* [va, last] to pa; va and pa are page-aligned, last is the last byte. */
static void map(struct tables *t, uint64_t va, uint64_t last, uint64_t pa)
{
    const uint64_t large = 1ULL << SHIFT_2M;

    for (;;) {
        bool fits = (va | pa) % large == 0 && last - va >= large - 1;
        uint64_t size = fits ? large : BOOT_PAGE_SIZE;

        map_page(t, va, pa, fits ? SHIFT_2M : SHIFT_4K);
        if (last - va < size) {
            return;
        }
        va += size;
        pa += size;
    }
}

/* How many units of 1 << shift bytes [first, last] touches. */
static size_t units(uint64_t first, uint64_t last, unsigned shift)
{
    return (size_t)((last >> shift) - (first >> shift)) + 1;
}

static bool is_identity(const struct load_segment *segment, const struct boot_mapping *mapping)
{
    return segment->vaddr == segment->paddr && segment->vaddr <= mapping->identity_last;
}

size_t boot_tables_num(const struct boot_mapping *mapping)
{
    uint64_t last = mapping->identity_last;
    size_t num = 1 + units(0, last, SHIFT_512G) + units(0, last, SHIFT_1G);

    for (size_t i = 0; i < mapping->segment_num; i++) {
        const struct load_segment *segment = &mapping->segments[i];
        uint64_t end = segment->vaddr + (segment->mem_size - 1);

        if (is_identity(segment, mapping)) {
            continue;
        }
        num += units(segment->vaddr, end, SHIFT_512G) + units(segment->vaddr, end, SHIFT_1G);
        /* 2 MiB pages inside, 4 KiB ones at both ends; or 4 KiB ones all along */
        num += (segment->vaddr - segment->paddr) % (1ULL << SHIFT_2M) == 0
                   ? 2
                   : units(segment->vaddr, end, SHIFT_2M);
    }
    return num;
}

void boot_tables_fill(uint8_t *tables, uint64_t gpa, const struct boot_mapping *mapping)
{
    struct tables t = {.pages = tables, .gpa = gpa, .used = 1, .max = boot_tables_num(mapping)};

    map(&t, 0, mapping->identity_last | ((1ULL << SHIFT_1G) - 1), 0);
    for (size_t i = 0; i < mapping->segment_num; i++) {
        const struct load_segment *segment = &mapping->segments[i];
        const uint64_t offset = segment->vaddr % BOOT_PAGE_SIZE;

        if (!is_identity(segment, mapping)) {
            map(&t, segment->vaddr - offset, segment->vaddr + (segment->mem_size - 1),
                segment->paddr - offset);
        }
    }
}
