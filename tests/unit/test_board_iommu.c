/* test_board_iommu.c - IOMMUs by themselves, as a tree says them. */
#include "tests/unit/board_fixture.h"

#include "devices/bank_switch_regs.h"

#include <errno.h>

#define WINDOW "reg = <0 0xd0000000 0 0x10000>;"
#define IOMMU(text) "i: i { compatible = \"acre,iommu\"; " text " };"
#define SRAM(name, addr)                                                                           \
    name ": " name " { compatible = \"mmio-sram\"; reg = <0 " addr " 0 0x10000>; };"

/* What 4 bytes at 0xd0000000 + offset show; the RAM at 0x10000 has a 7, the SRAM an 8. */
static const struct {
    const char *source;
    hwaddr offset;
    uint32_t value;
} good[] = {
    {IOMMU(WINDOW), 0, UINT32_MAX},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0x10000 0 0x1000 3>;"), 0, 7},
    {IOMMU(WINDOW "acre,translations = <0 0xf000 0 0x10000 0 0x1000 1>;"), 0xf000, 7},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0x10000 0 0x1000 2>;"), 0, UINT32_MAX},
    {IOMMU(WINDOW "acre,translations;"), 0, UINT32_MAX},
    /* Space behind it: memory in one block, a bus's, a container, an alias, another IOMMU. */
    {IOMMU(WINDOW "acre,target = <&s>; acre,translations = <0 0x1000 0 0 0 0x1000 3>;")
         SRAM("s", "0x300000"),
     0x1000, 8},
    {SRAM("s", "0x300000")
         IOMMU(WINDOW "acre,target = <&s>; acre,translations = <0 0 0 0x10000 0 0x1000 3>;"),
     0, UINT32_MAX}, /* beyond its end */
    {IOMMU(
         WINDOW
         "acre,target = <&b>; acre,translations = <0 0 0 0x4000 0 0x1000 3>;") "b: b { compatible "
                                                                               "= "
                                                                               "\"acre,container\";"
                                                                               " reg = <0 "
                                                                               "0xe0000000 0 "
                                                                               "0x8000>;"
                                                                               " #address-cells = "
                                                                               "<1>; #size-cells = "
                                                                               "<1>;"
                                                                               " v { compatible = "
                                                                               "\"acre,alias\"; "
                                                                               "reg = <0x4000 "
                                                                               "0x1000>; "
                                                                               "acre,target = "
                                                                               "<&s>; }; };" SRAM(
                                                                                   "s", "0x300000"),
     0, 8},
    {IOMMU(
         WINDOW
         "acre,target = <&v>; acre,translations = <0 0 0 0 0 0x1000 3>;") "v: v { compatible = "
                                                                          "\"acre,alias\"; reg = "
                                                                          "<0 0xe0000000 0 "
                                                                          "0x1000>; acre,target = "
                                                                          "<&s>; };" SRAM("s",
                                                                                          "0x30000"
                                                                                          "0"),
     0, 8},
    {IOMMU(
         WINDOW
         "acre,target = <&j>; acre,translations = <0 0 0 0x5000 0 0x1000 3>;") "j: j { compatible "
                                                                               "= \"acre,iommu\"; "
                                                                               "reg = <0 "
                                                                               "0xe0000000 0 "
                                                                               "0x10000>;"
                                                                               " acre,translations "
                                                                               "= <0 0x5000 0 "
                                                                               "0x300000 0 0x1000 "
                                                                               "3>; };" SRAM(
                                                                                   "s", "0x300000"),
     0, 8},
    /* Larger pages; a window with more of them than entries could name, which has no entries. */
    {IOMMU(WINDOW "acre,page-size = <0x10000>; acre,translations = <0 0 0 0x10000 0 0x10000 3>;"),
     0, 7},
    {IOMMU("reg = <0 0xd0000000 0 0x2000000>; acre,translations = <0 0x1000000 0 0x10000 0 0x1000"
           " 1>;"),
     0x1000000, 7},
    {IOMMU("reg = <0 0xd0000000 0 0x2000000>, <0 0xd8000000 0 0x100>; acre,page-size = <0 0x10000>;"
           " acre,translations = <0 0x1000000 0 0x10000 0 0x10000 1>;"),
     0x1000000, 7},
};

