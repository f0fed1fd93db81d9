/*
 * test_kvm_dirty.c - dirty bits between the guest's write and the client that takes them, through
 * every change of slots: none is lost, none is invented.
 */
#include <stdlib.h>

#include "kvm_fixture.h"
#include "run_suite.h"

enum { PAGES = 256, WORDS = PAGES / 64, STEPS = 4000 };

static uint64_t bitmap[WORDS];

static void start_log(void)
{
    ck_assert_int_eq(memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA), 0);
    /* Bits start all set. */
    ck_assert_uint_eq(
        memory_region_snapshot_and_clear_dirty(&ram, 0, PAGES, DIRTY_MEMORY_VGA, bitmap), PAGES);
    mock_restart(&mock);
}

static uint64_t take(uint64_t first, uint64_t num)
{
    return memory_region_snapshot_and_clear_dirty(&ram, first * 4096, num, DIRTY_MEMORY_VGA,
                                                  bitmap);
}

static void guest_writes(unsigned page)
{
    ck_assert(mock_guest_write(&mock, page * UINT64_C(4096)));
}

static bool is_dirty(unsigned page)
{
    return ram_block_test_dirty(ram.ram_block, page * UINT64_C(4096), 1, DIRTY_MEMORY_VGA);
}

START_TEST(m71_q06_bits_are_read_before_their_slot_goes)
{
    start_log();
    guest_writes(3);
    guest_writes(9); /* in the window to come */
    guest_writes(200);
    parks = 0;
    mount(&window, 0x8000);
    ck_assert_str_eq(mock.log, "?0 -0 +0:0-7fff:1 +1:c000-fffff:1 ");
    ck_assert_uint_eq(parks, 1);
    ck_assert(is_dirty(3) && is_dirty(9) && is_dirty(200));
    ck_assert_uint_eq(take(0, PAGES), 3);
    ck_assert_uint_eq(take(0, PAGES), 0);
}
END_TEST

START_TEST(m71_a_failed_commit_loses_no_bit)
{
    start_log();
    guest_writes(3);
    mock.fail_at[0] = 4; /* read, delete, create, create */
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &window, 1), -ENOMEM);
    guest_writes(5);
    ck_assert_uint_eq(take(0, PAGES), 2);
    ck_assert_uint_eq(bitmap[0], 1 << 3 | 1 << 5);
}
END_TEST

START_TEST(m71_a_log_that_cannot_be_read_fails_the_commit)
{
    start_log();
    guest_writes(3);
    mock.fail_at[0] = 1;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &window, 1), -ENOMEM);
    ck_assert_uint_eq(take(0, PAGES), 1);
    assert_audit();
}
END_TEST

START_TEST(logging_stops_with_the_vcpus_parked_and_the_log_read)
{
    start_log();
    guest_writes(3);
    parks = unparks = 0;
    ck_assert_int_eq(memory_region_set_log(&ram, false, DIRTY_MEMORY_VGA), 0);
    ck_assert_str_eq(mock.log, "?0 ~0:0-fffff:0 ");
    ck_assert_uint_eq(parks, 1);
    ck_assert_uint_eq(unparks, 1);
    ck_assert(is_dirty(3) && !is_dirty(4));
}
END_TEST

START_TEST(m76_only_pages_that_were_taken_are_cleared)
{
    start_log();
    ck_assert(mock.manual); /* and the model refuses INITIALLY_SET */
    guest_writes(5);
    guest_writes(6);
    guest_writes(70);
    ck_assert_uint_eq(take(0, 6), 1);
    ck_assert_str_eq(mock.log, "?0 !0:0+40 ");
    ck_assert_uint_eq(mock.dirty[0][0], 1 << 6);
    ck_assert_uint_eq(mock.dirty[0][1], 1 << 6);
    guest_writes(5);
    ck_assert_uint_eq(take(0, 71), 3);
    ck_assert_uint_eq(mock.dirty[0][0] | mock.dirty[0][1], 0);
}
END_TEST

/* What the guest writes after the log was read. */
static void write_late(MemoryListener *listener, const MemoryRegionSection *section)
{
    (void)listener, (void)section;
    guest_writes(7);
}

START_TEST(m76_a_page_written_after_the_sync_is_not_cleared)
{
    MemoryListener late = {.name = "late", .priority = 50, .log_sync = write_late};

    start_log();
    guest_writes(5);
    ck_assert_int_eq(memory_listener_register(&late, &as), 0);
    ck_assert_uint_eq(take(0, 64), 1);
    memory_listener_unregister(&late);
    ck_assert_uint_eq(bitmap[0], 1 << 5);
    ck_assert_uint_eq(take(0, 64), 1);
    ck_assert_uint_eq(bitmap[0], 1 << 7);
}
END_TEST

START_TEST(m76_the_last_pages_of_a_slot_are_no_whole_word)
{
    mount(&rom, 0xf0000); /* tiles of 240, 2 and 14 pages */
    start_log();
    guest_writes(239);
    guest_writes(255);
    ck_assert_uint_eq(take(200, 56), 2);
    ck_assert_ptr_nonnull(strstr(mock.log, "!0:c0+30 "));
    ck_assert_ptr_nonnull(strstr(mock.log, ":0+e "));
    ck_assert_uint_eq(take(0, PAGES), 0);
}
END_TEST

START_TEST(without_manual_protection_a_sync_clears_all)
{
    mock.no_manual = true;
    start_log();
    ck_assert(!mock.manual);
    guest_writes(5);
    guest_writes(70);
    ck_assert_uint_eq(take(0, 6), 1);
    ck_assert_str_eq(mock.log, "?0 ");
    ck_assert_uint_eq(take(0, PAGES), 1);
    ck_assert_uint_eq(bitmap[1], 1 << 6);
}
END_TEST

