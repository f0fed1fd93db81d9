/*
 * How a tree of regions becomes a flat view: who is on top, what holes show, what is cut, what is
 * joined. Names carry the items of the acceptance checklist.
 */
#include "tests/unit/memory_fixture.h"

#include <errno.h>

START_TEST(m01_newest_sibling_of_equal_priority_wins)
{
    struct fixture *f = fixture_new();

    put(f->root, 0, io_new(f, "old", 0x100));
    put(f->root, 0x80, io_new(f, "new", 0x100));
    expect_view(&f->as, "0-7f old\n80-17f new\n");
    put(f->root, 0x40, io_new(f, "newest", 0x100));
    expect_view(&f->as, "0-3f old\n40-13f newest\n140-17f new@c0\n");
    fixture_free(f);
}
END_TEST

START_TEST(m02_higher_signed_priority_wins_whatever_came_first)
{
    static const int32_t priorities[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    static const char *const names[] = {"min", "minus", "zero", "one", "max"};
    static const int orders[][5] = {{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 4, 0, 3, 1}};
    struct fixture *f = fixture_new();

    for (int i = 0; i < 5; i++) {
        int which = orders[_i][i];

        put_prio(f->root, (hwaddr)which * 0x10, io_new(f, names[which], 0x100), priorities[which]);
    }
    expect_view(&f->as, "0-f min\n10-1f minus\n20-2f zero\n30-3f one\n40-13f max\n");
    fixture_free(f);
}
END_TEST

START_TEST(m03_priority_counts_among_siblings_only)
{
    struct fixture *f = fixture_new();
    MemoryRegion *container = container_new(f, "container", 0x100);

    put_prio(container, 0, io_new(f, "inner", 0x100), 100);
    put_prio(f->root, 0x80, io_new(f, "outer", 0x100), 1);
    put_prio(f->root, 0, container, 0); /* newer, and with a higher one in it */
    expect_view(&f->as, "0-7f inner\n80-17f outer\n");
    fixture_free(f);
}
END_TEST

START_TEST(m04_holes_of_higher_containers_and_aliases_show_what_is_below)
{
    struct fixture *f = fixture_new();
    MemoryRegion *outer = container_new(f, "outer", 0x1000);
    MemoryRegion *inner = container_new(f, "inner", 0x400);

    put_prio(f->root, 0, io_new(f, "below", 0x1000), 0);
    put(inner, 0x100, io_new(f, "a", 0x100));
    put(outer, 0x200, inner);
    put_prio(f->root, 0, outer, 1);
    expect_view(&f->as, "0-2ff below\n300-3ff a\n400-fff below@400\n");

    put_prio(f->root, 0x800, alias_new(f, "window", outer, 0x200, 0x400), 2);
    expect_view(&f->as,
                "0-2ff below\n300-3ff a\n400-8ff below@400\n900-9ff a\na00-fff below@a00\n");
    fixture_free(f);
}
END_TEST

START_TEST(m05_leaf_with_children_fills_what_they_leave_before_lower_siblings)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = io_new(f, "leaf", 0x400);

    put_prio(f->root, 0, io_new(f, "below", 0x1000), 0);
    put(leaf, 0x100, io_new(f, "child", 0x80));
    put_prio(leaf, 0x300, io_new(f, "cut", 0x1000), -5);
    put_prio(f->root, 0x200, leaf, 1);
    expect_view(&f->as, "0-1ff below\n200-2ff leaf\n300-37f child\n380-4ff leaf@180\n"
                        "500-5ff cut\n600-fff below@600\n");
    fixture_free(f);
}
END_TEST

