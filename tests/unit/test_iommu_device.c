/* The IOMMU device: entries by their registers, lines of the board, and which of them counts. */
#include "tests/unit/iommu_fixture.h"
#include "tests/unit/run_suite.h"

static struct iommu_machine m;

static const struct iommu_line lines[] = {
    {0x0000, 0x2fff, 0x8000, IOMMU_RW},
    {0x4000, 0x4fff, 0x20000, IOMMU_RO},
    {0x5000, 0x5fff, 0x21000, IOMMU_WO},
    {0xff000, 0xfffff, UINT64_MAX - 0xfff, IOMMU_RW},
};

static void setup(void)
{
    iommu_machine_init(&m, (struct iommu_config){
                               .size = 0x100000, .page_shift = 12, .lines = lines, .line_num = 4});
}

static void teardown(void)
{
    iommu_machine_finish(&m);
}

static void set_entry(unsigned n, uint64_t value)
{
    ck_assert_uint_eq(iommu_put(&m, IOMMU_REGISTERS + 8 * n, 8, value), MEMTX_OK);
}

static const struct {
    hwaddr offset, target;
    MemTxResult read, write;
} places[] = {
    {0x0000, 0x8000, MEMTX_OK, MEMTX_OK},
    {0x2ff8, 0xaff8, MEMTX_OK, MEMTX_OK},
    {0x3000, 0, MEMTX_DECODE_ERROR, MEMTX_DECODE_ERROR},
    {0x4008, 0x20008, MEMTX_OK, MEMTX_DECODE_ERROR},
    {0x5ff8, 0x21ff8, MEMTX_DECODE_ERROR, MEMTX_OK},
    {0x6000, 0, MEMTX_DECODE_ERROR, MEMTX_DECODE_ERROR},
    {0xfeff8, 0, MEMTX_DECODE_ERROR, MEMTX_DECODE_ERROR},
    {0xff000, 0, MEMTX_DECODE_ERROR, MEMTX_DECODE_ERROR}, /* permitted, and nobody is there */
};

START_TEST(lines_of_the_board_translate_with_their_permissions)
{
    const hwaddr at = IOMMU_WINDOW + places[_i].offset;
    MemTxResult result;
    uint64_t value = iommu_get(&m, at, 8, &result);

    ck_assert_uint_eq(result, places[_i].read);
    ck_assert_uint_eq(value, result ? UINT64_MAX : places[_i].target);
    ck_assert_uint_eq(iommu_put(&m, at, 8, 0x55), places[_i].write);
    if (places[_i].target != 0) {
        ck_assert_uint_eq(*iommu_ram(&m, places[_i].target),
                          places[_i].write ? places[_i].target : 0x55);
    }
}
END_TEST

START_TEST(entries_come_before_lines_and_the_lowest_counts)
{
    set_entry(15, iommu_entry(0, 0x40000, 2, IOMMU_ENTRY_READ));
    set_entry(3, iommu_entry(1, 0x50000, 0, IOMMU_ENTRY_READ));
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x0008, 8, NULL), 0x40008);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x1008, 8, NULL), 0x50008);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x3008, 8, NULL), 0x43008);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x4008, 8, NULL), 0x20008);
    ck_assert_uint_eq(iommu_put(&m, IOMMU_WINDOW, 8, 0), MEMTX_DECODE_ERROR);
    set_entry(3, iommu_entry(1, 0, 0, IOMMU_ENTRY_BLOCK));
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x1008, 8, NULL), UINT64_MAX);
    set_entry(3, iommu_entry(1, 0, 0, 0));
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x1008, 8, NULL), 0x41008);
    iommu_reset(&m.dev);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x1008, 8, NULL), 0x9008);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + 8 * 15, 8, NULL), 0);
}
END_TEST

START_TEST(access_over_pages_goes_to_the_place_of_each)
{
    set_entry(0, iommu_entry(2, 0x1000, 0, IOMMU_ENTRY_READ | IOMMU_ENTRY_WRITE));
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x1ffc, 8, NULL), 0x100000000000);
    ck_assert_uint_eq(iommu_put(&m, IOMMU_WINDOW + 0x2ffc, 8, 0x1122334455667788),
                      MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(*iommu_ram(&m, 0x1ff8), 0x5566778800001ff8);
}
END_TEST