START_TEST(when_a_sync_fails_every_page_counts_as_written)
{
    start_log();
    mock.fail_at[0] = 1;
    ck_assert_uint_eq(take(0, PAGES), PAGES);
    ck_assert_uint_eq(take(0, PAGES), 0);
}
END_TEST

START_TEST(each_client_takes_its_own_bits)
{
    start_log();
    ck_assert_int_eq(memory_global_dirty_log_start(&core), 0);
    (void)ram_block_test_and_clear_dirty(ram.ram_block, 0, RAM_SIZE, DIRTY_MEMORY_MIGRATION);
    guest_writes(5);
    ck_assert_uint_eq(take(0, PAGES), 1);
    ck_assert_uint_eq(take(0, PAGES), 0);
    ck_assert_uint_eq(
        memory_region_snapshot_and_clear_dirty(&ram, 0, PAGES, DIRTY_MEMORY_MIGRATION, bitmap), 1);
    ck_assert_uint_eq(bitmap[0], 1 << 5);
    ck_assert_int_eq(memory_region_set_log(&ram, false, DIRTY_MEMORY_VGA), 0);
    ck_assert_uint_eq(mock.slots[0].flags, KVM_MEM_LOG_DIRTY_PAGES); /* for the other one */
    ck_assert_int_eq(memory_global_dirty_log_stop(&core), 0);
    ck_assert_uint_eq(mock.slots[0].flags, 0);
}
END_TEST

START_TEST(writes_through_an_alias_are_the_blocks)
{
    static MemoryRegion alias;

    ck_assert_int_eq(memory_region_init_alias(&alias, NULL, "alias", &ram, 0x10000, 0x8000), 0);
    mount(&alias, 4 * RAM_SIZE);
    start_log();
    ck_assert(mock_guest_write(&mock, 4 * RAM_SIZE + 0x2000));
    ck_assert_uint_eq(take(0, PAGES), 1);
    ck_assert_uint_eq(bitmap[0], 1 << 18);
    ck_assert(mock_guest_write(&mock, 4 * RAM_SIZE + 0x3000));
    unmount(&alias);
    ck_assert_uint_eq(take(0, PAGES), 1);
    memory_region_unref(&alias);
}
END_TEST

/* The guest writes anywhere while the map changes and clients come and take: a model says what. */
static void random_step(bool *model, MemoryRegion *overlays, unsigned *seed)
{
    unsigned what = (unsigned)rand_r(seed) % 16, page = (unsigned)rand_r(seed) % PAGES, i;
    MemoryRegion *mr = &overlays[(unsigned)rand_r(seed) % 2];

    if (what < 9) {
        if (mock_guest_write(&mock, page * UINT64_C(4096))) {
            model[page] = true;
        }
    } else if (what < 11) {
        ck_assert_int_eq(memory_region_set_enabled(mr, rand_r(seed) % 2), 0);
    } else if (what < 12) {
        ck_assert_int_eq(memory_region_set_address(mr, page * UINT64_C(4096)), 0);
    } else if (what < 13) {
        memory_region_sync_dirty_bitmap(&ram);
    } else if (what < 14) {
        mock.calls = 0; /* a commit that may fail at its n-th ioctl */
        mock.fail_at[0] = 1 + page % 6;
        (void)!memory_region_set_address(mr, page * UINT64_C(4096));
        mock.fail_at[0] = 0;
    } else {
        unsigned num = 1 + (unsigned)rand_r(seed) % (PAGES - page);

        (void)take(page, num);
        for (i = 0; i < num; i++) {
            ck_assert_msg(model[page + i] == (bitmap[i / 64] >> (i % 64) & 1), "page %u", page + i);
            model[page + i] = false;
        }
    }
}

START_TEST(m71_m76_no_bit_is_lost_and_none_is_invented)
{
    static MemoryRegion overlays[2]; /* until the core is finished */
    bool model[PAGES] = {false};
    unsigned seed = (unsigned)_i, step;

    mock.no_manual = _i % 2;
    ck_assert_int_eq(
        memory_region_init_io(&overlays[0], &core, NULL, &zero_ops, NULL, "io", 0x9000), 0);
    ck_assert_int_eq(memory_region_init_alias(&overlays[1], NULL, "alias", &rom, 0, 0x2000), 0);
    mount(&overlays[0], 0x8000);
    mount(&overlays[1], 0x20000);
    start_log();
    for (step = 0; step < STEPS; step++) {
        random_step(model, overlays, &seed);
    }
    assert_audit();
    unmount(&overlays[0]);
    unmount(&overlays[1]);
    memory_region_unref(&overlays[0]);
    memory_region_unref(&overlays[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_dirty");
    TCase *tcase = tcase_create("log");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, m71_q06_bits_are_read_before_their_slot_goes);
    tcase_add_test(tcase, m71_a_failed_commit_loses_no_bit);
    tcase_add_test(tcase, m71_a_log_that_cannot_be_read_fails_the_commit);
    tcase_add_test(tcase, logging_stops_with_the_vcpus_parked_and_the_log_read);
    tcase_add_test(tcase, m76_only_pages_that_were_taken_are_cleared);
    tcase_add_test(tcase, m76_a_page_written_after_the_sync_is_not_cleared);
    tcase_add_test(tcase, m76_the_last_pages_of_a_slot_are_no_whole_word);
    tcase_add_test(tcase, without_manual_protection_a_sync_clears_all);
    tcase_add_test(tcase, when_a_sync_fails_every_page_counts_as_written);
    tcase_add_test(tcase, each_client_takes_its_own_bits);
    tcase_add_test(tcase, writes_through_an_alias_are_the_blocks);
    tcase_add_loop_test(tcase, m71_m76_no_bit_is_lost_and_none_is_invented, 1, 9);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
