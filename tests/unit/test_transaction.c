/*
 * Transactions: nothing shows before the outermost commit, and a refused one leaves no trace.
 */
#include "tests/unit/memory_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(m21_nothing_is_published_until_the_outermost_commit)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 0x100);

    memory_region_transaction_begin(&f->core);
    memory_region_transaction_begin(&f->core);
    put(f->root, 0, io);
    OK(memory_region_transaction_commit(&f->core));
    expect_view(&f->as, "");
    OK(memory_region_set_address(io, 0x200));
    expect_view(&f->as, "");
    OK(memory_region_transaction_commit(&f->core));
    expect_view(&f->as, "200-2ff io\n");
    fixture_free(f);
}
END_TEST

START_TEST(m21_a_commit_without_a_transaction_is_an_error)
{
    struct fixture *f = fixture_new();

    ck_assert_int_eq(memory_region_transaction_commit(&f->core), -EINVAL);
    memory_region_transaction_begin(&f->core);
    OK(memory_region_transaction_commit(&f->core));
    ck_assert_int_eq(memory_region_transaction_commit(&f->core), -EINVAL);
    fixture_free(f);
}
END_TEST

/* A tree with one of everything, for the tests that compare before and after. */
struct zoo {
    MemoryRegion *container, *ram, *io, *alias, *flash, *spare;
};

static struct zoo zoo_new(struct fixture *f)
{
    struct zoo zoo = {
        .container = container_new(f, "container", 0x8000),
        .ram = ram_new(f, "ram", 0x4000),
        .io = io_new(f, "io", 0x1000),
        .flash = romd_new(f, NULL, NULL, "flash", 0x2000),
        .spare = io_new(f, "spare", 0x800),
    };

    zoo.alias = alias_new(f, "alias", zoo.ram, 0x1000, 0x2000);
    put(zoo.container, 0, zoo.ram);
    put(zoo.container, 0x1000, zoo.io);
    put(zoo.container, 0x4000, zoo.flash);
    put(f->root, 0x10000, zoo.container);
    put(f->root, 0x40000, zoo.alias);
    OK(memory_region_add_eventfd(zoo.io, 0, 4, true, 1, 90));
    return zoo;
}

static int change_all(struct zoo *zoo, struct fixture *f)
{
    /* Stops at the first refusal, as a caller would. */
    int error = memory_region_set_address(zoo->io, 0x2000);

    error = error ? error : memory_region_set_priority(zoo->flash, 4);
    error = error ? error : memory_region_set_size(zoo->container, 0x5000);
    error = error ? error : memory_region_set_readonly(zoo->alias, true);
    error = error ? error : memory_region_set_nonvolatile(zoo->ram, true);
    error = error ? error : memory_region_set_unmergeable(zoo->io, true);
    error = error ? error : memory_region_rom_device_set_romd(zoo->flash, false);
    error = error ? error : memory_region_set_alias_offset(zoo->alias, 0x800);
    error = error ? error : memory_region_set_log(zoo->ram, true, DIRTY_MEMORY_VGA);
    error = error ? error : memory_region_add_eventfd(zoo->io, 8, 2, false, 0, 91);
    error = error ? error : memory_region_del_eventfd(zoo->io, 0, 4, true, 1, 90);
    error = error ? error : memory_region_set_coalescing(zoo->io);
    error = error ? error : memory_region_add_subregion_overlap(f->root, 0, zoo->spare, 9);
    error = error ? error : memory_region_del_subregion(f->root, zoo->alias);
    error = error ? error : memory_region_set_enabled(zoo->ram, false);
    return error;
}

#define CHANGED "0-7ff spare\n12000-12fff io um\n14000-14fff flash\n"

START_TEST(abort_undoes_every_setter)
{
    struct fixture *f = fixture_new();
    struct zoo zoo = zoo_new(f);
    char *before = view_text(&f->as);

    memory_region_transaction_begin(&f->core);
    memory_region_transaction_begin(&f->core);
    OK(change_all(&zoo, f));
    memory_region_transaction_abort(&f->core); /* all levels */
    ck_assert_int_eq(memory_region_transaction_commit(&f->core), -EINVAL);
    expect_view(&f->as, before);

    /* What the tree now holds must be what it held: touching everything shows it. */
    OK(memory_region_set_enabled(f->root, false));
    OK(memory_region_set_enabled(f->root, true));
    expect_view(&f->as, before);
    ck_assert(!memory_region_is_mapped(zoo.spare));
    ck_assert_int_eq(memory_region_add_eventfd(zoo.io, 0, 4, true, 1, 90), -EEXIST);
    ck_assert_int_eq(memory_region_del_eventfd(zoo.io, 8, 2, false, 0, 91), -ENOENT);
    OK(change_all(&zoo, f));
    free(before);
    fixture_free(f);
}
END_TEST

