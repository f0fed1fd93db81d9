/* test_kvm_slots.c - slots against a model of the kernel: what is issued, what is not, and
 * failures. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "kvm_fixture.h"
#include "run_suite.h"

START_TEST(registration_makes_one_slot_for_each_ram_range)
{
    ck_assert_str_eq(mock.log, "+0:0-fffff:0 ");
    ck_assert_uint_eq(parks, 0);
    ck_assert_uint_eq(kvm_slots_num(&slots), 1);
    ck_assert_ptr_eq(kvm_slots_lookup(&slots, 0x1234)->mr, &ram);
    ck_assert_ptr_null(kvm_slots_lookup(&slots, RAM_SIZE));
    assert_audit();
}
END_TEST

START_TEST(first_flip_of_a_window_costs_one_delete_and_two_creates)
{
    mock_restart(&mock);
    mount(&window, 0x8000);
    ck_assert_str_eq(mock.log, "-0 +0:0-7fff:0 +1:c000-fffff:0 ");
    ck_assert_uint_eq(parks, 1);
    ck_assert_uint_eq(unparks, 1);
    ck_assert_uint_eq(kvm_slots_last_delta(&slots).ioctls, 3);
    assert_audit();
}
END_TEST

START_TEST(later_flips_cost_one_create_or_one_delete)
{
    int i;

    mount(&window, 0x8000);
    for (i = 0; i < 3; i++) {
        mock_restart(&mock);
        unmount(&window);
        ck_assert_str_eq(mock.log, "+2:8000-bfff:0 ");
        mock_restart(&mock);
        mount(&window, 0x8000);
        ck_assert_str_eq(mock.log, "-2 ");
        assert_audit();
    }
    ck_assert_uint_eq(parks, 4); /* the first flip, and three that delete */
}
END_TEST

START_TEST(a_rom_window_costs_a_delete_and_a_create_and_is_read_only)
{
    mount(&rom, 0x8000);
    mock_restart(&mock);
    unmount(&rom);
    ck_assert_str_eq(mock.log, "-1 +1:8000-9fff:0 ");
    mock_restart(&mock);
    mount(&rom, 0x8000);
    ck_assert_str_eq(mock.log, "-1 +1:8000-9fff:2 ");
    ck_assert_uint_eq(kvm_slots_lookup(&slots, 0x8000)->flags, KVM_MEM_READONLY);
    assert_audit();
}
END_TEST

START_TEST(a_smaller_window_keeps_its_cuts_through_a_larger_one)
{
    static MemoryRegion large;

    ck_assert_int_eq(memory_region_init_io(&large, &core, NULL, &zero_ops, NULL, "large", 0x10000),
                     0);
    mount(&window, 0x8000);
    unmount(&window);
    mount(&large, 0x4000);
    unmount(&large);
    mock_restart(&mock);
    mount(&window, 0x8000);
    ck_assert_uint_eq(mock.calls, 1); /* only the window's own tile goes */
    assert_audit();
    unmount(&window);
    memory_region_unref(&large);
}
END_TEST

START_TEST(partial_pages_have_no_slot)
{
    static MemoryRegion odd;

    ck_assert_int_eq(memory_region_init_io(&odd, &core, NULL, &zero_ops, NULL, "odd", 0x10), 0);
    mount(&odd, 0x8ff8);
    ck_assert_ptr_null(kvm_slots_lookup(&slots, 0x8000));
    ck_assert_ptr_null(kvm_slots_lookup(&slots, 0x9fff));
    ck_assert_ptr_nonnull(kvm_slots_lookup(&slots, 0x7fff));
    ck_assert_ptr_nonnull(kvm_slots_lookup(&slots, 0xa000));
    assert_audit();
    unmount(&odd);
    memory_region_unref(&odd);
}
END_TEST

START_TEST(pages_that_do_not_agree_modulo_4096_have_no_slot)
{
    static MemoryRegion shifted;

    ck_assert_int_eq(memory_region_init_alias(&shifted, NULL, "shifted", &rom, 0x800, 0x1800), 0);
    mock_restart(&mock);
    mount(&shifted, RAM_SIZE);
    ck_assert_uint_eq(mock.calls, 0);
    ck_assert_ptr_null(kvm_slots_lookup(&slots, RAM_SIZE));
    assert_audit();
    unmount(&shifted);
    memory_region_unref(&shifted);
}
END_TEST

START_TEST(a_read_only_alias_of_ram_gets_a_read_only_slot)
{
    static MemoryRegion alias;

    ck_assert_int_eq(memory_region_init_alias(&alias, NULL, "alias", &ram, 0, 0x4000), 0);
    ck_assert_int_eq(memory_region_set_readonly(&alias, true), 0);
    mount(&alias, 0x4000);
    ck_assert_uint_eq(kvm_slots_lookup(&slots, 0x4000)->flags, KVM_MEM_READONLY);
    ck_assert_uint_eq(kvm_slots_lookup(&slots, 0x8000)->flags, 0);
    assert_audit();
    unmount(&alias);
    memory_region_unref(&alias);
}
END_TEST