START_TEST(m06_children_are_cut_to_every_ancestor_and_to_the_space)
{
    struct fixture *f = fixture_new();
    MemoryRegion *outer = container_new(f, "outer", 0x100);
    MemoryRegion *inner = container_new(f, "inner", 0x1000);

    put(inner, 0x20, io_new(f, "a", 0x1000));
    put(outer, 0x80, inner);
    put(f->root, 0x1000, outer);
    expect_view(&f->as, "10a0-10ff a\n");
    put(f->root, UINT64_MAX - 0xf, io_new(f, "top", 0x1000));
    expect_view(&f->as, "10a0-10ff a\nfffffffffffffff0-ffffffffffffffff top\n");
    fixture_free(f);
}
END_TEST

START_TEST(m06_a_child_placed_outside_its_container_is_not_seen)
{
    struct fixture *f = fixture_new();
    MemoryRegion *container = container_new(f, "container", 0x100);

    put(container, 0x100, io_new(f, "outside", 0x10));
    put(container, UINT64_MAX, io_new(f, "wraps", 0x10));
    put(f->root, 0x1000, container);
    expect_view(&f->as, "");
    fixture_free(f);
}
END_TEST

START_TEST(m07_size_of_all_2_to_the_64_is_one_range)
{
    struct fixture *f = fixture_new();
    MemoryRegion *all = io_new(f, "all", UINT64_MAX);

    put(f->root, 0, all);
    expect_view(&f->as, "0-ffffffffffffffff all\n");
    ck_assert_uint_eq(memory_region_size(all), UINT64_MAX);
    OK(memory_region_set_address(all, 1));
    expect_view(&f->as, "1-ffffffffffffffff all\n");
    OK(memory_region_set_address(all, 0));
    put_prio(f->root, UINT64_MAX, io_new(f, "last", 1), 1);
    expect_view(&f->as, "0-fffffffffffffffe all\nffffffffffffffff-ffffffffffffffff last\n");
    fixture_free(f);
}
END_TEST

START_TEST(zero_size_renders_nothing)
{
    struct fixture *f = fixture_new();
    MemoryRegion *empty = container_new(f, "empty", 0);

    put(empty, 0, io_new(f, "inside", 0x10));
    put(f->root, 0, io_new(f, "none", 0));
    put(f->root, 0x100, empty);
    expect_view(&f->as, "");
    OK(memory_region_set_size(empty, 8));
    expect_view(&f->as, "100-107 inside\n");
    fixture_free(f);
}
END_TEST

/* A holds C and, over its middle, B with D and E: first as a container, then as a leaf. */
START_TEST(m08_documented_example_both_ways)
{
    static const char *const views[] = {
        "0-1fff C\n2000-2fff D\n3000-3fff C@3000\n4000-4fff E\n5000-5fff C@5000\n",
        "0-1fff C\n2000-2fff D\n3000-3fff B@1000\n4000-4fff E\n5000-5fff B@3000\n",
    };
    struct fixture *f = fixture_new();
    MemoryRegion *a = container_new(f, "A", 0x8000);
    MemoryRegion *b = _i ? io_new(f, "B", 0x4000) : container_new(f, "B", 0x4000);

    put_prio(a, 0, io_new(f, "C", 0x6000), 1);
    put_prio(a, 0x2000, b, 2);
    put(b, 0, io_new(f, "D", 0x1000));
    put(b, 0x2000, io_new(f, "E", 0x1000));
    put(f->root, 0, a);
    expect_view(&f->as, views[_i]);
    fixture_free(f);
}
END_TEST

START_TEST(m09_alias_shows_its_target_wherever_that_is_mounted)
{
    struct fixture *f = fixture_new();
    MemoryRegion *target = io_new(f, "target", 0x1000);

    put(f->root, 0x1000, alias_new(f, "window", target, 0x40, 0x100));
    expect_view(&f->as, "1000-10ff target@40\n");
    put(f->root, 0x8000, target);
    expect_view(&f->as, "1000-10ff target@40\n8000-8fff target\n");
    OK(memory_region_set_address(target, 0x500000));
    expect_view(&f->as, "1000-10ff target@40\n500000-500fff target\n");
    take_out(f->root, target);
    expect_view(&f->as, "1000-10ff target@40\n");
    fixture_free(f);
}
END_TEST

