/*
 * What listeners are told, in which order, and what their refusal does.
 */
#include "tests/unit/memory_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A fixture with one listener `L`, whose replay has been forgotten. */
struct watched {
    struct fixture *f;
    struct trace trace;
    struct recorder recorder;
};

static struct watched *watch(struct watched *watched)
{
    *watched = (struct watched){.f = fixture_new()};
    recorder_init(&watched->recorder, &watched->trace, "L", 0);
    return watched;
}

static void watch_from_here(struct watched *watched)
{
    OK(memory_listener_register(&watched->recorder.listener, &watched->f->as));
    trace_finish(&watched->trace);
}

static void unwatch(struct watched *watched)
{
    memory_listener_unregister(&watched->recorder.listener);
    trace_finish(&watched->trace);
    fixture_free(watched->f);
}

START_TEST(m22_one_batch_a_commit)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;

    watch_from_here(&w);
    memory_region_transaction_begin(&f->core);
    put(f->root, 0x300, io_new(f, "b", 0x100));
    put(f->root, 0, io_new(f, "a", 0x100));
    OK(memory_region_transaction_commit(&f->core));
    expect_trace(&w.trace, "L begin\nL add 0-ff a\nL add 300-3ff b\nL commit\n");
    unwatch(&w);
}
END_TEST

START_TEST(m22_q01_spaces_that_do_not_change_are_left_alone)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *other = container_new(f, "other", 0x1000);
    AddressSpace space = {0};
    struct recorder second;

    watch_from_here(&w);
    OK(address_space_init(&space, &f->core, other, "second", MEMORY_UNASSIGNED_IO));
    recorder_init(&second, &w.trace, "M", 0);
    OK(memory_listener_register(&second.listener, &space));
    trace_finish(&w.trace);
    put(other, 0, io_new(f, "io", 0x10));
    expect_trace(&w.trace, "M begin\nM add 0-f io\nM commit\n");
    put(f->root, 0, io_new(f, "io", 0x10));
    expect_trace(&w.trace, "L begin\nL add 0-f io\nL commit\n");
    memory_listener_unregister(&second.listener);
    address_space_finish(&space);
    unwatch(&w);
}
END_TEST

START_TEST(m23_deletions_come_before_additions_each_ascending)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *a = io_new(f, "a", 0x100), *b = io_new(f, "b", 0x100);

    put(f->root, 0, ram_new(f, "ram", 0x4000));
    put_prio(f->root, 0x2000, a, 1);
    put_prio(f->root, 0x800, b, 1);
    watch_from_here(&w);
    memory_region_transaction_begin(&f->core);
    OK(memory_region_set_address(a, 0x1000));
    OK(memory_region_set_enabled(b, false));
    OK(memory_region_transaction_commit(&f->core));
    expect_trace(&w.trace, "L begin\n"
                           "L del 0-7ff ram\nL del 800-8ff b\nL del 900-1fff ram@900\n"
                           "L del 2000-20ff a\nL del 2100-3fff ram@2100\n"
                           "L add 0-fff ram\nL add 1000-10ff a\nL add 1100-3fff ram@1100\n"
                           "L commit\n");
    unwatch(&w);
}
END_TEST