START_TEST(a_commit_that_changes_no_memory_issues_nothing)
{
    static MemoryRegion far;

    ck_assert_int_eq(memory_region_init_io(&far, &core, NULL, &zero_ops, NULL, "far", 0x1000), 0);
    mock_restart(&mock);
    mount(&far, 0x80000000);
    ck_assert_uint_eq(mock.calls, 0);
    ck_assert_uint_eq(kvm_slots_last_delta(&slots).ioctls, 0);
    unmount(&far);
    memory_region_unref(&far);
}
END_TEST

/* Ioctls that a commit issues, for each place where it can fail. */
static void flip_failing_at(unsigned call, bool first)
{
    char before[MOCK_LOG];
    struct kvm_userspace_memory_region saved[MOCK_SLOTS];

    if (!first) {
        mount(&rom, 0x8000);
        unmount(&rom);
    }
    memcpy(saved, mock.slots, sizeof(saved));
    mock_restart(&mock);
    mock.fail_at[0] = call;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -ENOMEM);
    (void)snprintf(before, sizeof(before), "%s", mock.log);
    ck_assert_uint_eq(broken_calls, 0);
    ck_assert(!memory_core_is_broken(&core, NULL, NULL));
    ck_assert_mem_eq(saved, mock.slots, sizeof(saved));
    assert_audit();
    mock_restart(&mock);
    mount(&rom, 0x8000); /* and it works when asked again */
    assert_audit();
}

START_TEST(a_first_flip_that_fails_anywhere_leaves_the_old_slots)
{
    flip_failing_at((unsigned)_i, true); /* 1 delete, 3 creates */
}
END_TEST

START_TEST(a_later_flip_that_fails_anywhere_leaves_the_old_slots)
{
    flip_failing_at((unsigned)_i, false); /* 1 delete, 1 create */
}
END_TEST

START_TEST(a_roll_back_that_fails_names_both_errors)
{
    mock_restart(&mock);
    mock.fail_at[0] = 2;
    mock.fail_at[1] = 3;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -ENOMEM);
    ck_assert_uint_eq(broken_calls, 1);
    ck_assert_int_eq(broken_apply, -ENOMEM);
    ck_assert_int_eq(broken_undo, -EIO);
    mock_restart(&mock);
}
END_TEST

static int refuse(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener, (void)commit;
    return -EIO;
}

static int nothing_to_undo(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener, (void)commit;
    return 0;
}

START_TEST(slots_come_back_when_a_later_listener_fails)
{
    MemoryListener late = {.name = "late", .priority = 50};
    struct kvm_userspace_memory_region saved[MOCK_SLOTS];

    ck_assert_int_eq(memory_listener_register(&late, &as), 0);
    late.apply = refuse;
    late.undo = nothing_to_undo;
    memcpy(saved, mock.slots, sizeof(saved));
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -EIO);
    ck_assert_mem_eq(saved, mock.slots, sizeof(saved));
    assert_audit();
    late.apply = NULL;
    late.undo = NULL;
    memory_listener_unregister(&late);
}
END_TEST

START_TEST(split_points_are_given_up_when_ids_run_short)
{
    hwaddr addr;

    /* Each stop leaves cuts behind until the tiles would be more than the model has. */
    for (addr = 0; addr < 90 * 0x1000; addr += 0x1000) {
        mount(&rom, addr);
        assert_audit();
        unmount(&rom);
        assert_audit();
    }
    ck_assert_uint_le(kvm_slots_num(&slots), MOCK_SLOTS);
}
END_TEST

START_TEST(more_ranges_than_slots_is_an_error_and_changes_nothing)
{
    static MemoryRegion holes[MOCK_SLOTS];
    struct kvm_userspace_memory_region saved[MOCK_SLOTS];
    int i;

    memory_region_transaction_begin(&core);
    for (i = 0; i < MOCK_SLOTS; i++) {
        ck_assert_int_eq(
            memory_region_init_io(&holes[i], &core, NULL, &zero_ops, NULL, "hole", 0x1000), 0);
        mount(&holes[i], (hwaddr)i * 0x3000 + 0x1000);
    }
    memcpy(saved, mock.slots, sizeof(saved));
    ck_assert_int_eq(memory_region_transaction_commit(&core), -ENOSPC);
    ck_assert_mem_eq(saved, mock.slots, sizeof(saved));
    assert_audit();
    for (i = 0; i < MOCK_SLOTS; i++) {
        memory_region_unref(&holes[i]);
    }
}
END_TEST

