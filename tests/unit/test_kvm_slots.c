/* test_kvm_slots.c - slots against a model of the kernel: what is issued, what is not, and
 * failures. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "kvm_fixture.h"
#include "memory/rcu.h"
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

START_TEST(m69_first_flip_of_a_window_costs_one_delete_and_two_creates)
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

START_TEST(m69_q06_later_flips_cost_one_create_or_one_delete)
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

/* The windows of a PC's shadow RAM, each read-only and back: what is beside them stays mapped. */
START_TEST(m70_q07_shadow_ram_flips_leave_the_ram_beside_it_alone)
{
    enum { WINDOWS = 12, WINDOW_BYTES = 0x4000 };
    static MemoryRegion shadow[WINDOWS];
    const struct kvm_slot *below;
    unsigned turn, i, id;

    for (i = 0; i < WINDOWS; i++) {
        hwaddr at = 0xc0000 + i * WINDOW_BYTES;

        ck_assert_int_eq(
            memory_region_init_alias(&shadow[i], NULL, "shadow", &ram, at, WINDOW_BYTES), 0);
        mount(&shadow[i], at);
        ck_assert_int_eq(memory_region_set_readonly(&shadow[i], true), 0);
    }
    below = kvm_slots_lookup(&slots, 0);
    ck_assert_uint_eq(below->node.last, 0xbffff);
    id = below->id;
    mock_restart(&mock);
    for (turn = 0; turn < 2; turn++) {
        for (i = 0; i < WINDOWS; i++) {
            ck_assert_int_eq(memory_region_set_readonly(&shadow[i], turn), 0);
        }
    }
    ck_assert_uint_eq(mock.calls, 2 * 2 * WINDOWS); /* a delete and a create each */
    ck_assert_ptr_eq(kvm_slots_lookup(&slots, 0), below);
    ck_assert_uint_eq(below->id, id);
    assert_audit();
    for (i = 0; i < WINDOWS; i++) {
        unmount(&shadow[i]);
        memory_region_unref(&shadow[i]);
    }
}
END_TEST

START_TEST(m72_a_rom_window_costs_a_delete_and_a_create_and_is_read_only)
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

START_TEST(m69_partial_pages_have_no_slot)
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

START_TEST(m69_q08_a_read_only_alias_of_ram_gets_a_read_only_slot)
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

START_TEST(m70_a_commit_that_changes_no_memory_issues_nothing)
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

START_TEST(m75_split_points_are_given_up_when_ids_run_short)
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

START_TEST(m75_q16_more_ranges_than_slots_is_an_error_and_changes_nothing)
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

START_TEST(m70_dirty_logging_is_a_change_of_flags_in_place)
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

START_TEST(m69_neighbouring_blocks_never_share_a_slot)
{
    struct ram_block_config config = {.backing = RAM_PTR, .size = 0x4000};
    static MemoryRegion left, right;
    RAMBlock *blocks[2];
    char *memory = aligned_alloc(0x1000, 0x8000);

    config.ptr = memory;
    ck_assert_int_eq(ram_block_new(&core, "left", &config, &blocks[0]), 0);
    config.ptr = memory + 0x4000;
    ck_assert_int_eq(ram_block_new(&core, "right", &config, &blocks[1]), 0);
    ck_assert_int_eq(memory_region_init_ram(&left, NULL, "left", blocks[0]), 0);
    ck_assert_int_eq(memory_region_init_ram(&right, NULL, "right", blocks[1]), 0);
    memory_region_transaction_begin(&core);
    mount(&left, RAM_SIZE);
    mount(&right, RAM_SIZE + 0x4000);
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_transaction_commit(&core), 0);
    ck_assert_str_eq(mock.log, "+1:100000-103fff:0 +2:104000-107fff:0 ");
    ck_assert_ptr_eq(kvm_slots_lookup(&slots, RAM_SIZE + 0x4000)->mr, &right);
    assert_audit();
    unmount(&left);
    unmount(&right);
    memory_region_unref(&left);
    memory_region_unref(&right);
    rcu_drain();
    free(memory);
}
END_TEST

START_TEST(m70_a_commit_beside_a_slot_leaves_it_alone)
{
    mount(&window, 0x8000);
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_set_nonvolatile(&ram, true), 0);
    ck_assert_int_eq(memory_region_set_address(&window, 0x8000), 0);
    ck_assert_uint_eq(mock.calls, 0); /* the same pages, the same memory */
    assert_audit();
}
END_TEST