START_TEST(abort_restores_the_place_among_equals)
{
    struct fixture *f = fixture_new();
    MemoryRegion *old = io_new(f, "old", 0x100), *new = io_new(f, "new", 0x100);

    put(f->root, 0, old);
    put(f->root, 0x80, new);
    memory_region_transaction_begin(&f->core);
    OK(memory_region_set_address(old, 0x40)); /* makes it the newest */
    take_out(f->root, new);
    put(f->root, 0, new);
    memory_region_transaction_abort(&f->core);
    expect_view(&f->as, "0-7f old\n80-17f new\n");
    OK(memory_region_set_enabled(old, false));
    OK(memory_region_set_enabled(old, true));
    expect_view(&f->as, "0-7f old\n80-17f new\n");
    fixture_free(f);
}
END_TEST

START_TEST(m18_a_moved_region_becomes_the_newest_among_equals)
{
    struct fixture *f = fixture_new();
    MemoryRegion *old = io_new(f, "old", 0x100);

    put(f->root, 0, old);
    put(f->root, 0x80, io_new(f, "new", 0x100));
    expect_view(&f->as, "0-7f old\n80-17f new\n");
    OK(memory_region_set_address(old, 0x40));
    expect_view(&f->as, "40-13f old\n140-17f new@c0\n");
    fixture_free(f);
}
END_TEST

/* One setter of the zoo; each shows. */
static int set_one(struct zoo *zoo, struct fixture *f, int which)
{
    switch (which) {
    case 0:
        return memory_region_set_address(zoo->io, 0x2000);
    case 1:
        return memory_region_set_priority(zoo->flash, 4);
    case 2:
        return memory_region_set_size(zoo->container, 0x5000);
    case 3:
        return memory_region_set_readonly(zoo->alias, true);
    case 4:
        return memory_region_set_nonvolatile(zoo->ram, true);
    case 5:
        return memory_region_set_unmergeable(zoo->io, true);
    case 6:
        return memory_region_rom_device_set_romd(zoo->flash, false);
    case 7:
        return memory_region_set_alias_offset(zoo->alias, 0x800);
    case 8:
        return memory_region_set_log(zoo->ram, true, DIRTY_MEMORY_VGA);
    case 9:
        return memory_region_add_subregion_overlap(f->root, 0x10800, zoo->spare, 9);
    case 10:
        return memory_region_del_subregion(f->root, zoo->alias);
    case 11:
        return memory_region_set_enabled(zoo->ram, false);
    default:
        return memory_region_set_size(zoo->alias, 0x1800);
    }
}

START_TEST(m18_setters_show_what_a_fresh_build_would)
{
    struct fixture *f = fixture_new();
    struct zoo zoo = zoo_new(f);
    char *before, *after;

    put(zoo.container, 0x3800, io_new(f, "over", 0x1000)); /* of both its neighbours */
    before = view_text(&f->as);
    OK(set_one(&zoo, f, _i));
    after = view_text(&f->as);
    ck_assert_str_ne(before, after);
    expect_view(&f->as, after); /* drawn from scratch, too */
    free(before);
    free(after);
    fixture_free(f);
}
END_TEST

static FlatView *current(struct fixture *f)
{
    FlatView *view = address_space_get_flatview(&f->as);

    flatview_unref(view); /* the space's own reference stands; only the identity is of interest */
    return view;
}

START_TEST(m19_writing_the_value_that_stands_does_nothing)
{
    struct fixture *f = fixture_new();
    struct zoo zoo = zoo_new(f);
    struct trace trace = {0};
    struct recorder recorder;

    put(zoo.container, 0x1800, io_new(f, "newer", 0x1000)); /* over it, while that is the older */
    recorder_init(&recorder, &trace, "L", 0);
    recorder.phases = true;
    OK(memory_listener_register(&recorder.listener, &f->as));
    trace_finish(&trace);
    FlatView *before = current(f);
    struct memory_counters counters = f->core.counters;

    OK(memory_region_set_enabled(zoo.io, true));
    OK(memory_region_set_address(zoo.io, 0x1000));
    OK(memory_region_set_size(zoo.container, 0x8000));
    OK(memory_region_set_priority(zoo.io, 0));
    OK(memory_region_set_readonly(zoo.alias, false));
    OK(memory_region_set_nonvolatile(zoo.ram, false));
    OK(memory_region_set_unmergeable(zoo.ram, false));
    OK(memory_region_rom_device_set_romd(zoo.flash, true));
    OK(memory_region_set_alias_offset(zoo.alias, 0x1000));
    OK(memory_region_clear_coalescing(zoo.io));
    expect_trace(&trace, "");
    ck_assert_ptr_eq(current(f), before);
    ck_assert_uint_eq(f->core.counters.commits, counters.commits);
    ck_assert_uint_eq(f->core.counters.ranges_visited, counters.ranges_visited);
    memory_listener_unregister(&recorder.listener);
    trace_finish(&trace);
    fixture_free(f);
}
END_TEST