START_TEST(dirty_logging_is_a_change_of_flags_in_place)
{
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_set_log(&ram, true, DIRTY_MEMORY_VGA), 0);
    ck_assert_str_eq(mock.log, "~0:0-fffff:1 ");
    ck_assert_uint_eq(kvm_slots_last_delta(&slots).changed_num, 1);
    ck_assert_int_eq(memory_region_set_log(&ram, false, DIRTY_MEMORY_VGA), 0);
    ck_assert_uint_eq(mock.slots[0].flags, 0);
    ck_assert_uint_eq(parks, 1);
    assert_audit();
}
END_TEST

START_TEST(audit_finds_a_slot_that_should_not_be)
{
    FlatView *old = address_space_get_flatview(&as);
    char why[256] = "";

    mount(&window, 0x8000);
    ck_assert(!kvm_slots_audit(&slots, old, why, sizeof(why)));
    ck_assert_str_ne(why, "");
    flatview_unref(old);
}
END_TEST

START_TEST(eventfds_and_zones_follow_their_region)
{
    struct kvm_events events;

    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_add_eventfd(&window, 8, 4, true, 7, 5), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x10), 0);
    mount(&window, 0x8000);
    ck_assert_uint_eq(mock.event_num, 1);
    ck_assert_uint_eq(mock.events[0].addr, 0x8008);
    ck_assert_uint_eq(mock.zones[0].addr, 0x8100);
    ck_assert_int_eq(memory_region_set_address(&window, 0x10000), 0);
    ck_assert_uint_eq(mock.event_num, 1);
    ck_assert_uint_eq(mock.events[0].addr, 0x10008);
    ck_assert_uint_eq(mock.zone_num, 1);
    ck_assert_uint_eq(mock.zones[0].addr, 0x10100);
    unmount(&window);
    ck_assert_uint_eq(mock.event_num + mock.zone_num, 0);
    kvm_events_finish(&events, false);
}
END_TEST

START_TEST(a_move_that_fails_anywhere_leaves_eventfds_and_zones)
{
    struct kvm_events events;

    ck_assert_int_eq(kvm_events_init(&events, &kvm, &as, false), 0);
    ck_assert_int_eq(memory_region_add_eventfd(&window, 8, 4, true, 7, 5), 0);
    ck_assert_int_eq(memory_region_add_coalescing(&window, 0x100, 0x10), 0);
    mount(&window, 0x80000000); /* beside the RAM: no slot ioctls in between */
    mock_restart(&mock);
    mock.fail_at[0] = (unsigned)_i;
    ck_assert_int_eq(memory_region_set_address(&window, 0x90000000), -ENOMEM);
    ck_assert_uint_eq(mock.event_num, 1);
    ck_assert_uint_eq(mock.events[0].addr, 0x80000008);
    ck_assert_uint_eq(mock.zone_num, 1);
    ck_assert_uint_eq(mock.zones[0].addr, 0x80000100);
    mock_restart(&mock);
    unmount(&window);
    kvm_events_finish(&events, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_slots");
    TCase *tcase = tcase_create("slots");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, registration_makes_one_slot_for_each_ram_range);
    tcase_add_test(tcase, first_flip_of_a_window_costs_one_delete_and_two_creates);
    tcase_add_test(tcase, later_flips_cost_one_create_or_one_delete);
    tcase_add_test(tcase, a_rom_window_costs_a_delete_and_a_create_and_is_read_only);
    tcase_add_test(tcase, a_smaller_window_keeps_its_cuts_through_a_larger_one);
    tcase_add_test(tcase, partial_pages_have_no_slot);
    tcase_add_test(tcase, pages_that_do_not_agree_modulo_4096_have_no_slot);
    tcase_add_test(tcase, a_read_only_alias_of_ram_gets_a_read_only_slot);
    tcase_add_test(tcase, a_commit_that_changes_no_memory_issues_nothing);
    tcase_add_loop_test(tcase, a_first_flip_that_fails_anywhere_leaves_the_old_slots, 1, 5);
    tcase_add_loop_test(tcase, a_later_flip_that_fails_anywhere_leaves_the_old_slots, 1, 3);
    tcase_add_test(tcase, a_roll_back_that_fails_names_both_errors);
    tcase_add_test(tcase, slots_come_back_when_a_later_listener_fails);
    tcase_add_test(tcase, split_points_are_given_up_when_ids_run_short);
    tcase_add_test(tcase, more_ranges_than_slots_is_an_error_and_changes_nothing);
    tcase_add_test(tcase, dirty_logging_is_a_change_of_flags_in_place);
    tcase_add_test(tcase, audit_finds_a_slot_that_should_not_be);
    tcase_add_test(tcase, eventfds_and_zones_follow_their_region);
    tcase_add_loop_test(tcase, a_move_that_fails_anywhere_leaves_eventfds_and_zones, 1, 5);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
