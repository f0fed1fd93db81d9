/* test_load_alloc.c - room for what is placed beside a kernel. */
#include <stdlib.h>

#include "vmm/load_alloc.h"
#include "tests/unit/run_suite.h"

static const struct boot_map_entry map[] = {{0x0, 0x9ffff, BOOT_MAP_RAM},
                                            {0xa0000, 0xfffff, BOOT_MAP_RESERVED},
                                            {0x100000, 0x1fffff, BOOT_MAP_RAM},
                                            {0x200000, 0x2fffff, BOOT_MAP_RAM},
                                            {UINT64_MAX - 0xffff, UINT64_MAX, BOOT_MAP_RAM}};

/* With 0-fff, 8000-9fff and 100000-13ffff taken. */
static const struct {
    struct load_want want;
    bool found;
    uint64_t gpa;
} wants[] = {
    {{.size = 1, .align = 1, .last = UINT64_MAX}, true, 0x1000},
    {{.size = 0x7000, .align = 1, .last = UINT64_MAX}, true, 0x1000},
    {{.size = 0x7001, .align = 1, .last = UINT64_MAX}, true, 0xa000},
    {{.size = 0x1000, .align = 0x10000, .last = UINT64_MAX}, true, 0x10000},
    {{.size = 0x96001, .align = 1, .last = UINT64_MAX}, true, 0x140000},
    {{.size = 0xc0000, .align = 1, .last = UINT64_MAX}, true, 0x140000},
    {{.size = 0xc0001, .align = 1, .last = UINT64_MAX}, true, 0x200000},
    {{.size = 0x100001, .align = 1, .last = UINT64_MAX}, false, 0},
    {{.size = UINT64_MAX, .align = 1, .last = UINT64_MAX}, false, 0},
    {{.size = 1, .align = 1, .last = 0xfff}, false, 0},
    {{.size = 2, .align = 1, .last = 0x1000}, false, 0},
    {{.size = 1, .align = 1, .first = 0xa0000, .last = 0xfffff}, false, 0},
    {{.size = 1, .align = 1, .first = 0x8000, .last = 0x9fff, .highest = true}, false, 0},
    {{.size = 0x1000, .align = 0x1000, .last = 0x9ffff, .highest = true}, true, 0x9f000},
    {{.size = 0x1001, .align = 0x1000, .last = 0x9ffff, .highest = true}, true, 0x9e000},
    {{.size = 0x1000, .align = 0x1000, .last = 0x8fff, .highest = true}, true, 0x7000},
    {{.size = 0x1000, .align = 0x1000, .last = 0x13ffff, .highest = true}, true, 0x9f000},
    {{.size = 0x1000, .align = 0x1000, .last = 0xffffffff, .highest = true}, true, 0x2ff000},
    {{.size = 16, .align = 16, .last = UINT64_MAX, .highest = true}, true, UINT64_MAX - 15},
    {{.size = 0x10000, .align = 1, .first = 0x300000, .last = UINT64_MAX},
     true,
     UINT64_MAX - 0xffff},
    {{.size = 0x10001, .align = 1, .first = 0x300000, .last = UINT64_MAX}, false, 0},
    {{.size = 1, .align = 1ULL << 63, .first = 1, .last = UINT64_MAX}, false, 0},
};

START_TEST(room_is_found_in_free_ram_only)
{
    struct load_alloc alloc;
    uint64_t gpa = 0;

    ck_assert_int_eq(load_alloc_init(&alloc, map, 5, 4), 0);
    load_alloc_reserve(&alloc, 0x100000, 0x13ffff);
    load_alloc_reserve(&alloc, 0, 0xfff);
    load_alloc_reserve(&alloc, 0x8000, 0x9fff);
    ck_assert(load_alloc_get(&alloc, &wants[_i].want, &gpa) == wants[_i].found);
    ck_assert_uint_eq(gpa, wants[_i].gpa);
    load_alloc_finish(&alloc);
}
END_TEST

static const struct {
    uint64_t first, last;
    bool ram;
} ranges[] = {
    {0, 0, true},
    {0, 0x9ffff, true},
    {0, 0xa0000, false},
    {0xa0000, 0xa0000, false},
    {0xfffff, 0x100000, false},
    {0x100000, 0x2fffff, true}, /* over two entries that touch */
    {0x1fffff, 0x200000, true},
    {0x100000, 0x300000, false},
    {0x300000, 0x300000, false},
    {UINT64_MAX, UINT64_MAX, true},
    {0, UINT64_MAX, false},
};

START_TEST(range_is_ram_if_all_of_it_is)
{
    struct load_alloc alloc;

    ck_assert_int_eq(load_alloc_init(&alloc, map, 5, 1), 0);
    ck_assert(load_alloc_is_ram(&alloc, ranges[_i].first, ranges[_i].last) == ranges[_i].ram);
    load_alloc_finish(&alloc);
}
END_TEST

START_TEST(overlapping_reservations_become_one)
{
    struct load_alloc alloc;

    ck_assert_int_eq(load_alloc_init(&alloc, map, 5, 3), 0);
    load_alloc_reserve(&alloc, 0x3000, 0x3fff);
    load_alloc_reserve(&alloc, 0x1000, 0x1fff);
    load_alloc_reserve(&alloc, 0x5000, 0x5fff);
    ck_assert_uint_eq(alloc.used_num, 3);
    load_alloc_reserve(&alloc, 0x1800, 0x37ff);
    ck_assert_uint_eq(alloc.used_num, 2);
    ck_assert_uint_eq(alloc.used[0].first, 0x1000);
    ck_assert_uint_eq(alloc.used[0].last, 0x3fff);
    load_alloc_reserve(&alloc, 0, UINT64_MAX);
    ck_assert_uint_eq(alloc.used_num, 1);
    load_alloc_finish(&alloc);
}
END_TEST

/* All of RAM in pieces of a page, both ways: each page once, none that was taken. */
START_TEST(everything_can_be_handed_out_once)
{
    const struct load_want want = {
        .size = 4096, .align = 4096, .last = 0xffffffff, .highest = _i == 1};
    static bool given[0x300];
    struct load_alloc alloc;
    unsigned num = 0;
    uint64_t gpa;

    ck_assert_int_eq(load_alloc_init(&alloc, map, 5, 0x300), 0);
    load_alloc_reserve(&alloc, 0x8000, 0x9fff);
    while (load_alloc_get(&alloc, &want, &gpa)) {
        ck_assert(load_alloc_is_ram(&alloc, gpa, gpa + 4095));
        ck_assert(gpa + 4095 < 0x8000 || gpa > 0x9fff);
        ck_assert(!given[gpa / 4096]);
        given[gpa / 4096] = true;
        num++;
    }
    ck_assert_uint_eq(num, 0xa0 - 2 + 0x200);
    load_alloc_finish(&alloc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load_alloc");
    TCase *tc = tcase_create("alloc");

    tcase_add_table_test(tc, room_is_found_in_free_ram_only, wants);
    tcase_add_table_test(tc, range_is_ram_if_all_of_it_is, ranges);
    tcase_add_test(tc, overlapping_reservations_become_one);
    tcase_add_loop_test(tc, everything_can_be_handed_out_once, 0, 2);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