START_TEST(m10_alias_offset_may_exceed_the_address_of_the_alias)
{
    struct fixture *f = fixture_new();
    MemoryRegion *target = container_new(f, "target", UINT64_MAX);

    put(target, 0x100000, io_new(f, "far", 0x1000));
    put(target, UINT64_MAX - 0xff, io_new(f, "top", 0x100));
    put(f->root, 0x10, alias_new(f, "low", target, 0x100000, 0x800));
    put(f->root, 0x2000, alias_new(f, "high", target, UINT64_MAX - 0xfff, 0x1000));
    expect_view(&f->as, "10-80f far\n2f00-2fff top\n");
    fixture_free(f);
}
END_TEST

START_TEST(m11_alias_beyond_its_target_is_a_hole_and_of_a_disabled_one_nothing)
{
    struct fixture *f = fixture_new();
    MemoryRegion *target = io_new(f, "target", 0x100);

    put_prio(f->root, 0, io_new(f, "below", 0x1000), -1);
    put(f->root, 0, alias_new(f, "window", target, 0x80, 0x400));
    expect_view(&f->as, "0-7f target@80\n80-fff below@80\n");
    OK(memory_region_set_enabled(target, false));
    expect_view(&f->as, "0-fff below\n");
    OK(memory_region_set_enabled(target, true));
    expect_view(&f->as, "0-7f target@80\n80-fff below@80\n");
    fixture_free(f);
}
END_TEST

START_TEST(m12_alias_chains_are_followed)
{
    struct fixture *f = fixture_new();
    MemoryRegion *target = io_new(f, "target", 0x1000);
    MemoryRegion *first = alias_new(f, "first", target, 0x100, 0x800);
    MemoryRegion *second = alias_new(f, "second", first, 0x10, 0x80);
    MemoryRegion *third = alias_new(f, "third", second, 0x8, 0x1000);

    put(f->root, 0x4000, third);
    expect_view(&f->as, "4000-4077 target@118\n");
    put(f->root, 0x6000, first); /* its own mount must not matter to the others */
    expect_view(&f->as, "4000-4077 target@118\n6000-67ff target@100\n");
    OK(memory_region_set_alias_offset(first, 0x200));
    expect_view(&f->as, "4000-4077 target@218\n6000-67ff target@200\n");
    fixture_free(f);
}
END_TEST

START_TEST(m12_cycles_through_aliases_and_mounts_are_refused)
{
    struct fixture *f = fixture_new();
    MemoryRegion *outer = container_new(f, "outer", 0x1000);
    MemoryRegion *inner = container_new(f, "inner", 0x1000);
    MemoryRegion *alias = alias_new(f, "alias", outer, 0, 0x1000);
    MemoryRegion *chain = alias_new(f, "chain", alias, 0, 0x1000);

    ck_assert_int_eq(memory_region_add_subregion(outer, 0, outer), -ELOOP);
    ck_assert_int_eq(memory_region_add_subregion(outer, 0, alias), -ELOOP);
    ck_assert_int_eq(memory_region_add_subregion(outer, 0, chain), -ELOOP);
    put(outer, 0, inner);
    ck_assert_int_eq(memory_region_add_subregion(inner, 0, chain), -ELOOP);
    ck_assert_int_eq(memory_region_add_subregion(inner, 0, outer), -ELOOP);
    ck_assert(!memory_region_is_mapped(chain));
    put(f->root, 0, outer);
    put(f->root, 0x1000, chain);
    expect_view(&f->as, "");
    fixture_free(f);
}
END_TEST

/* `depth` containers, or aliases, in each other; *bottom is the innermost. Returns the outermost.
 */