START_TEST(m24_listeners_are_called_in_order_of_priority)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *alias = alias_new(f, "alias", ram, 0, PAGE);
    struct recorder low, high;

    put(f->root, 0, alias);
    recorder_init(&high, &w.trace, "H", 10);
    recorder_init(&low, &w.trace, "A", -5);
    OK(memory_listener_register(&high.listener, &f->as));
    watch_from_here(&w);
    OK(memory_listener_register(&low.listener, &f->as));
    trace_finish(&w.trace);
    low.phases = high.phases = w.recorder.phases = true;

    OK(memory_region_set_readonly(alias, true));
    expect_trace(&w.trace, "A prepare\nL prepare\nH prepare\nA apply\nL apply\nH apply\n"
                           "A begin\nL begin\nH begin\n"
                           "H del 0-fff ram\nL del 0-fff ram\nA del 0-fff ram\n"
                           "A add 0-fff ram ro\nL add 0-fff ram ro\nH add 0-fff ram ro\n"
                           "A commit\nL commit\nH commit\n");
    low.phases = high.phases = w.recorder.phases = false;
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_VGA));
    expect_trace(&w.trace, "A begin\nL begin\nH begin\nA nop 0-fff ram ro\nL nop 0-fff ram ro\n"
                           "H nop 0-fff ram ro\nA log_start 0-fff ram ro 0>1\n"
                           "L log_start 0-fff ram ro 0>1\nH log_start 0-fff ram ro 0>1\n"
                           "A commit\nL commit\nH commit\n");
    OK(memory_region_set_log(ram, false, DIRTY_MEMORY_VGA));
    expect_trace(&w.trace, "A begin\nL begin\nH begin\nA nop 0-fff ram ro\nL nop 0-fff ram ro\n"
                           "H nop 0-fff ram ro\nH log_stop 0-fff ram ro 1>0\n"
                           "L log_stop 0-fff ram ro 1>0\nA log_stop 0-fff ram ro 1>0\n"
                           "A commit\nL commit\nH commit\n");
    memory_listener_unregister(&low.listener);
    memory_listener_unregister(&high.listener);
    unwatch(&w);
}
END_TEST

START_TEST(m25_unchanged_ranges_in_a_dirty_window_are_nops_others_not_named)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *below = io_new(f, "below", 0x1000);

    put(f->root, 0, io_new(f, "far", 0x100));
    put(f->root, 0x800, io_new(f, "near", 0x800));
    put(f->root, 0x4000, io_new(f, "farther", 0x100));
    put_prio(f->root, 0xc00, below, -1);
    OK(memory_region_set_enabled(below, false));
    watch_from_here(&w);
    OK(memory_region_set_enabled(below, true)); /* c00-fff of it is hidden by `near` */
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L add 1000-1bff below@400\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L nop 800-fff near\n"));
    ck_assert_ptr_null(strstr(w.trace.text, "far"));
    ck_assert_ptr_null(strstr(w.trace.text, "del"));
    unwatch(&w);
}
END_TEST

START_TEST(m26_changed_flags_are_del_and_add)
{
    static const char *const traces[] = {
        "L begin\nL del 0-fff ram\nL add 0-fff ram ro\nL commit\n",
        "L begin\nL del 0-fff ram\nL add 0-fff ram\nL commit\n",
        "L begin\nL del 0-fff ram\nL add 0-fff ram\nL commit\n",
        "L begin\nL del 0-fff ram\nL add 0-fff ram@800\nL commit\n",
        "L begin\nL del 2000-2fff flash\nL add 2000-2fff flash\nL commit\n",
    };
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *ram = ram_new(f, "ram", 0x4000), *alias = alias_new(f, "alias", ram, 0, PAGE),
                 *flash = romd_new(f, NULL, NULL, "flash", PAGE);

    put(f->root, 0, alias);
    put(f->root, 0x2000, flash);
    watch_from_here(&w);
    switch (_i) {
    case 0:
        OK(memory_region_set_readonly(alias, true));
        break;
    case 1:
        OK(memory_region_set_nonvolatile(alias, true));
        break;
    case 2:
        OK(memory_region_set_unmergeable(alias, true));
        break;
    case 3:
        OK(memory_region_set_alias_offset(alias, 0x800));
        break;
    default:
        OK(memory_region_rom_device_set_romd(flash, false));
        break;
    }
    expect_trace(&w.trace, traces[_i]);
    unwatch(&w);
}
END_TEST

START_TEST(m26_mask_only_changes_are_log_start_and_log_stop)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *ram = ram_new(f, "ram", PAGE);

    put(f->root, 0, ram);
    watch_from_here(&w);
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_MIGRATION));
    expect_trace(&w.trace, "L begin\nL nop 0-fff ram\nL log_start 0-fff ram 0>4\nL commit\n");
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_MIGRATION)); /* counted */
    expect_trace(&w.trace, "");
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_VGA));
    expect_trace(&w.trace, "L begin\nL nop 0-fff ram\nL log_start 0-fff ram 4>5\nL commit\n");
    OK(memory_region_set_log(ram, false, DIRTY_MEMORY_VGA));
    expect_trace(&w.trace, "L begin\nL nop 0-fff ram\nL log_stop 0-fff ram 5>4\nL commit\n");
    OK(memory_region_set_log(ram, false, DIRTY_MEMORY_MIGRATION));
    expect_trace(&w.trace, "");
    OK(memory_region_set_log(ram, false, DIRTY_MEMORY_MIGRATION));
    expect_trace(&w.trace, "L begin\nL nop 0-fff ram\nL log_stop 0-fff ram 4>0\nL commit\n");
    unwatch(&w);
}
END_TEST