START_TEST(m71_deletes_come_before_creates_with_the_vcpus_parked)
{
    static MemoryRegion alias;
    const char *create;

    ck_assert_int_eq(memory_region_init_alias(&alias, NULL, "alias", &ram, 0, 0x8000), 0);
    mount(&alias, 2 * RAM_SIZE);
    parks = unparks = 0;
    mock_restart(&mock);
    memory_region_transaction_begin(&core);
    ck_assert_int_eq(memory_region_set_address(&alias, 2 * RAM_SIZE + 0x4000), 0);
    mount(&rom, 0x8000);
    ck_assert_int_eq(memory_region_transaction_commit(&core), 0);
    create = strchr(mock.log, '+');
    ck_assert_ptr_nonnull(create);
    ck_assert_ptr_null(strchr(create, '-') > create ? strstr(create, " -") : NULL);
    ck_assert_uint_eq(parks, 1);
    ck_assert_uint_eq(unparks, 1);
    assert_audit();
    unmount(&alias);
    memory_region_unref(&alias);
}
END_TEST

START_TEST(m72_read_only_is_never_toggled_in_place)
{
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_set_readonly(&ram, true), 0);
    ck_assert_str_eq(mock.log, "-0 +0:0-fffff:2 ");
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_set_readonly(&ram, false), 0);
    ck_assert_str_eq(mock.log, "-0 +0:0-fffff:0 ");
    assert_audit();
}
END_TEST

static const int refusals[] = {EINVAL, EEXIST, ENOSPC, ENOMEM};

START_TEST(m72_what_the_kernel_refuses_is_reported)
{
    mock_restart(&mock);
    mock.fail_errno = refusals[_i];
    mock.fail_at[0] = 3;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -refusals[_i]);
    ck_assert_uint_eq(parks, unparks);
    assert_audit();
}
END_TEST

START_TEST(m73_a_rom_device_has_a_read_only_slot_while_romd_is_on)
{
    struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = 0x2000};
    static MemoryRegion flash;
    RAMBlock *block;

    ck_assert_int_eq(ram_block_new(&core, "flash", &config, &block), 0);
    ck_assert_int_eq(memory_region_init_rom_device(&flash, NULL, &zero_ops, NULL, "flash", block),
                     0);
    mount(&flash, RAM_SIZE);
    ck_assert_uint_eq(kvm_slots_lookup(&slots, RAM_SIZE)->flags, KVM_MEM_READONLY);
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_rom_device_set_romd(&flash, false), 0);
    ck_assert_str_eq(mock.log, "-1 ");
    mock_restart(&mock);
    ck_assert_int_eq(memory_region_rom_device_set_romd(&flash, true), 0);
    ck_assert_str_eq(mock.log, "+1:100000-101fff:2 ");
    assert_audit();
    unmount(&flash);
    memory_region_unref(&flash);
}
END_TEST

START_TEST(m74_a_range_of_more_than_2_31_pages_has_several_slots)
{
    struct ram_block_config config = {
        .backing = RAM_PTR, .size = UINT64_C(0x80000002000), .ptr = (void *)0x1000};
    static MemoryRegion huge;
    RAMBlock *block;

    ck_assert_int_eq(ram_block_new(&core, "huge", &config, &block), 0);
    ck_assert_int_eq(memory_region_init_ram(&huge, NULL, "huge", block), 0);
    mock_restart(&mock);
    mount(&huge, UINT64_C(0x100000000));
    ck_assert_str_eq(mock.log, "+1:100000000-800ffffefff:0 +2:800fffff000-80100001fff:0 ");
    assert_audit();
    unmount(&huge);
    memory_region_unref(&huge);
}
END_TEST

START_TEST(m75_ids_are_used_again_lowest_first)
{
    static MemoryRegion aliases[20];
    unsigned i;

    for (i = 0; i < 20; i++) {
        ck_assert_int_eq(memory_region_init_alias(&aliases[i], NULL, "alias", &ram, 0, 0x1000), 0);
        mount(&aliases[i], RAM_SIZE * (i + 1));
        ck_assert_uint_eq(kvm_slots_lookup(&slots, RAM_SIZE * (i + 1))->id, i + 1);
    }
    unmount(&aliases[3]);
    unmount(&aliases[7]);
    mount(&aliases[3], RAM_SIZE * 30);
    ck_assert_uint_eq(kvm_slots_lookup(&slots, RAM_SIZE * 30)->id, 4);
    mount(&aliases[7], RAM_SIZE * 31);
    ck_assert_uint_eq(kvm_slots_lookup(&slots, RAM_SIZE * 31)->id, 8);
    assert_audit();
    for (i = 0; i < 20; i++) {
        unmount(&aliases[i]);
        memory_region_unref(&aliases[i]);
    }
}
END_TEST

/* The auditor reads the tree of slots: each way of being wrong is written into it. */
static void break_flags(struct kvm_slot *slot)
{
    slot->flags ^= KVM_MEM_READONLY;
}

static void break_log_flag(struct kvm_slot *slot)
{
    slot->flags ^= KVM_MEM_LOG_DIRTY_PAGES;
}