START_TEST(m19_changes_that_no_space_can_see_do_nothing)
{
    struct fixture *f = fixture_new();
    MemoryRegion *loose = container_new(f, "loose", 0x1000), *io = io_new(f, "io", 0x100);
    MemoryRegion *disabled = container_new(f, "disabled", 0x1000);
    FlatView *before;

    OK(memory_region_set_enabled(disabled, false));
    put(f->root, 0, disabled);
    before = current(f);
    uint64_t commits = f->core.counters.commits;
    put(loose, 0, io);
    OK(memory_region_set_enabled(io, false));
    OK(memory_region_set_size(loose, 0x2000));
    put(disabled, 0, io_new(f, "inside", 0x10));
    ck_assert_ptr_eq(current(f), before);
    ck_assert_uint_eq(f->core.counters.commits, commits);
    fixture_free(f);
}
END_TEST

START_TEST(m30_a_commit_that_changes_no_view_tells_nobody)
{
    struct fixture *f = fixture_new();
    struct trace trace = {0};
    struct recorder recorder;
    MemoryRegion *hidden = io_new(f, "hidden", 0x100), *io = io_new(f, "io", 0x1000);

    put_prio(f->root, 0, io, 1);
    recorder_init(&recorder, &trace, "L", 0);
    OK(memory_listener_register(&recorder.listener, &f->as));
    trace_finish(&trace);
    put_prio(f->root, 0x800, hidden, 0); /* under io */
    OK(memory_region_set_address(hidden, 0x900));
    take_out(f->root, hidden);
    memory_region_transaction_begin(&f->core);
    OK(memory_region_set_enabled(io, false));
    OK(memory_region_set_enabled(io, true));
    OK(memory_region_transaction_commit(&f->core));
    memory_region_transaction_begin(&f->core);
    OK(memory_region_transaction_commit(&f->core));
    expect_trace(&trace, "");
    memory_listener_unregister(&recorder.listener);
    trace_finish(&trace);
    fixture_free(f);
}
END_TEST

START_TEST(m32_a_vetoed_transaction_leaves_the_old_map)
{
    struct fixture *f = fixture_new();
    struct zoo zoo = zoo_new(f);
    struct trace trace = {0};
    struct recorder recorder;
    char *before = view_text(&f->as);

    recorder_init(&recorder, &trace, "L", 0);
    OK(memory_listener_register(&recorder.listener, &f->as));
    trace_finish(&trace);
    recorder.prepare_result = _i ? 0 : -ENOSPC;
    recorder.apply_result = _i ? -ENOSPC : 0;
    FlatView *view = current(f);
    memory_region_transaction_begin(&f->core);
    OK(change_all(&zoo, f));
    ck_assert_int_eq(memory_region_transaction_commit(&f->core), -ENOSPC);
    expect_trace(&trace, "");
    expect_view(&f->as, before);
    ck_assert_ptr_eq(current(f), view);
    ck_assert_int_eq(memory_region_set_enabled(zoo.io, false), -ENOSPC); /* a single setter too */
    ck_assert_int_eq(memory_region_transaction_commit(&f->core), -EINVAL);
    expect_view(&f->as, before);

    recorder.prepare_result = recorder.apply_result = 0;
    OK(memory_region_set_enabled(f->root, false));
    OK(memory_region_set_enabled(f->root, true));
    expect_view(&f->as, before);
    free(before);
    memory_listener_unregister(&recorder.listener);
    trace_finish(&trace);
    fixture_free(f);
}
END_TEST

START_TEST(m32_a_veto_in_one_space_undoes_the_others)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 0x100);
    struct trace trace = {0};
    struct recorder first, second;
    AddressSpace twin = {0};

    OK(address_space_init(&twin, &f->core, f->root, "twin", MEMORY_UNASSIGNED_MEMORY));
    recorder_init(&first, &trace, "A", 0);
    recorder_init(&second, &trace, "B", 0);
    OK(memory_listener_register(&first.listener, &f->as));
    OK(memory_listener_register(&second.listener, &twin));
    trace_finish(&trace);
    second.apply_result = -EIO;
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, io), -EIO);
    expect_trace(&trace, "");
    expect_view(&f->as, "");
    expect_view(&twin, "");
    second.apply_result = 0;
    put(f->root, 0, io);
    expect_view(&twin, "0-ff io\n");
    memory_listener_unregister(&first.listener);
    memory_listener_unregister(&second.listener);
    trace_finish(&trace);
    address_space_finish(&twin);
    fixture_free(f);
}
END_TEST

