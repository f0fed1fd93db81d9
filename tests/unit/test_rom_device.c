/* test_rom_device.c - commands of the 28F008SA: what reads give, and what becomes of the array. */
#include "devices/rom_device.h"

#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

#include <errno.h>

#include "memory/dirty.h"
#include "memory/listener.h"

enum { BASE = 0x4000, SIZE = 0x3000, ERASE_SIZE = 0x1000 };

static struct fake_bus bus;
static struct rom_device dev;
static RAMBlock *block;

static void init(bool locked)
{
    const struct ram_block_config ram = {.backing = RAM_ANONYMOUS, .size = SIZE};
    struct rom_device_config config = {.name = "flash", .erase_size = ERASE_SIZE, .locked = locked};

    fake_bus_init(&bus);
    ck_assert_int_eq(ram_block_new(&bus.core, "flash", &ram, &block), 0);
    memset(block->host, 0x5a, SIZE);
    config.block = block;
    ck_assert_int_eq(rom_device_init(&dev, &bus.core, &config), 0);
    fake_bus_mount(&bus, BASE, &dev.mr);
}

static void setup(void)
{
    init(false);
}

static void setup_locked(void)
{
    init(true);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &dev.mr);
    rom_device_finish(&dev);
    fake_bus_finish(&bus);
}

static unsigned in(hwaddr offset)
{
    return bus_in(&bus, BASE + offset, 1, NULL);
}

static void out(hwaddr offset, unsigned value)
{
    ck_assert_uint_eq(bus_out(&bus, BASE + offset, 1, value), MEMTX_OK);
}

/* One or two writes at offset 0x10, and what reads then give. */
static const struct {
    unsigned writes[2];
    bool romd;
    unsigned at_0, at_1;
} modes[] = {
    {{0xff, 0xff}, true, 0x5a, 0x5a},  {{0x00, 0xff}, true, 0x5a, 0x5a},
    {{0x90, 0x90}, false, 0x89, 0xa2}, {{0x70, 0x70}, false, 0x80, 0x80},
    {{0x50, 0x50}, false, 0x80, 0x80}, {{0x90, 0xff}, true, 0x5a, 0x5a},
    {{0x40, 0x00}, false, 0x80, 0x80}, {{0x10, 0x00}, false, 0x80, 0x80},
    {{0x20, 0xd0}, false, 0x80, 0x80}, {{0x20, 0xff}, false, 0xb0, 0xb0},
    {{0x90, 0x70}, false, 0x80, 0x80}, {{0x90, 0x33}, true, 0x5a, 0x5a},
};

START_TEST(command_decides_what_reads_give)
{
    out(0x2010, modes[_i].writes[0]);
    out(0x2010, modes[_i].writes[1]);
    ck_assert_int_eq(memory_region_is_romd(&dev.mr), modes[_i].romd);
    ck_assert_uint_eq(in(0), modes[_i].at_0);
    ck_assert_uint_eq(in(1), modes[_i].at_1);
    out(0, 0xff);
    ck_assert(memory_region_is_romd(&dev.mr));
    ck_assert_uint_eq(in(0), 0x5a);
}
END_TEST

START_TEST(identifier_has_nothing_beyond_its_two_bytes)
{
    out(0, 0x90);
    ck_assert_uint_eq(in(2), 0);
    ck_assert_uint_eq(in(SIZE - 1), 0);
}
END_TEST

START_TEST(programming_clears_bits_and_sets_none)
{
    out(7, 0x40);
    out(7, 0xf0);
    out(0, 0xff);
    ck_assert_uint_eq(in(7), 0x50);
    out(7, 0x10);
    out(7, 0xff);
    out(0, 0xff);
    ck_assert_uint_eq(in(7), 0x50);
    ck_assert_uint_eq(in(6), 0x5a);
    ck_assert_uint_eq(in(8), 0x5a);
}
END_TEST

/* An offset, and the block around it. */
static const struct {
    hwaddr offset, first, last;
} blocks[] = {{0, 0, 0xfff}, {0xfff, 0, 0xfff}, {0x1000, 0x1000, 0x1fff}, {0x2fff, 0x2000, 0x2fff}};

START_TEST(erase_fills_the_one_block)
{
    hwaddr at;

    out(0, 0x20);
    out(blocks[_i].offset, 0xd0);
    out(0, 0xff);
    for (at = 0; at < SIZE; at += 0x7f) {
        bool inside = at >= blocks[_i].first && at <= blocks[_i].last;

        ck_assert_uint_eq(in(at), inside ? 0xff : 0x5a);
    }
    ck_assert_uint_eq(in(blocks[_i].first), 0xff);
    ck_assert_uint_eq(in(blocks[_i].last), 0xff);
}
END_TEST

START_TEST(erase_without_its_confirmation_is_an_error_that_stays_until_cleared)
{
    out(0, 0x20);
    out(0, 0x40);
    ck_assert_uint_eq(in(0), 0xb0);
    out(0, 0xff);
    ck_assert_uint_eq(in(0), 0x5a);
    out(0, 0x70);
    ck_assert_uint_eq(in(0), 0xb0);
    out(0, 0x50);
    ck_assert_uint_eq(in(0), 0x80);
}
END_TEST