static void break_hva(struct kvm_slot *slot)
{
    slot->hva += 0x1000;
}

static void remove_slot(struct kvm_slot *slot)
{
    itree_remove(&slots.slots, &slot->node);
}

static void shorten(struct kvm_slot *slot)
{
    itree_remove(&slots.slots, &slot->node);
    slot->node.last -= 0x1000;
    itree_insert(&slots.slots, &slot->node);
}

static void lengthen(struct kvm_slot *slot)
{
    itree_remove(&slots.slots, &slot->node);
    slot->node.last += 0x1000;
    itree_insert(&slots.slots, &slot->node);
}

static const struct {
    void (*damage)(struct kvm_slot *slot);
    const char *says;
} damages[] = {
    {break_flags, "slot 0 has hva"},
    {break_log_flag, "slot 0 has hva"},
    {break_hva, "slot 0 has hva"},
    {remove_slot, "no slot has the memory at 0000000000000000"},
    {shorten, "no slot has the memory at 0000000000007000"},
    {lengthen, "slot 0 at 0000000000000000 shows no memory"},
};

START_TEST(audit_names_each_kind_of_difference)
{
    struct itree_node *node;
    struct kvm_slot *slot, saved;
    FlatView *view;
    char why[256] = "";

    mount(&window, 0x8000);
    assert_audit();
    node = itree_first(&slots.slots);
    slot = itree_entry(node, struct kvm_slot, node);
    saved = *slot;
    damages[_i].damage(slot);
    view = address_space_get_flatview(&as);
    ck_assert(!kvm_slots_audit(&slots, view, why, sizeof(why)));
    flatview_unref(view);
    ck_assert_msg(strncmp(why, damages[_i].says, strlen(damages[_i].says)) == 0, "%s", why);
    if (damages[_i].damage != remove_slot) {
        itree_remove(&slots.slots, &slot->node);
    }
    slot->node.last = saved.node.last;
    slot->flags = saved.flags;
    slot->hva = saved.hva;
    itree_insert(&slots.slots, &slot->node);
    assert_audit();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_slots");
    TCase *tcase = tcase_create("slots");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, registration_makes_one_slot_for_each_ram_range);
    tcase_add_test(tcase, m69_first_flip_of_a_window_costs_one_delete_and_two_creates);
    tcase_add_test(tcase, m69_q06_later_flips_cost_one_create_or_one_delete);
    tcase_add_test(tcase, m70_q07_shadow_ram_flips_leave_the_ram_beside_it_alone);
    tcase_add_test(tcase, m72_a_rom_window_costs_a_delete_and_a_create_and_is_read_only);
    tcase_add_test(tcase, a_smaller_window_keeps_its_cuts_through_a_larger_one);
    tcase_add_test(tcase, m69_partial_pages_have_no_slot);
    tcase_add_test(tcase, pages_that_do_not_agree_modulo_4096_have_no_slot);
    tcase_add_test(tcase, m69_q08_a_read_only_alias_of_ram_gets_a_read_only_slot);
    tcase_add_test(tcase, m70_a_commit_that_changes_no_memory_issues_nothing);
    tcase_add_loop_test(tcase, a_first_flip_that_fails_anywhere_leaves_the_old_slots, 1, 5);
    tcase_add_loop_test(tcase, a_later_flip_that_fails_anywhere_leaves_the_old_slots, 1, 3);
    tcase_add_test(tcase, a_roll_back_that_fails_names_both_errors);
    tcase_add_test(tcase, slots_come_back_when_a_later_listener_fails);
    tcase_add_test(tcase, m75_split_points_are_given_up_when_ids_run_short);
    tcase_add_test(tcase, m75_q16_more_ranges_than_slots_is_an_error_and_changes_nothing);
    tcase_add_test(tcase, m70_dirty_logging_is_a_change_of_flags_in_place);
    tcase_add_test(tcase, audit_finds_a_slot_that_should_not_be);
    tcase_add_test(tcase, m69_neighbouring_blocks_never_share_a_slot);
    tcase_add_test(tcase, m70_a_commit_beside_a_slot_leaves_it_alone);
    tcase_add_test(tcase, m71_deletes_come_before_creates_with_the_vcpus_parked);
    tcase_add_test(tcase, m72_read_only_is_never_toggled_in_place);
    tcase_add_table_test(tcase, m72_what_the_kernel_refuses_is_reported, refusals);
    tcase_add_test(tcase, m73_a_rom_device_has_a_read_only_slot_while_romd_is_on);
    tcase_add_test(tcase, m74_a_range_of_more_than_2_31_pages_has_several_slots);
    tcase_add_test(tcase, m75_ids_are_used_again_lowest_first);
    tcase_add_table_test(tcase, audit_names_each_kind_of_difference, damages);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