START_TEST(m27_registration_replays_the_view_and_removal_mirrors_it)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *io = io_new(f, "io", 0x100), *ram = ram_new(f, "ram", PAGE);

    put(f->root, 0x2000, io);
    put(f->root, 0, ram);
    OK(memory_region_add_coalescing(io, 0, 0x10));
    OK(memory_region_add_coalescing(io, 0x80, 0x10));
    OK(memory_region_add_eventfd(io, 4, 4, true, 9, 77));
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_VGA));
    OK(memory_listener_register(&w.recorder.listener, &f->as));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L add 0-fff ram\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L log_start 0-fff ram 0>1\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L add 2000-20ff io\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_add 2000-200f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_add 2080-208f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_add 2004/4 =9 fd77\n"));
    ck_assert_ptr_null(strstr(w.trace.text, "del"));
    ck_assert_int_eq(strncmp(w.trace.text, "L begin\n", 8), 0);
    ck_assert_str_eq(w.trace.text + w.trace.len - 9, "L commit\n");
    trace_finish(&w.trace);

    memory_listener_unregister(&w.recorder.listener);
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L del 0-fff ram\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L log_stop 0-fff ram 1>0\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L del 2000-20ff io\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_del 2000-200f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_del 2080-208f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_del 2004/4 =9 fd77\n"));
    ck_assert_ptr_null(strstr(w.trace.text, "add"));
    trace_finish(&w.trace);
    put(f->root, 0x8000, io_new(f, "later", 1));
    expect_trace(&w.trace, "");
    memory_listener_unregister(&w.recorder.listener); /* a second time is no harm */
    fixture_free(f);
}
END_TEST

START_TEST(a_listener_that_refuses_the_replay_is_not_registered)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;

    put(f->root, 0, io_new(f, "io", 0x10));
    w.recorder.prepare_result = _i ? 0 : -EPERM;
    w.recorder.apply_result = _i ? -EPERM : 0;
    ck_assert_int_eq(memory_listener_register(&w.recorder.listener, &f->as), -EPERM);
    w.recorder.prepare_result = w.recorder.apply_result = 0;
    put(f->root, 0x100, io_new(f, "more", 0x10));
    expect_trace(&w.trace, "");
    unwatch(&w);
}
END_TEST

START_TEST(a_listener_leaves_even_when_its_apply_fails)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;

    put(f->root, 0, io_new(f, "io", 0x10));
    watch_from_here(&w);
    w.recorder.apply_result = -EIO;
    memory_listener_unregister(&w.recorder.listener);
    expect_trace(&w.trace, "L begin\nL del 0-f io\nL commit\n");
    take_out(f->root, f->regions[1]);
    expect_trace(&w.trace, "");
    unwatch(&w);
}
END_TEST

START_TEST(registration_is_checked)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryListener half = w.recorder.listener;

    half.cancel = NULL;
    ck_assert_int_eq(memory_listener_register(&half, &f->as), -EINVAL);
    half = w.recorder.listener;
    half.undo = NULL;
    ck_assert_int_eq(memory_listener_register(&half, &f->as), -EINVAL);
    memory_region_transaction_begin(&f->core);
    ck_assert_int_eq(memory_listener_register(&w.recorder.listener, &f->as), -EBUSY);
    OK(memory_region_transaction_commit(&f->core));
    expect_trace(&w.trace, "");
    unwatch(&w);
}
END_TEST