START_TEST(registers_are_written_whole_or_in_halves)
{
    const uint64_t value = iommu_entry(0x12, 0xabcde000, 3, IOMMU_ENTRY_WRITE);

    set_entry(0, value);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS, 8, NULL), value);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS, 4, NULL), (uint32_t)value);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + 4, 4, NULL), value >> 32);
    iommu_put(&m, IOMMU_REGISTERS + IOMMU_HIGH, 4, value >> 32);
    iommu_put(&m, IOMMU_REGISTERS + 8, 4, (uint32_t)value);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + 8, 8, NULL), value);
    iommu_put(&m, IOMMU_REGISTERS + 8, 4, (uint32_t)value);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + 8, 8, NULL), (uint32_t)value);
    iommu_put(&m, IOMMU_REGISTERS + 12, 4, 1); /* an upper half by itself */
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + 8, 8, NULL), (uint32_t)value);
    iommu_put(&m, IOMMU_REGISTERS + IOMMU_HIGH, 4, 1);
    iommu_reset(&m.dev);
    iommu_put(&m, IOMMU_REGISTERS + 8, 4, IOMMU_ENTRY_READ);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + 8, 8, NULL), IOMMU_ENTRY_READ);
}
END_TEST

START_TEST(what_is_reserved_reads_0_and_takes_nothing)
{
    MemTxResult result;

    for (hwaddr reg = 0x80; reg < IOMMU_REGS_SIZE; reg += 8) {
        ck_assert_uint_eq(iommu_put(&m, IOMMU_REGISTERS + reg, 8, UINT64_MAX), MEMTX_OK);
        ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS + reg, 8, &result), 0);
        ck_assert_uint_eq(result, MEMTX_OK);
    }
    for (unsigned size = 1; size <= 2; size++) {
        iommu_get(&m, IOMMU_REGISTERS, size, &result);
        ck_assert_uint_eq(result, MEMTX_DECODE_ERROR);
        ck_assert_uint_eq(iommu_put(&m, IOMMU_REGISTERS, size, 3), MEMTX_DECODE_ERROR);
    }
    set_entry(0, UINT64_MAX); /* the window has 256 pages */
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS, 8, NULL),
                      iommu_entry(0xff, IOMMU_ENTRY_TARGET, 8, 7));
}
END_TEST

START_TEST(circle_ends_with_a_decode_error)
{
    MemTxResult result;

    set_entry(0, iommu_entry(0, IOMMU_WINDOW, 0, IOMMU_ENTRY_READ));
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW, 8, &result), UINT64_MAX);
    ck_assert_uint_eq(result, MEMTX_DECODE_ERROR);
    /* Sixteen pages, each leading to the next, and the last one out. */
    for (unsigned i = 0; i < IOMMU_ENTRIES; i++) {
        set_entry(i, iommu_entry(0x40 + i, i < 15 ? IOMMU_WINDOW + 0x41000 + 0x1000 * i : 0x70000,
                                 0, IOMMU_ENTRY_READ));
    }
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x40010, 8, &result), 0x70010);
    ck_assert_uint_eq(result, MEMTX_OK);
    set_entry(15, iommu_entry(0x4f, IOMMU_WINDOW, 0, IOMMU_ENTRY_READ)); /* and a line: 17 */
    iommu_get(&m, IOMMU_WINDOW + 0x40010, 8, &result);
    ck_assert_uint_eq(result, MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x41010, 8, NULL), 0x8010);
}
END_TEST

/* Pages of 64 KiB in a window that is no power of two, and one with more than entries can name. */
START_TEST(pages_may_be_larger)
{
    static const struct iommu_line far = {0xf0000000000, 0xf000000ffff, 0x30000, IOMMU_RW};

    teardown();
    iommu_machine_init(&m, (struct iommu_config){.size = 0x30000, .page_shift = 16});
    set_entry(0, iommu_entry(2, 0x1f000, 0, IOMMU_ENTRY_READ)); /* the target's page, too */
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x2fff8, 8, NULL), 0x1fff8);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0x1fff8, 8, NULL), UINT64_MAX);
    set_entry(0, UINT64_MAX);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS, 8, NULL),
                      iommu_entry(3, IOMMU_ENTRY_TARGET, 2, 7));
    teardown();
    iommu_machine_init(
        &m, (struct iommu_config){
                .size = UINT64_C(1) << 48, .page_shift = 12, .lines = &far, .line_num = 1});
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0xf0000000008, 8, NULL), 0x30008);
    set_entry(0, UINT64_MAX);
    ck_assert_uint_eq(iommu_get(&m, IOMMU_REGISTERS, 8, NULL),
                      iommu_entry(0xfff, IOMMU_ENTRY_TARGET, 12, 7));
    ck_assert_uint_eq(iommu_get(&m, IOMMU_WINDOW + 0xf0000000008, 8, NULL), 0x30008);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iommu_device");
    TCase *tc = tcase_create("iommu_device");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, lines_of_the_board_translate_with_their_permissions, places);
    tcase_add_test(tc, entries_come_before_lines_and_the_lowest_counts);
    tcase_add_test(tc, access_over_pages_goes_to_the_place_of_each);
    tcase_add_test(tc, registers_are_written_whole_or_in_halves);
    tcase_add_test(tc, what_is_reserved_reads_0_and_takes_nothing);
    tcase_add_test(tc, circle_ends_with_a_decode_error);
    tcase_add_test(tc, pages_may_be_larger);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