static MemoryRegion *nest(struct fixture *f, unsigned depth, bool aliases, MemoryRegion *bottom)
{
    MemoryRegion *outer = bottom;

    while (depth-- > 0) {
        MemoryRegion *inner = outer;

        outer = aliases ? alias_new(f, "alias", inner, 0, 0x1000)
                        : container_new(f, "container", 0x1000);
        if (!aliases) {
            put(outer, 0, inner);
        }
    }
    return outer;
}

enum { DEPTH_MAX = 256 /* the root is 0 */ };

START_TEST(a_map_has_its_greatest_depth_and_no_more)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = io_new(f, "leaf", 0x100), *over = io_new(f, "over", 0x10);
    MemoryRegion *top = nest(f, DEPTH_MAX - 1, _i, leaf), *higher;

    put(f->root, 0, top);
    expect_view(&f->as, "0-ff leaf\n");
    take_out(f->root, top);
    higher = nest(f, 1, _i, top);
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, higher), -ELOOP);
    expect_view(&f->as, "");
    if (top->state.container) {
        take_out(higher, top);
    }
    put(f->root, 0, top);
    ck_assert_int_eq(memory_region_add_subregion(leaf, 0, over), -ELOOP); /* from below, too */
    OK(memory_region_set_enabled(over, false));
    put(leaf, 0, over); /* what is not shown may lie deeper */
    ck_assert_int_eq(memory_region_set_enabled(over, true), -ELOOP);
    expect_view(&f->as, "0-ff leaf\n");
    OK(memory_region_set_size(leaf, 0x80)); /* the map is well */
    expect_view(&f->as, "0-7f leaf\n");
    fixture_free(f);
}
END_TEST

/* No space shows it, but changes look for those that do. */
START_TEST(a_tree_far_too_deep_is_no_harm_where_nobody_sees_it)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = io_new(f, "leaf", 0x100), *top = nest(f, 50000, false, leaf);

    OK(memory_region_set_size(leaf, 0x80));
    put(f->root, 0x1000, io_new(f, "io", 0x100));
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, top), -ELOOP);
    expect_view(&f->as, "1000-10ff io\n");
    for (size_t i = 0; i < f->num; i++) { /* else each would wait for the end of the one above */
        if (f->regions[i]->state.container) {
            take_out(f->regions[i]->state.container, f->regions[i]);
        }
    }
    fixture_free(f);
}
END_TEST

/* Forty containers with two aliases of the next in each: more ways than anybody can follow. */
START_TEST(aliases_that_multiply_beyond_measure_are_refused)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = io_new(f, "leaf", 0x10), *inner = leaf;

    put(f->root, 0x1000, io_new(f, "io", 0x100));
    for (unsigned i = 0; i < 40; i++) {
        MemoryRegion *outer = container_new(f, "container", 0x1000);

        put(outer, 0, alias_new(f, "alias", inner, 0, 0x800));
        put(outer, 1, alias_new(f, "alias", inner, 0, 0x800));
        inner = outer;
    }
    OK(memory_region_set_size(leaf, 0x20));
    ck_assert_int_eq(memory_region_add_subregion(f->root, 0, inner), -E2BIG);
    expect_view(&f->as, "1000-10ff io\n");
    fixture_free(f);
}
END_TEST

/* Many ways, but not too many: all of them are seen to. */
START_TEST(a_change_that_shows_in_very_many_places_shows_in_all)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = io_new(f, "leaf", 1), *inner = leaf;

    for (unsigned i = 0; i < 18; i++) {
        MemoryRegion *outer = container_new(f, "container", UINT64_MAX);

        put(outer, 0, alias_new(f, "alias", inner, 0, 2U << i));
        put(outer, 2U << i, alias_new(f, "alias", inner, 0, 2U << i));
        inner = outer;
    }
    put(f->root, 0, inner);
    FlatView *view = address_space_get_flatview(&f->as);
    ck_assert_uint_eq(flatview_range_num(view), 1U << 18);
    flatview_unref(view);
    OK(memory_region_set_enabled(leaf, false));
    expect_view(&f->as, "");
    fixture_free(f);
}
END_TEST