START_TEST(window_shows_what_the_tree_says)
{
    uint32_t value;

    compile(good[_i].source);
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    ck_assert_str_eq(warnings, "");
    address_space_stl_le(board_memory(board), 0x10000, 7, MEMTXATTRS_UNSPECIFIED, NULL);
    address_space_stl_le(board_memory(board), 0x300000, 8, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_str_eq(region_at(board_memory(board), 0xd0000000 + good[_i].offset), "i");
    value = address_space_ldl_le(board_memory(board), 0xd0000000 + good[_i].offset,
                                 MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(value, good[_i].value);
}
END_TEST

START_TEST(registers_change_the_window_until_a_reset)
{
    AddressSpace *memory;

    compile(IOMMU("reg = <0 0xd0000000 0 0x10000>, <0 0xd1000000 0 0x100>; acre,name = \"mmu\";"));
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    memory = board_memory(board);
    ck_assert_str_eq(region_at(memory, 0xd0000000), "mmu");
    ck_assert_str_eq(region_at(memory, 0xd1000000), "iommu-registers");
    address_space_stl_le(memory, 0x10000, 7, MEMTXATTRS_UNSPECIFIED, NULL);
    address_space_stq_le(memory, 0xd1000000, 0x10001, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(address_space_ldl_le(memory, 0xd0000000, MEMTXATTRS_UNSPECIFIED, NULL), 7);
    board_reset(board);
    ck_assert_uint_eq(address_space_ldl_le(memory, 0xd0000000, MEMTXATTRS_UNSPECIFIED, NULL),
                      UINT32_MAX);
}
END_TEST

static uint32_t at(hwaddr addr)
{
    return address_space_ldl_le(board_memory(board), addr, MEMTXATTRS_UNSPECIFIED, NULL);
}

static void switch_region(unsigned region, unsigned reg, uint64_t value)
{
    AddressSpace *memory = board_memory(board);

    address_space_stq_le(memory, 0xd1000000 + BANK_SWITCH_SELECT, region, MEMTXATTRS_UNSPECIFIED,
                         NULL);
    address_space_stq_le(memory, 0xd1000000 + reg, value, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(at(0xd1000000 + BANK_SWITCH_RESULT), 0);
}

START_TEST(window_and_what_is_behind_it_change_while_the_machine_runs)
{
    compile(IOMMU(WINDOW "acre,target = <&v>; acre,translations = <0 0 0 0 0 0x1000 3>;") SRAM(
        "s", "0x300000") "v: v { compatible = \"acre,alias\"; reg = <0 0x400000 0 0x1000>; "
                         "acre,target = <&s>; };"
                         "b { compatible = \"acre,bank-switch\"; reg = <0 0xd1000000 0 0x100>;"
                         " acre,regions = <&i &v>; };");
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    address_space_stl_le(board_memory(board), 0x300000, 8, MEMTXATTRS_UNSPECIFIED, NULL);
    address_space_stl_le(board_memory(board), 0x301000, 9, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(at(0xd0000000), 8);
    switch_region(1, BANK_SWITCH_OFFSET, 0x1000);
    ck_assert_uint_eq(at(0xd0000000), 9);
    switch_region(0, BANK_SWITCH_ADDRESS, 0xd8000000);
    ck_assert_uint_eq(at(0xd8000000), 9);
    ck_assert_uint_eq(at(0xd0000000), UINT32_MAX);
    switch_region(1, BANK_SWITCH_ENABLED, 0);
    ck_assert_uint_eq(at(0xd8000000), UINT32_MAX);
    board_reset(board);
    ck_assert_uint_eq(at(0xd0000000), 8);
}
END_TEST

static const struct {
    const char *source, *text;
} bad[] = {
    {IOMMU(""), "/i: reg: missing"},
    {IOMMU("reg = <0 0xd0000000 0 0x1000>, <0 0xd1000000 0 0x100>, <0 0xd2000000 0 0x100>;"),
     "/i: reg: 3 entries, the device has 2"},
    {IOMMU("reg = <0 0xd0000000 0 0x1000>, <0 0xd1000000 0 0x80>;"),
     "/i: reg: 128 bytes in entry 1, the device has 256"},
    {IOMMU("reg = <0 0xd0000000 0 0x1800>;"),
     "/i: reg: the window has 0x1800 bytes, not a multiple of its pages' 0x1000"},
    {IOMMU(WINDOW "acre,page-size = <0x1800>;"),
     "/i: acre,page-size: 0x1800, not a power of two from 4096 to 1 GiB"},
    {IOMMU(WINDOW "acre,page-size = <0x800>;"),
     "/i: acre,page-size: 0x800, not a power of two from 4096 to 1 GiB"},
    {IOMMU(WINDOW "acre,page-size = <0x80000000>;"),
     "/i: acre,page-size: 0x80000000, not a power of two from 4096 to 1 GiB"},
    {IOMMU(WINDOW "acre,page-size = \"4\";"), "/i: acre,page-size: 2 bytes, neither 4 nor 8"},
    {IOMMU("reg = <0 0xd0000000 0 0x1001000>, <0 0xd8000000 0 0x100>;"),
     "/i: acre,page-size: the window has 4097 pages of 0x1000 bytes; entries can name 4096"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0 0 0x1000>;"),
     "/i: acre,translations: 24 bytes, not up to 256 lines of 28"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0 0 0x1000 3>, <0 0x800 0 0 0 0x1000 3>;"),
     "/i: acre,translations: 0x800 to 0x0, 0x1000 bytes in line 1: no whole pages of 0x1000"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0x4 0 0x1000 3>;"),
     "/i: acre,translations: 0x0 to 0x4, 0x1000 bytes in line 0: no whole pages of 0x1000"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0 0 0 3>;"),
     "/i: acre,translations: 0x0 to 0x0, 0x0 bytes in line 0: no whole pages of 0x1000"},
    {IOMMU(WINDOW "acre,translations = <0 0xf000 0 0 0 0x2000 3>;"),
     "/i: acre,translations: line 0 ends beyond the window's 0x10000 bytes"},
    {IOMMU(WINDOW "acre,translations = <1 0 0 0 0 0x1000 3>;"),
     "/i: acre,translations: line 0 ends beyond the window's 0x10000 bytes"},
    {IOMMU(WINDOW "acre,translations = <0 0 0xffffffff 0xfffff000 0 0x2000 3>;"),
     "/i: acre,translations: line 0 ends beyond the end of the address space"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0 0 0x1000 0>;"),
     "/i: acre,translations: 0 at the end of line 0 (1: read, 2: write, 3: both)"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0 0 0x1000 4>;"),
     "/i: acre,translations: 4 at the end of line 0 (1: read, 2: write, 3: both)"},
    {IOMMU(WINDOW "acre,translations = <0 0 0 0 0 0x1000 3>, <0 0x4000 0 0 0 0x3000 3>,"
                  " <0 0x6000 0 0 0 0x1000 3>;"),
     "/i: acre,translations: lines 1 and 2 have a page in common"},
    {IOMMU(WINDOW "acre,target = <0>;"), "/i: acre,target: no such node"},
    {IOMMU(WINDOW "acre,target = <&n>;") "n: n { v = <1>; };",
     "/i: acre,target: names a node that has no region"},
    /* What leads from one to the other without an end, aliases between. */
    {IOMMU(WINDOW "acre,target = <&i>;"),
     "/i: acre,target: leads from IOMMU to IOMMU, more than 16 of them"},
    {IOMMU(WINDOW "acre,target = <&j>;") "j: j { compatible = \"acre,iommu\"; reg = <0 0xe0000000 "
                                         "0 0x1000>; acre,target = <&v>; };"
                                         "v: v { compatible = \"acre,alias\"; reg = <0 0xf0000000 "
                                         "0 0x1000>; acre,target = <&i>; };",
     "/i: acre,target: leads from IOMMU to IOMMU, more than 16 of them"},
};

START_TEST(bad_tree_is_one_error_that_names_node_and_property)
{
    compile(bad[_i].source);
    ck_assert_int_eq(try_tree(), -EINVAL);
    ck_assert_refused(bad[_i].text);
}
END_TEST

/* Sixteen of them in a row are a board, and the access ends in RAM; seventeen are not. */
START_TEST(iommus_in_a_row_have_an_end)
{
    static char source[16384];
    const unsigned num = 16 + (unsigned)_i;
    size_t used = 0;
    char target[32];

    for (unsigned i = 0; i < num; i++) {
        (void)snprintf(target, sizeof(target), "acre,target = <&i%u>;", i + 1);
        used += (size_t)snprintf(source + used, sizeof(source) - used,
                                 "i%u: i%u { compatible = \"acre,iommu\"; reg = <0 0x%x 0 0x10000>;"
                                 " acre,translations = <0 0 0 0 0 0x1000 1>; %s };\n",
                                 i, i, 0xd0000000 + 0x10000 * i, i + 1 < num ? target : "");
    }
    compile(source);
    if (num > 16) {
        ck_assert_int_eq(try_tree(), -EINVAL);
        ck_assert_refused("/i0: acre,target: leads from IOMMU to IOMMU, more than 16 of them");
        return;
    }
    ck_assert_msg(try_tree() == 0, "%s", err.text);
    address_space_stl_le(board_memory(board), 0, 7, MEMTXATTRS_UNSPECIFIED, NULL);
    ck_assert_uint_eq(
        address_space_ldl_le(board_memory(board), 0xd0000000, MEMTXATTRS_UNSPECIFIED, NULL), 7);
}
END_TEST

/* Nobody sees what lies beyond the end of a container, but who looks at it behind an IOMMU. */
START_TEST(too_much_behind_it_is_an_error_of_its_node)
{
    static char source[60000];
    size_t used = 0;

    for (unsigned i = 0; i < 150; i++) {
        used += (size_t)snprintf(source + used, sizeof(source) - used,
                                 "box%u { compatible = \"acre,container\"; reg = <0 0x%x 0 0x1000>;"
                                 " #address-cells = <1>; #size-cells = <1>;"
                                 " c%u: c { compatible = \"acre,container\"; reg = <0x1000 0x1000>;"
                                 " #address-cells = <1>; #size-cells = <1>;"
                                 " v { compatible = \"acre,alias\"; reg = <0 0x1000>;"
                                 " acre,target = <&c%u>; }; }; };\n",
                                 i, 0x400000 + 0x1000 * i, i, i + 1);
    }
    (void)snprintf(source + used, sizeof(source) - used, "%s",
                   SRAM("c150", "0x300000") IOMMU(WINDOW "acre,target = <&c0>;"));
    compile(source);
    ck_assert_int_eq(try_tree(), -EINVAL);
    ck_assert_refused("/i: acre,target: leads to too many containers and aliases in each other");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_iommu");
    TCase *tcase = tcase_create("board_iommu");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_table_test(tcase, window_shows_what_the_tree_says, good);
    tcase_add_test(tcase, registers_change_the_window_until_a_reset);
    tcase_add_test(tcase, window_and_what_is_behind_it_change_while_the_machine_runs);
    tcase_add_table_test(tcase, bad_tree_is_one_error_that_names_node_and_property, bad);
    tcase_add_loop_test(tcase, iommus_in_a_row_have_an_end, 0, 2);
    tcase_add_test(tcase, too_much_behind_it_is_an_error_of_its_node);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