START_TEST(every_callback_may_be_missing)
{
    struct fixture *f = fixture_new();
    MemoryListener nothing = {.name = "nothing"};
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *io = io_new(f, "io", PAGE);

    put(f->root, 0, ram);
    OK(memory_region_set_coalescing(io));
    OK(memory_listener_register(&nothing, &f->as));
    put(f->root, PAGE, io);
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_CODE));
    OK(memory_region_add_eventfd(io, 0, 4, false, 0, 70));
    take_out(f->root, io);
    memory_listener_unregister(&nothing);
    fixture_free(f);
}
END_TEST

START_TEST(m28_sections_of_additions_belong_to_the_new_view)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *io = io_new(f, "io", 0x10);

    put(f->root, 0, io);
    watch_from_here(&w);
    OK(memory_region_set_address(io, 0x100));
    ck_assert_ptr_nonnull(w.recorder.new_view);
    ck_assert_ptr_ne(w.recorder.new_view, w.recorder.old_view);
    ck_assert_ptr_eq(w.recorder.add_view, w.recorder.new_view);
    ck_assert_ptr_eq(w.recorder.del_view, w.recorder.old_view);
    FlatView *view = address_space_get_flatview(&f->as);
    ck_assert_ptr_eq(view, w.recorder.new_view);
    flatview_unref(view);
    unwatch(&w);
}
END_TEST

START_TEST(m29_eventfds_are_an_exact_difference)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *io = io_new(f, "io", 0x100), *over = io_new(f, "over", 0x10);

    put(f->root, 0x1000, io);
    OK(memory_region_add_eventfd(io, 0x10, 4, true, 5, 60));
    OK(memory_region_add_eventfd(io, 0x20, 2, false, 0, 61));
    watch_from_here(&w);

    memory_region_transaction_begin(&f->core);
    OK(memory_region_del_eventfd(io, 0x20, 2, false, 0, 61));
    OK(memory_region_add_eventfd(io, 0x20, 2, false, 0, 62));
    OK(memory_region_transaction_commit(&f->core));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_del 1020/2 *0 fd61\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_add 1020/2 *0 fd62\n"));
    ck_assert_ptr_null(strstr(w.trace.text, "fd60"));
    trace_finish(&w.trace);
    memory_region_transaction_begin(&f->core);
    OK(memory_region_del_eventfd(io, 0x10, 4, true, 5, 60));
    OK(memory_region_add_eventfd(io, 0x10, 4, true, 5, 60));
    OK(memory_region_transaction_commit(&f->core));
    expect_trace(&w.trace, "");

    OK(memory_region_set_address(io, 0x2000));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_del 1010/4 =5 fd60\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_del 1020/2 *0 fd62\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_add 2010/4 =5 fd60\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_add 2020/2 *0 fd62\n"));
    trace_finish(&w.trace);

    put_prio(f->root, 0x2018, over, 1); /* hides 2018-2027, and with it one of the two */
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L eventfd_del 2020/2 *0 fd62\n"));
    ck_assert_ptr_null(strstr(w.trace.text, "fd60"));
    ck_assert_ptr_null(strstr(w.trace.text, "eventfd_add"));
    unwatch(&w);
}
END_TEST

START_TEST(m29_an_eventfd_over_two_ranges_of_a_region_is_told_once)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *io = io_new(f, "io", 0x100);

    put(f->root, 0x1000, io);
    put_prio(f->root, 0x1014, io_new(f, "over", 2), 1);
    OK(memory_region_add_eventfd(io, 0x10, 8, true, 5, 60));
    OK(memory_listener_register(&w.recorder.listener, &f->as));
    const char *told = strstr(w.trace.text, "eventfd_add");
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_null(strstr(told + 1, "eventfd_add"));
    unwatch(&w);
}
END_TEST

START_TEST(coalesced_zones_follow_the_view)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;
    MemoryRegion *io = io_new(f, "io", 0x100);

    put(f->root, 0x1000, io);
    watch_from_here(&w);
    OK(memory_region_add_coalescing(io, 0x10, 0x40));
    expect_trace(&w.trace, "L begin\nL nop 1000-10ff io\nL coalesced_add 1010-104f\nL commit\n");
    put_prio(f->root, 0x1020, io_new(f, "over", 0x10), 1);
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_del 1010-104f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_add 1010-101f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_add 1030-104f\n"));
    trace_finish(&w.trace);
    OK(memory_region_clear_coalescing(io));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_del 1010-101f\n"));
    ck_assert_ptr_nonnull(strstr(w.trace.text, "L coalesced_del 1030-104f\n"));
    unwatch(&w);
}
END_TEST

