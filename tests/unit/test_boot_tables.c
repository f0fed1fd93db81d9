/* test_boot_tables.c - the page tables and the GDT of the entry states, read as a CPU reads them.
 */
#include <stdlib.h>
#include <string.h>

#include "vmm/boot_tables.h"
#include "tests/unit/run_suite.h"

#define TABLES_GPA 0x50000ULL
#define UNMAPPED UINT64_MAX

/* SDM vol. 3A 4.5.4: the physical address that `va` shows. */
static uint64_t translate(const uint8_t *tables, size_t num, uint64_t va, bool *large)
{
    uint64_t table = TABLES_GPA;

    for (unsigned shift = 39;; shift -= 9) {
        uint64_t entry;

        ck_assert_uint_lt((table - TABLES_GPA) / 4096, num);
        memcpy(&entry, tables + (table - TABLES_GPA) + (va >> shift) % 512 * 8, 8);
        if ((entry & 3) != 3) {
            ck_assert_uint_eq(entry, 0);
            return UNMAPPED;
        }
        ck_assert_uint_eq(entry & 0xfff0000000000f7cULL & ~0x80ULL, 0);
        if (shift == 12 || (entry & 0x80)) {
            *large = shift == 21;
            ck_assert(shift == 12 || shift == 21);
            return (entry & 0x000ffffffffff000ULL & ~((1ULL << shift) - 1)) +
                   (va & ((1ULL << shift) - 1));
        }
        table = entry & 0x000ffffffffff000ULL;
    }
}

static const struct load_segment segments[] = {
    {.paddr = 0x100000, .vaddr = 0x100000, .mem_size = 0x1000},
    {.paddr = 0x200000, .vaddr = 0xffffffff80200000, .mem_size = 0x600123}, /* 2 MiB apart */
    {.paddr = 0x801000, .vaddr = 0xffffffff80a01000, .mem_size = 0x1ffffe},
    {.paddr = 0xc01800, .vaddr = 0xffff800000000800, .mem_size = 0x10}, /* a page, in part */
    {.paddr = 0x1003000, .vaddr = 0x40000000, .mem_size = 0x400000},    /* hides identity pages */
    {.paddr = 0x2000000, .vaddr = 0xfffffffffffff000, .mem_size = 0x1000}, /* the very last */
};

static const struct {
    uint64_t va, pa;
    bool large;
} pages[] = {
    {0, 0, true},
    {0x100fff, 0x100fff, true},
    {0xdeadbeef, 0xdeadbeef, true},
    {0xffffffff, 0xffffffff, true},
    {0x140000000 - 1, 0x140000000 - 1, true}, /* RAM above 4 GiB, to the end of that GiB */
    {0x140000000, UNMAPPED, false},
    {0xffffffff80200000, 0x200000, true},
    {0xffffffff805fffff, 0x5fffff, true},
    {0xffffffff80600000, 0x600000, true},
    {0xffffffff80800122, 0x800122, false},
    {0xffffffff80801000, UNMAPPED, false},
    {0xffffffff801fffff, UNMAPPED, false},
    {0xffffffff80a01000, 0x801000, false},
    {0xffffffff80bfffff, 0x9fffff, false},
    {0xffffffff80c00000, 0xa00000, false},
    {0xffffffff80c01000, UNMAPPED, false},
    {0xffff800000000000, 0xc01000, false},
    {0xffff800000000fff, 0xc01fff, false},
    {0xffff800000001000, UNMAPPED, false},
    {0x3fffffff, 0x3fffffff, true},
    {0x40000000, 0x1003000, false},
    {0x403fffff, 0x1402fff, false},
    {0x40400000, 0x40400000, true},
    {0xfffffffffffff000, 0x2000000, false},
    {0xffffffffffffffff, 0x2000fff, false},
    {0xffffffffffffe000, UNMAPPED, false},
    {0x7fffffffffff, UNMAPPED, false},
};

START_TEST(page_shows_identity_or_its_segment)
{
    const struct boot_mapping mapping = {
        .identity_last = 0x107ffffff,
        .segments = segments,
        .segment_num = sizeof(segments) / sizeof(segments[0]),
    };
    const size_t num = boot_tables_num(&mapping);
    uint8_t *tables = calloc(num, BOOT_PAGE_SIZE);
    bool large = false;

    boot_tables_fill(tables, TABLES_GPA, &mapping);
    ck_assert_uint_eq(translate(tables, num, pages[_i].va, &large), pages[_i].pa);
    ck_assert(large == pages[_i].large);
    free(tables);
}
END_TEST

START_TEST(identity_map_of_4_gib_takes_six_tables)
{
    const struct boot_mapping mapping = {.identity_last = 0xffffffff};

    ck_assert_uint_eq(boot_tables_num(&mapping), 6);
}
END_TEST

START_TEST(identity_map_reaches_beyond_512_gib)
{
    const struct boot_mapping mapping = {.identity_last = 0x8040000000};
    const size_t num = boot_tables_num(&mapping);
    uint8_t *tables = calloc(num, BOOT_PAGE_SIZE);
    bool large;

    boot_tables_fill(tables, TABLES_GPA, &mapping);
    ck_assert_uint_eq(translate(tables, num, 0x8040000000, &large), 0x8040000000);
    ck_assert_uint_eq(translate(tables, num, 0x7fffffffff, &large), 0x7fffffffff);
    free(tables);
}
END_TEST

static uint64_t descriptor(const uint8_t *gdt, unsigned selector)
{
    uint64_t value;

    memcpy(&value, gdt + selector, sizeof(value));
    return value;
}

START_TEST(gdt_has_flat_segments_of_the_mode)
{
    uint8_t gdt[BOOT_GDT_SIZE];

    boot_gdt_fill(gdt, CPU_MODE_PROTECTED32);
    ck_assert_uint_eq(descriptor(gdt, 0), 0);
    ck_assert_uint_eq(descriptor(gdt, BOOT_GDT_CODE), 0x00cf9b000000ffff);
    ck_assert_uint_eq(descriptor(gdt, BOOT_GDT_DATA), 0x00cf93000000ffff);
    ck_assert_uint_eq(descriptor(gdt, BOOT_GDT_TSS), 0x00008b0000000067);
    boot_gdt_fill(gdt, CPU_MODE_LONG64);
    ck_assert_uint_eq(descriptor(gdt, BOOT_GDT_CODE), 0x00af9b000000ffff);
    ck_assert_uint_eq(descriptor(gdt, BOOT_GDT_TSS + 8), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("boot_tables");
    TCase *tc = tcase_create("tables");

    tcase_add_table_test(tc, page_shows_identity_or_its_segment, pages);
    tcase_add_test(tc, identity_map_of_4_gib_takes_six_tables);
    tcase_add_test(tc, identity_map_reaches_beyond_512_gib);
    tcase_add_test(tc, gdt_has_flat_segments_of_the_mode);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