START_TEST(m13_disabled_region_is_absent_with_its_subtree_and_hides_nothing)
{
    struct fixture *f = fixture_new();
    MemoryRegion *container = container_new(f, "container", 0x100);

    put_prio(f->root, 0, io_new(f, "below", 0x200), 0);
    put(container, 0, io_new(f, "child", 0x80));
    put_prio(f->root, 0x40, container, 1);
    expect_view(&f->as, "0-3f below\n40-bf child\nc0-1ff below@c0\n");
    OK(memory_region_set_enabled(container, false));
    expect_view(&f->as, "0-1ff below\n");
    put(container, 0x80, io_new(f, "late", 0x80)); /* while it is off */
    expect_view(&f->as, "0-1ff below\n");
    OK(memory_region_set_enabled(container, true));
    expect_view(&f->as, "0-3f below\n40-bf child\nc0-13f late\n140-1ff below@140\n");
    OK(memory_region_set_enabled(f->root, false));
    expect_view(&f->as, "");
    fixture_free(f);
}
END_TEST

START_TEST(m14_flags_of_the_way_down_reach_the_leaves)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 0x4000);
    MemoryRegion *container = container_new(f, "container", 0x1000);
    MemoryRegion *inner = alias_new(f, "inner", ram, 0, 0x1000);
    MemoryRegion *outer = alias_new(f, "outer", container, 0, 0x1000);

    put(container, 0, inner);
    put(f->root, 0, outer);
    put(f->root, 0x2000, alias_new(f, "plain", ram, 0x2000, 0x1000));
    OK(memory_region_set_readonly(outer, true));
    expect_view(&f->as, "0-fff ram ro\n2000-2fff ram@2000\n");
    OK(memory_region_set_nonvolatile(container, true));
    expect_view(&f->as, "0-fff ram ro nv\n2000-2fff ram@2000\n");
    OK(memory_region_set_unmergeable(inner, true));
    expect_view(&f->as, "0-fff ram ro nv um\n2000-2fff ram@2000\n");
    OK(memory_region_set_readonly(outer, false));
    OK(memory_region_set_nonvolatile(ram, true));
    expect_view(&f->as, "0-fff ram nv um\n2000-2fff ram@2000 nv\n");
    fixture_free(f);
}
END_TEST

START_TEST(readonly_path_concerns_leaves_with_memory_only)
{
    struct fixture *f = fixture_new();
    MemoryRegion *container = container_new(f, "container", 0x3000);

    put(container, 0, ram_new(f, "ram", 0x1000));
    put(container, 0x1000, io_new(f, "io", 0x1000));
    put(f->root, 0, container);
    OK(memory_region_set_readonly(container, true));
    expect_view(&f->as, "0-fff ram ro\n1000-1fff io\n");
    fixture_free(f);
}
END_TEST

/* Two windows side by side on one RAM, each row differing in one thing. */
static const struct {
    const char *what;
    const char *view;
} merges[] = {
    {"alike", "0-1fff ram@1000\n"},
    {"readonly", "0-fff ram@1000\n1000-1fff ram@2000 ro\n"},
    {"nonvolatile", "0-fff ram@1000\n1000-1fff ram@2000 nv\n"},
    {"unmergeable", "0-fff ram@1000\n1000-1fff ram@2000 um\n"},
    {"offset", "0-fff ram@1000\n1000-1fff ram@2800\n"},
    {"gap", "0-fff ram@1000\n1001-2000 ram@2000\n"},
    {"region", "0-fff ram@1000\n1000-1fff other@2000\n"},
    {"both unmergeable", "0-fff ram@1000 um\n1000-1fff ram@2000 um\n"},
    {"the lower unmergeable", "0-fff ram@1000 um\n1000-1fff ram@2000\n"},
};

