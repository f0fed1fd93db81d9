/*
 * test_x86_walk.c - walks through small tables written here by hand, one for each mode, and
 * through what a guest should never write.
 */
#include "vmm/x86_walk.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "run_suite.h"

#define CR0_PG_PE UINT64_C(0x80000001)
#define CR4_PSE UINT64_C(0x10)
#define CR4_PAE UINT64_C(0x20)
#define CR4_LA57 UINT64_C(0x1000)
#define EFER_LMA_NXE UINT64_C(0xd00)
#define NX (UINT64_C(1) << 63)

static const struct x86_paging paging_off = {.cr0 = 1};
static const struct x86_paging paging_32 = {.cr0 = CR0_PG_PE, .cr3 = 0x1000, .cr4 = CR4_PSE};
static const struct x86_paging paging_pae = {
    .cr0 = CR0_PG_PE, .cr3 = 0x1020, .cr4 = CR4_PAE, .efer = 0x800};
static const struct x86_paging paging_4 = {
    .cr0 = CR0_PG_PE, .cr3 = 0x1000, .cr4 = CR4_PAE, .efer = EFER_LMA_NXE, .physical_bits = 40};
static const struct x86_paging paging_5 = {
    .cr0 = CR0_PG_PE, .cr3 = 0x6000, .cr4 = CR4_PAE | CR4_LA57, .efer = EFER_LMA_NXE};

static uint8_t memory[0x8000];
static unsigned reads;

static void put8(uint64_t gpa, uint64_t value)
{
    memcpy(memory + gpa, &value, 8);
}

static void put4(uint64_t gpa, uint32_t value)
{
    memcpy(memory + gpa, &value, 4);
}

static int read_memory(void *opaque, uint64_t gpa, void *buf, unsigned len)
{
    ck_assert_ptr_eq(opaque, memory);
    ck_assert_uint_eq(gpa % len, 0);
    reads++;
    if (gpa > sizeof(memory) - len) {
        return -EFAULT;
    }
    memcpy(buf, memory + gpa, len);
    return 0;
}

static struct x86_walk walk_to(const struct x86_paging *paging, uint64_t linear)
{
    struct x86_walk walk;

    reads = 0;
    x86_walk(paging, linear, read_memory, memory, &walk);
    ck_assert_uint_eq(walk.level_num, reads);
    return walk;
}

/* 4-level tables at 0x1000; a PML5 at 0x6000 in front of them. */
static void setup(void)
{
    memset(memory, 0, sizeof(memory));
    put8(0x1000 + 8 * 1, 0x2027);         /* 0x80_00000000: PDPT */
    put8(0x1000 + 8 * 511, 0x1000 | 0x3); /* recursive */
    put8(0x2000 + 8 * 2, 0x3027);         /* +2 GiB: PD */
    put8(0x2000 + 8 * 3, 0xc00000e7);     /* +3 GiB: a page of 1 GiB */
    put8(0x3000 + 8 * 4, 0x4025);         /* +8 MiB: PT, read-only from here */
    put8(0x3000 + 8 * 5, 0x2000083 | NX); /* +10 MiB: 2 MiB, supervisor, no code */
    put8(0x4000 + 8 * 6, 0x7167);         /* +24 KiB: the page at 0x7000, global, dirty */
    put8(0x6000 + 8 * 2, 0x1007);
}

START_TEST(four_levels_lead_to_a_small_page_with_every_entry_shown)
{
    uint64_t linear = (UINT64_C(1) << 39) + (UINT64_C(2) << 30) + (4 << 21) + (6 << 12) + 0x123;
    struct x86_walk walk = walk_to(&paging_4, linear);
    static const struct x86_walk_level levels[] = {
        {"PML4E", 0x1008, 1, 0x2027, false},
        {"PDPTE", 0x2010, 2, 0x3027, false},
        {"PDE", 0x3020, 4, 0x4025, false},
        {"PTE", 0x4030, 6, 0x7167, true},
    };
    unsigned i;

    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_int_eq(walk.mode, X86_PAGING_4LEVEL);
    ck_assert_uint_eq(walk.gpa, 0x7123);
    ck_assert_uint_eq(walk.page_size, 4096);
    ck_assert(!walk.writable && walk.user && walk.executable && walk.global);
    ck_assert_uint_eq(walk.level_num, 4);
    for (i = 0; i < 4; i++) {
        ck_assert_str_eq(walk.levels[i].name, levels[i].name);
        ck_assert_uint_eq(walk.levels[i].entry_gpa, levels[i].entry_gpa);
        ck_assert_uint_eq(walk.levels[i].index, levels[i].index);
        ck_assert_uint_eq(walk.levels[i].raw, levels[i].raw);
        ck_assert_int_eq(walk.levels[i].leaf, levels[i].leaf);
    }
}
END_TEST