START_TEST(an_undo_that_fails_too_breaks_the_core)
{
    struct fixture *f = fixture_new();
    struct trace trace = {0};
    struct recorder first, second;
    int apply_error = 0, undo_error = 0;

    recorder_init(&first, &trace, "A", 0);
    recorder_init(&second, &trace, "B", 1);
    OK(memory_listener_register(&first.listener, &f->as));
    OK(memory_listener_register(&second.listener, &f->as));
    ck_assert(!memory_core_is_broken(&f->core, &apply_error, &undo_error));
    first.undo_result = -EBADF;
    second.apply_result = -ENOSPC;
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, io_new(f, "io", 1)), -ENOSPC);
    ck_assert(memory_core_is_broken(&f->core, &apply_error, &undo_error));
    ck_assert_int_eq(apply_error, -ENOSPC);
    ck_assert_int_eq(undo_error, -EBADF);
    first.undo_result = second.apply_result = 0;
    memory_listener_unregister(&first.listener);
    memory_listener_unregister(&second.listener);
    trace_finish(&trace);
    fixture_free(f);
}
END_TEST

START_TEST(failing_allocations_leave_the_map_as_before)
{
    struct fixture *f = fixture_new();
    struct zoo zoo = zoo_new(f);
    struct trace trace = {0};
    struct recorder recorder;
    char *before = view_text(&f->as);
    unsigned n = 0;
    int error;

    recorder_init(&recorder, &trace, "L", 0);
    OK(memory_listener_register(&recorder.listener, &f->as));
    trace_finish(&trace);
    do {
        f->core.fail_alloc = ++n;
        memory_region_transaction_begin(&f->core);
        error = change_all(&zoo, f);
        if (error) {
            memory_region_transaction_abort(&f->core);
        } else {
            error = memory_region_transaction_commit(&f->core);
        }
        ck_assert_uint_lt(n, 1000);
        if (error) {
            ck_assert_int_eq(error, -ENOMEM);
            ck_assert_uint_eq(f->core.fail_alloc, 0);
            expect_trace(&trace, "");
            expect_view(&f->as, before);
        }
    } while (error);
    /* The last round had no allocation left to fail: the count is that of the whole commit. */
    ck_assert_uint_gt(n, 5);
    ck_assert_uint_ne(f->core.fail_alloc, 0);
    f->core.fail_alloc = 0;
    expect_view(&f->as, CHANGED);
    free(before);
    memory_listener_unregister(&recorder.listener);
    trace_finish(&trace);
    fixture_free(f);
}
END_TEST

START_TEST(failing_allocations_of_an_init_leave_nothing_behind)
{
    struct fixture *f = fixture_new();
    RAMBlock *block = block_new(f, "ram", PAGE);
    MemoryRegion *target = io_new(f, "target", PAGE), *mr = region_alloc();
    unsigned n = 0;
    int error;

    do {
        f->core.fail_alloc = ++n;
        error = memory_region_init_alias(mr, NULL, "alias", target, 0, PAGE);
        ck_assert(error == 0 || error == -ENOMEM);
    } while (error);
    f->core.fail_alloc = 0;
    adopt(f, mr);
    mr = region_alloc();
    n = 0;
    do {
        f->core.fail_alloc = ++n;
        error = memory_region_init_ram(mr, NULL, "ram", block);
        ck_assert(error == 0 || error == -ENOMEM);
    } while (error);
    f->core.fail_alloc = 0;
    adopt(f, mr);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transaction");
    TCase *commit = tcase_create("commit"), *refuse = tcase_create("refuse");

    tcase_add_test(commit, m21_nothing_is_published_until_the_outermost_commit);
    tcase_add_test(commit, m21_a_commit_without_a_transaction_is_an_error);
    tcase_add_test(commit, abort_undoes_every_setter);
    tcase_add_test(commit, abort_restores_the_place_among_equals);
    tcase_add_test(commit, m18_a_moved_region_becomes_the_newest_among_equals);
    tcase_add_loop_test(commit, m18_setters_show_what_a_fresh_build_would, 0, 13);
    tcase_add_test(commit, m19_writing_the_value_that_stands_does_nothing);
    tcase_add_test(commit, m19_changes_that_no_space_can_see_do_nothing);
    tcase_add_test(commit, m30_a_commit_that_changes_no_view_tells_nobody);
    suite_add_tcase(suite, commit);

    tcase_add_loop_test(refuse, m32_a_vetoed_transaction_leaves_the_old_map, 0, 2);
    tcase_add_test(refuse, m32_a_veto_in_one_space_undoes_the_others);
    tcase_add_test(refuse, an_undo_that_fails_too_breaks_the_core);
    tcase_add_test(refuse, failing_allocations_leave_the_map_as_before);
    tcase_add_test(refuse, failing_allocations_of_an_init_leave_nothing_behind);
    suite_add_tcase(suite, refuse);
    return run_suite(suite);
}