START_TEST(m15_neighbours_join_only_when_alike_in_everything)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 0x4000), *other = ram_new(f, "other", 0x4000);
    MemoryRegion *low = alias_new(f, "low", ram, 0x1000, 0x1000);
    MemoryRegion *high = alias_new(f, "high", _i == 6 ? other : ram, 0x2000, 0x1000);

    put(f->root, 0, low);
    put(f->root, 0x1000, high);
    OK(memory_region_set_readonly(high, _i == 1));
    OK(memory_region_set_nonvolatile(high, _i == 2));
    OK(memory_region_set_unmergeable(high, _i == 3 || _i == 7));
    OK(memory_region_set_unmergeable(low, _i == 7 || _i == 8));
    OK(memory_region_set_alias_offset(high, _i == 4 ? 0x2800 : 0x2000));
    OK(memory_region_set_address(high, _i == 5 ? 0x1001 : 0x1000));
    expect_view(&f->as, merges[_i].view);
    fixture_free(f);
}
END_TEST

START_TEST(m15_ranges_of_another_dirty_mask_or_romd_mode_are_told_apart)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 0x2000);
    MemoryRegion *flash = romd_new(f, NULL, NULL, "flash", 0x2000);

    put(f->root, 0, ram);
    put(f->root, 0x2000, flash);
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_VGA));
    OK(memory_region_set_log(ram, true, DIRTY_MEMORY_MIGRATION));
    expect_view(&f->as, "0-1fff ram log5\n2000-3fff flash romd\n");
    OK(memory_region_rom_device_set_romd(flash, false));
    OK(memory_region_set_log(ram, false, DIRTY_MEMORY_VGA));
    expect_view(&f->as, "0-1fff ram log4\n2000-3fff flash\n");
    fixture_free(f);
}
END_TEST

START_TEST(m15_an_uninterrupted_unmergeable_leaf_is_one_range)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = io_new(f, "leaf", 0x1000), *overlay = io_new(f, "overlay", 0x100);

    OK(memory_region_set_unmergeable(leaf, true));
    put(f->root, 0, leaf);
    put_prio(f->root, 0x400, overlay, 1);
    expect_view(&f->as, "0-3ff leaf um\n400-4ff overlay\n500-fff leaf@500 um\n");
    OK(memory_region_set_enabled(overlay, false));
    expect_view(&f->as, "0-fff leaf um\n");
    fixture_free(f);
}
END_TEST

START_TEST(a_split_leaf_grows_together_when_the_overlay_goes)
{
    struct fixture *f = fixture_new();
    MemoryRegion *overlay = io_new(f, "overlay", 0x10);

    put(f->root, 0, ram_new(f, "ram", 0x10000));
    for (hwaddr at = 0; at < 0x10000; at += 0x1000) {
        put_prio(f->root, at, overlay, 1);
        take_out(f->root, overlay);
    }
    expect_view(&f->as, "0-ffff ram\n");
    fixture_free(f);
}
END_TEST

START_TEST(m20_q18_a_space_whose_root_is_an_alias_keeps_offset_and_flags)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", 0x4000);
    MemoryRegion *whole = alias_new(f, "whole", ram, 0, 0x4000);
    MemoryRegion *part = alias_new(f, "part", ram, 0x1000, 0x1000);
    AddressSpace plain = {0}, readonly = {0}, window = {0};

    OK(memory_region_set_readonly(whole, true));
    OK(address_space_init(&plain, &f->core, ram, "plain", MEMORY_UNASSIGNED_MEMORY));
    OK(address_space_init(&readonly, &f->core, whole, "readonly", MEMORY_UNASSIGNED_MEMORY));
    OK(address_space_init(&window, &f->core, part, "window", MEMORY_UNASSIGNED_MEMORY));
    expect_view(&plain, "0-3fff ram\n");
    expect_view(&readonly, "0-3fff ram ro\n");
    expect_view(&window, "0-fff ram@1000\n");
    OK(memory_region_set_readonly(whole, false));
    OK(memory_region_set_alias_offset(part, 0x2800));
    expect_view(&readonly, "0-3fff ram\n");
    expect_view(&window, "0-fff ram@2800\n");
    address_space_finish(&plain);
    address_space_finish(&readonly);
    address_space_finish(&window);
    fixture_free(f);
}
END_TEST