START_TEST(large_pages_end_the_walk_early)
{
    uint64_t base = UINT64_C(1) << 39;
    struct x86_walk walk = walk_to(&paging_4, base + (UINT64_C(3) << 30) + 0x12345678);

    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_uint_eq(walk.gpa, 0xc0000000 + 0x12345678);
    ck_assert_uint_eq(walk.page_size, 1 << 30);
    ck_assert_uint_eq(walk.level_num, 2);
    walk = walk_to(&paging_4, base + (UINT64_C(2) << 30) + (5 << 21) + 0x1fffff);
    ck_assert_uint_eq(walk.gpa, 0x21fffff);
    ck_assert_uint_eq(walk.page_size, 2 << 20);
    ck_assert(walk.writable && !walk.user && !walk.executable && !walk.global);
}
END_TEST

START_TEST(fifth_level_comes_in_front)
{
    uint64_t linear = (UINT64_C(2) << 48) + (UINT64_C(1) << 39) + (UINT64_C(3) << 30);
    struct x86_walk walk = walk_to(&paging_5, linear);

    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_int_eq(walk.mode, X86_PAGING_5LEVEL);
    ck_assert_str_eq(walk.levels[0].name, "PML5E");
    ck_assert_uint_eq(walk.gpa, 0xc0000000);
}
END_TEST

START_TEST(recursive_table_maps_itself)
{
    struct x86_walk walk = walk_to(&paging_4, UINT64_C(0xfffffffffffff008));

    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_uint_eq(walk.gpa, 0x1008);
    ck_assert(walk.writable && !walk.user);
}
END_TEST

START_TEST(pae_has_four_pointers_without_rights)
{
    struct x86_walk walk;

    put8(0x1020 + 8 * 3, 0x3001);
    put8(0x3000, 0x4003 | NX);
    put8(0x4000 + 8, 0x5007);
    walk = walk_to(&paging_pae, 0xc0001abc);
    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_int_eq(walk.mode, X86_PAGING_PAE);
    ck_assert_uint_eq(walk.levels[0].entry_gpa, 0x1038);
    ck_assert_uint_eq(walk.gpa, 0x5abc);
    ck_assert(walk.writable && !walk.user && !walk.executable);
    put8(0x1020 + 8 * 3, 0x3003);
    ck_assert_int_eq(walk_to(&paging_pae, 0xc0001abc).result, X86_WALK_RESERVED);
    ck_assert_int_eq(walk_to(&paging_pae, UINT64_C(0x100000000)).result, X86_WALK_TOO_LARGE);
}
END_TEST

START_TEST(thirty_two_bits_have_pages_of_4_kib_and_4_mib)
{
    struct x86_paging without_pse = paging_32;
    struct x86_walk walk;

    memset(memory, 0, sizeof(memory));
    put4(0x1000 + 4 * 1, 0x2007);
    put4(0x2000 + 4 * 2, 0x3005);
    put4(0x1000 + 4 * 2, 0x00c00083 | 3 << 13); /* PSE-36: bits 32 and 33 */
    walk = walk_to(&paging_32, 0x402fff);
    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_uint_eq(walk.gpa, 0x3fff);
    ck_assert_uint_eq(walk.page_size, 4096);
    ck_assert(!walk.writable && walk.user && walk.executable);
    walk = walk_to(&paging_32, 0x800010);
    ck_assert_uint_eq(walk.gpa, UINT64_C(0x300c00010));
    ck_assert_uint_eq(walk.page_size, 4 << 20);
    without_pse.cr4 = 0; /* then the bit means nothing, and the rest is a table's address */
    ck_assert_int_eq(walk_to(&without_pse, 0x800010).result, X86_WALK_NO_MEMORY);
}
END_TEST

START_TEST(without_paging_addresses_are_physical)
{
    struct x86_walk walk = walk_to(&paging_off, 0xdeadbeef);

    ck_assert_int_eq(walk.result, X86_WALK_OK);
    ck_assert_uint_eq(walk.gpa, 0xdeadbeef);
    ck_assert_uint_eq(walk.page_size, 0);
    ck_assert_uint_eq(walk.level_num, 0);
    ck_assert_int_eq(walk_to(&paging_off, UINT64_C(1) << 32).result, X86_WALK_TOO_LARGE);
}
END_TEST

/* Addresses in 4-level paging that lead nowhere. */
static const struct {
    uint64_t linear;
    enum x86_walk_result result;
    unsigned level_num;
} dead_ends[] = {
    {0, X86_WALK_NOT_PRESENT, 1},
    {UINT64_C(1) << 39, X86_WALK_NOT_PRESENT, 2},
    {(UINT64_C(1) << 39) + (UINT64_C(2) << 30), X86_WALK_NOT_PRESENT, 3},
    {(UINT64_C(1) << 39) + (UINT64_C(2) << 30) + (4 << 21), X86_WALK_NOT_PRESENT, 4},
    {UINT64_C(0x800000000000), X86_WALK_NON_CANONICAL, 0},
    {UINT64_C(0xffff7fffffffffff), X86_WALK_NON_CANONICAL, 0},
};