START_TEST(m32_a_refusal_cancels_those_prepared_in_reverse)
{
    struct fixture *f = fixture_new();
    struct trace trace = {0};
    struct recorder a, b, c;

    recorder_init(&a, &trace, "A", 0);
    recorder_init(&b, &trace, "B", 1);
    recorder_init(&c, &trace, "C", 2);
    OK(memory_listener_register(&a.listener, &f->as));
    OK(memory_listener_register(&b.listener, &f->as));
    OK(memory_listener_register(&c.listener, &f->as));
    trace_finish(&trace);
    a.phases = b.phases = c.phases = true;
    c.prepare_result = -EPERM;
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, io_new(f, "io", 1)), -EPERM);
    expect_trace(&trace, "A prepare\nB prepare\nC prepare\nB cancel\nA cancel\n");
    c.prepare_result = 0;
    c.apply_result = -EIO;
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, io_new(f, "io", 1)), -EIO);
    ck_assert_ptr_nonnull(strstr(trace.text, "A prepare\nB prepare\nC prepare\n"
                                             "A apply\nB apply\nC apply\nB undo\n"));
    ck_assert_ptr_nonnull(strstr(trace.text, "A undo\n"));
    ck_assert_ptr_null(strstr(trace.text, "C undo\n"));
    ck_assert_ptr_null(strstr(trace.text, "begin"));
    memory_listener_unregister(&c.listener);
    memory_listener_unregister(&b.listener);
    memory_listener_unregister(&a.listener);
    trace_finish(&trace);
    fixture_free(f);
}
END_TEST

START_TEST(vcpus_are_parked_only_when_a_listener_asks)
{
    struct watched w;
    struct fixture *f = watch(&w)->f;

    watch_from_here(&w);
    put(f->root, 0, io_new(f, "io", 1));
    ck_assert_uint_eq(f->parks, 0);
    w.recorder.park = true;
    put(f->root, 0x10, io_new(f, "io", 1));
    ck_assert_uint_eq(f->parks, 1);
    ck_assert_uint_eq(f->unparks, 1);
    w.recorder.apply_result = -EIO;
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0x20, io_new(f, "io", 1)), -EIO);
    ck_assert_uint_eq(f->parks, 2);
    ck_assert_uint_eq(f->unparks, 2);
    w.recorder.apply_result = 0;
    w.recorder.park = false;
    unwatch(&w);
}
END_TEST

static void poke(MemoryListener *listener, const MemoryRegionSection *section)
{
    int *result = listener->opaque;

    *result = memory_region_set_enabled(section->mr, false);
}

START_TEST(setters_are_busy_inside_a_callback)
{
    struct fixture *f = fixture_new();
    int result = 1;
    MemoryListener listener = {.name = "poke", .region_add = poke, .opaque = &result};

    OK(memory_listener_register(&listener, &f->as));
    put(f->root, 0, io_new(f, "io", 0x10));
    ck_assert_int_eq(result, -EBUSY);
    expect_view(&f->as, "0-f io\n");
    memory_listener_unregister(&listener);
    fixture_free(f);
}
END_TEST

/* What a callback may not do, each with what it got. */
struct trespass {
    MemoryListener listener, other;
    AddressSpace space;
    MemoryRegion *root;
    int setter, listen, make_space, log;
};

static void trespass(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct trespass *t = listener->opaque;

    t->setter = memory_region_set_enabled(section->mr, false);
    t->listen = memory_listener_register(&t->other, section->as);
    t->make_space =
        address_space_init(&t->space, t->root->core, t->root, "inner", MEMORY_UNASSIGNED_MEMORY);
    t->log = memory_global_dirty_log_start(t->root->core);
}