START_TEST(locked_array_stays_and_the_status_says_why)
{
    out(0, 0x40);
    out(0, 0);
    ck_assert_uint_eq(in(0), 0x98);
    out(0, 0x50);
    out(0, 0x20);
    out(0, 0xd0);
    ck_assert_uint_eq(in(0), 0xa8);
    out(0, 0xff);
    ck_assert_uint_eq(in(0), 0x5a);
}
END_TEST

START_TEST(wide_accesses_are_a_cycle_for_each_byte)
{
    ck_assert_uint_eq(bus_out(&bus, BASE, 4, 0xffff0040), MEMTX_OK);
    ck_assert_uint_eq(bus_in(&bus, BASE, 4, NULL), 0x5a5a005a);
    out(0, 0x90);
    ck_assert_uint_eq(bus_in(&bus, BASE, 4, NULL), 0xa289);
}
END_TEST

START_TEST(reset_shows_the_array_as_it_is_and_forgets_errors)
{
    out(3, 0x40);
    out(3, 0x0a);
    out(0, 0x20);
    out(0, 0x00);
    rom_device_reset(&dev);
    ck_assert(memory_region_is_romd(&dev.mr));
    ck_assert_uint_eq(in(3), 0x0a);
    out(0, 0x70);
    ck_assert_uint_eq(in(0), 0x80);
}
END_TEST

START_TEST(what_changes_the_array_makes_its_pages_dirty)
{
    ck_assert_int_eq(ram_block_track_dirty(block, DIRTY_MEMORY_MIGRATION), 0);
    (void)ram_block_test_and_clear_dirty(block, 0, SIZE, DIRTY_MEMORY_MIGRATION);
    out(0x1005, 0x40);
    out(0x1005, 0x00);
    ck_assert(!ram_block_test_dirty(block, 0, 0x1000, DIRTY_MEMORY_MIGRATION));
    ck_assert(ram_block_test_dirty(block, 0x1000, 0x1000, DIRTY_MEMORY_MIGRATION));
    out(0, 0x20);
    out(0x2000, 0xd0);
    ck_assert(ram_block_test_dirty(block, 0x2000, 0x1000, DIRTY_MEMORY_MIGRATION));
}
END_TEST

static bool refusing;

static int prepare(MemoryListener *listener, MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
    return refusing ? -ENOSPC : 0;
}

static void cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
}

START_TEST(mode_that_the_map_refuses_does_not_come)
{
    MemoryListener listener = {.name = "veto", .prepare = prepare, .cancel = cancel};

    ck_assert_int_eq(memory_listener_register(&listener, &bus.as), 0);
    refusing = true;
    out(0, 0x90);
    ck_assert(memory_region_is_romd(&dev.mr));
    ck_assert_uint_eq(in(0), 0x5a);
    refusing = false;
    out(0, 0x90);
    ck_assert_uint_eq(in(0), 0x89);
    refusing = true;
    out(0, 0xff);
    ck_assert(!memory_region_is_romd(&dev.mr));
    ck_assert_uint_eq(in(0), 0x5a);
    refusing = false;
    memory_listener_unregister(&listener);
}
END_TEST

static const uint64_t bad_erase_sizes[] = {0, 1, 128, 257, 0x1800, UINT64_MAX};

START_TEST(erase_size_is_a_power_of_two_from_256_on)
{
    struct rom_device other;
    const struct rom_device_config config = {
        .name = "x", .block = block, .erase_size = bad_erase_sizes[_i]};

    ck_assert_int_eq(rom_device_init(&other, &bus.core, &config), -EINVAL);
}
END_TEST

START_TEST(finish_takes_a_zeroed_device)
{
    rom_device_finish(&(struct rom_device){0});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rom_device");
    TCase *tc = tcase_create("rom_device"), *locked = tcase_create("locked");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, command_decides_what_reads_give, modes);
    tcase_add_test(tc, identifier_has_nothing_beyond_its_two_bytes);
    tcase_add_test(tc, programming_clears_bits_and_sets_none);
    tcase_add_table_test(tc, erase_fills_the_one_block, blocks);
    tcase_add_test(tc, erase_without_its_confirmation_is_an_error_that_stays_until_cleared);
    tcase_add_test(tc, wide_accesses_are_a_cycle_for_each_byte);
    tcase_add_test(tc, reset_shows_the_array_as_it_is_and_forgets_errors);
    tcase_add_test(tc, what_changes_the_array_makes_its_pages_dirty);
    tcase_add_test(tc, mode_that_the_map_refuses_does_not_come);
    tcase_add_table_test(tc, erase_size_is_a_power_of_two_from_256_on, bad_erase_sizes);
    tcase_add_test(tc, finish_takes_a_zeroed_device);
    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(locked, setup_locked, teardown);
    tcase_add_test(locked, locked_array_stays_and_the_status_says_why);
    suite_add_tcase(suite, locked);
    return run_suite(suite);
}