START_TEST(walks_end_where_the_tables_do)
{
    struct x86_walk walk = walk_to(&paging_4, dead_ends[_i].linear);

    ck_assert_int_eq(walk.result, dead_ends[_i].result);
    ck_assert_uint_eq(walk.level_num, dead_ends[_i].level_num);
}
END_TEST

START_TEST(non_canonical_in_five_levels_begins_later)
{
    ck_assert_int_eq(walk_to(&paging_5, UINT64_C(0x800000000000)).result, X86_WALK_NOT_PRESENT);
    ck_assert_int_eq(walk_to(&paging_5, UINT64_C(1) << 56).result, X86_WALK_NON_CANONICAL);
}
END_TEST

/* Entries of the walk to the small page, by level, that no CPU accepts. */
static const struct {
    uint64_t gpa, raw;
    unsigned level_num;
    bool no_nx;
} bad_entries[] = {
    {0x1008, 0x20a7, 1, false},                     /* PS in a PML4E */
    {0x1008, 0x2027 | UINT64_C(1) << 40, 1, false}, /* beyond MAXPHYADDR */
    {0x2010, 0xc0002087, 2, false},                 /* a page of 1 GiB not on its boundary */
    {0x3020, 0x202083, 3, false},                   /* one of 2 MiB */
    {0x4030, 0x7167 | UINT64_C(1) << 51, 4, false}, /* beyond MAXPHYADDR */
    {0x4030, 0x7167 | UINT64_C(1) << 63, 4, true},  /* NX where EFER has no NXE */
};

START_TEST(reserved_bits_end_the_walk)
{
    uint64_t linear = (UINT64_C(1) << 39) + (UINT64_C(2) << 30) + (4 << 21) + (6 << 12);
    struct x86_paging paging = paging_4;
    struct x86_walk walk;

    if (bad_entries[_i].no_nx) {
        paging.efer &= ~UINT64_C(0x800);
    }
    put8(bad_entries[_i].gpa, bad_entries[_i].raw);
    walk = walk_to(&paging, linear);
    ck_assert_int_eq(walk.result, X86_WALK_RESERVED);
    ck_assert_uint_eq(walk.level_num, bad_entries[_i].level_num);
    ck_assert_uint_eq(walk.levels[walk.level_num - 1].raw, bad_entries[_i].raw);
}
END_TEST

START_TEST(table_where_there_is_no_memory_ends_the_walk)
{
    struct x86_walk walk;

    put8(0x1008, UINT64_C(0xfffffff000) | 3);
    walk = walk_to(&paging_4, UINT64_C(1) << 39);
    ck_assert_int_eq(walk.result, X86_WALK_NO_MEMORY);
    ck_assert_uint_eq(walk.level_num, 2);
    ck_assert_uint_eq(walk.levels[1].entry_gpa, UINT64_C(0xfffffff000));
}
END_TEST

START_TEST(flags_of_an_entry_are_named)
{
    struct x86_walk_level level = {.name = "PTE", .raw = UINT64_C(0x167) | NX, .leaf = true};
    char text[48], tiny[4];

    x86_walk_flags(&level, text, sizeof(text));
    ck_assert_str_eq(text, "P RW US A D G NX");
    level = (struct x86_walk_level){.name = "PDE", .raw = 0x1e7, .leaf = true};
    x86_walk_flags(&level, text, sizeof(text));
    ck_assert_str_eq(text, "P RW US A D G PS");
    level.leaf = false;
    x86_walk_flags(&level, text, sizeof(text));
    ck_assert_str_eq(text, "P RW US A");
    level.raw = 0;
    x86_walk_flags(&level, text, sizeof(text));
    ck_assert_str_eq(text, "");
    level.raw = 7;
    x86_walk_flags(&level, tiny, sizeof(tiny));
    ck_assert_str_eq(tiny, "P R");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_walk");
    TCase *tcase = tcase_create("walk");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, four_levels_lead_to_a_small_page_with_every_entry_shown);
    tcase_add_test(tcase, large_pages_end_the_walk_early);
    tcase_add_test(tcase, fifth_level_comes_in_front);
    tcase_add_test(tcase, recursive_table_maps_itself);
    tcase_add_test(tcase, pae_has_four_pointers_without_rights);
    tcase_add_test(tcase, thirty_two_bits_have_pages_of_4_kib_and_4_mib);
    tcase_add_test(tcase, without_paging_addresses_are_physical);
    tcase_add_table_test(tcase, walks_end_where_the_tables_do, dead_ends);
    tcase_add_test(tcase, non_canonical_in_five_levels_begins_later);
    tcase_add_table_test(tcase, reserved_bits_end_the_walk, bad_entries);
    tcase_add_test(tcase, table_where_there_is_no_memory_ends_the_walk);
    tcase_add_test(tcase, flags_of_an_entry_are_named);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