START_TEST(m20_spaces_with_one_root_show_the_same_and_change_together)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 0x100);
    AddressSpace twin = {0};

    put(f->root, 0x100, io);
    OK(address_space_init(&twin, &f->core, f->root, "twin", MEMORY_UNASSIGNED_IO));
    expect_view(&twin, "100-1ff io\n");
    OK(memory_region_set_address(io, 0x300));
    expect_view(&twin, "300-3ff io\n");
    expect_view(&f->as, "300-3ff io\n");
    address_space_finish(&twin);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flatten");
    TCase *order = tcase_create("order"), *cut = tcase_create("cut"),
          *alias = tcase_create("alias"), *flags = tcase_create("flags");

    tcase_add_test(order, m01_newest_sibling_of_equal_priority_wins);
    tcase_add_loop_test(order, m02_higher_signed_priority_wins_whatever_came_first, 0, 3);
    tcase_add_test(order, m03_priority_counts_among_siblings_only);
    tcase_add_test(order, m04_holes_of_higher_containers_and_aliases_show_what_is_below);
    tcase_add_test(order, m05_leaf_with_children_fills_what_they_leave_before_lower_siblings);
    tcase_add_loop_test(order, m08_documented_example_both_ways, 0, 2);
    tcase_add_test(order, m13_disabled_region_is_absent_with_its_subtree_and_hides_nothing);
    suite_add_tcase(suite, order);

    tcase_add_test(cut, m06_children_are_cut_to_every_ancestor_and_to_the_space);
    tcase_add_test(cut, m06_a_child_placed_outside_its_container_is_not_seen);
    tcase_add_test(cut, m07_size_of_all_2_to_the_64_is_one_range);
    tcase_add_test(cut, zero_size_renders_nothing);
    suite_add_tcase(suite, cut);

    tcase_add_test(alias, m09_alias_shows_its_target_wherever_that_is_mounted);
    tcase_add_test(alias, m10_alias_offset_may_exceed_the_address_of_the_alias);
    tcase_add_test(alias, m11_alias_beyond_its_target_is_a_hole_and_of_a_disabled_one_nothing);
    tcase_add_test(alias, m12_alias_chains_are_followed);
    tcase_add_test(alias, m12_cycles_through_aliases_and_mounts_are_refused);
    tcase_add_loop_test(alias, a_map_has_its_greatest_depth_and_no_more, 0, 2);
    tcase_add_test(alias, a_tree_far_too_deep_is_no_harm_where_nobody_sees_it);
    tcase_add_test(alias, aliases_that_multiply_beyond_measure_are_refused);
    tcase_add_test(alias, a_change_that_shows_in_very_many_places_shows_in_all);
    tcase_set_timeout(alias, 60);
    tcase_add_test(alias, m20_q18_a_space_whose_root_is_an_alias_keeps_offset_and_flags);
    tcase_add_test(alias, m20_spaces_with_one_root_show_the_same_and_change_together);
    suite_add_tcase(suite, alias);

    tcase_add_test(flags, m14_flags_of_the_way_down_reach_the_leaves);
    tcase_add_test(flags, readonly_path_concerns_leaves_with_memory_only);
    tcase_add_loop_test(flags, m15_neighbours_join_only_when_alike_in_everything, 0,
                        (int)(sizeof(merges) / sizeof(merges[0])));
    tcase_add_test(flags, m15_ranges_of_another_dirty_mask_or_romd_mode_are_told_apart);
    tcase_add_test(flags, m15_an_uninterrupted_unmergeable_leaf_is_one_range);
    tcase_add_test(flags, a_split_leaf_grows_together_when_the_overlay_goes);
    suite_add_tcase(suite, flags);
    return run_suite(suite);
}