/* A replay is no commit, yet its callbacks are as bound, and leave nothing open. */
START_TEST(the_callbacks_of_a_replay_may_change_nothing)
{
    struct fixture *f = fixture_new();
    struct trespass t = {.other = {.name = "other"}, .root = f->root};
    MemoryRegion *io = io_new(f, "io", 0x10);

    t.listener = (MemoryListener){.name = "trespass", .region_add = trespass, .opaque = &t};
    put(f->root, 0, io);
    OK(memory_listener_register(&t.listener, &f->as));
    ck_assert_int_eq(t.setter, -EBUSY);
    ck_assert_int_eq(t.listen, -EBUSY);
    ck_assert_int_eq(t.make_space, -EBUSY);
    ck_assert_int_eq(t.log, -EBUSY);
    ck_assert_int_eq(memory_region_transaction_commit(&f->core), -EINVAL);
    expect_view(&f->as, "0-f io\n");
    OK(memory_region_set_address(io, 0x20));
    expect_view(&f->as, "20-2f io\n");
    ck_assert_int_eq(t.setter, -EBUSY);
    memory_listener_unregister(&t.listener);
    fixture_free(f);
}
END_TEST

static int keep_cause(MemoryListener *listener, MemoryCommit *commit)
{
    (void)snprintf(listener->opaque, 64, "%s %s", commit->cause ? commit->cause : "?",
                   commit->cause_region ? commit->cause_region : "?");
    return 0;
}

static void ignore(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
}

START_TEST(a_commit_names_the_region_that_caused_it)
{
    struct fixture *f = fixture_new();
    char cause[64] = "";
    MemoryListener listener = {
        .name = "cause", .prepare = keep_cause, .cancel = ignore, .opaque = cause};
    MemoryRegion *io = io_new(f, "uart", 0x10);

    put(f->root, 0, io);
    OK(memory_listener_register(&listener, &f->as));
    OK(memory_region_set_enabled(io, false));
    ck_assert_ptr_nonnull(strstr(cause, "uart"));
    ck_assert_ptr_nonnull(strstr(cause, "set_enabled"));
    memory_listener_unregister(&listener);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listener");
    TCase *calls = tcase_create("calls"), *refuse = tcase_create("refuse");

    tcase_add_test(calls, m22_one_batch_a_commit);
    tcase_add_test(calls, m22_q01_spaces_that_do_not_change_are_left_alone);
    tcase_add_test(calls, m23_deletions_come_before_additions_each_ascending);
    tcase_add_test(calls, m24_listeners_are_called_in_order_of_priority);
    tcase_add_test(calls, m25_unchanged_ranges_in_a_dirty_window_are_nops_others_not_named);
    tcase_add_loop_test(calls, m26_changed_flags_are_del_and_add, 0, 5);
    tcase_add_test(calls, m26_mask_only_changes_are_log_start_and_log_stop);
    tcase_add_test(calls, m27_registration_replays_the_view_and_removal_mirrors_it);
    tcase_add_test(calls, m28_sections_of_additions_belong_to_the_new_view);
    tcase_add_test(calls, m29_eventfds_are_an_exact_difference);
    tcase_add_test(calls, m29_an_eventfd_over_two_ranges_of_a_region_is_told_once);
    tcase_add_test(calls, coalesced_zones_follow_the_view);
    tcase_add_test(calls, every_callback_may_be_missing);
    tcase_add_test(calls, a_commit_names_the_region_that_caused_it);
    suite_add_tcase(suite, calls);

    tcase_add_loop_test(refuse, a_listener_that_refuses_the_replay_is_not_registered, 0, 2);
    tcase_add_test(refuse, a_listener_leaves_even_when_its_apply_fails);
    tcase_add_test(refuse, registration_is_checked);
    tcase_add_test(refuse, m32_a_refusal_cancels_those_prepared_in_reverse);
    tcase_add_test(refuse, vcpus_are_parked_only_when_a_listener_asks);
    tcase_add_test(refuse, setters_are_busy_inside_a_callback);
    tcase_add_test(refuse, the_callbacks_of_a_replay_may_change_nothing);
    suite_add_tcase(suite, refuse);
    return run_suite(suite);
}
