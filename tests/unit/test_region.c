/*
 * Regions by themselves: what each kind is, which calls are refused, how long each lives.
 */
#include "tests/unit/memory_fixture.h"

#include <errno.h>
#include <stdlib.h>

START_TEST(m07_sizes_are_reported_as_given)
{
    static const uint64_t sizes[] = {0, 1, 3, 0x1000, UINT64_MAX - 1, UINT64_MAX};
    struct fixture *f = fixture_new();
    MemoryRegion *mr = io_new(f, "io", sizes[_i]);

    ck_assert_uint_eq(memory_region_size(mr), sizes[_i]);
    ck_assert_uint_eq(memory_region_size(container_new(f, "c", sizes[_i])), sizes[_i]);
    OK(memory_region_set_size(mr, sizes[(_i + 1) % 6]));
    ck_assert_uint_eq(memory_region_size(mr), sizes[(_i + 1) % 6]);
    fixture_free(f);
}
END_TEST

START_TEST(kinds_tell_what_they_are)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *rom = rom_new(f, "rom", PAGE),
                 *flash = romd_new(f, NULL, NULL, "flash", PAGE), *io = io_new(f, "io", PAGE),
                 *reserved = reservation_new(f, "reserved", PAGE),
                 *alias = alias_new(f, "alias", ram, 0, PAGE);
    MemoryRegion *device = region_alloc();

    OK(memory_region_init_ram_device(device, NULL, "bar", block_new(f, "bar", PAGE)));
    adopt(f, device);
    const struct {
        MemoryRegion *mr;
        bool ram, rom, romd, terminates, memory;
    } rows[] = {
        {f->root, false, false, false, false, false}, {ram, true, false, false, true, true},
        {rom, true, true, false, true, true},         {flash, false, false, true, true, true},
        {io, false, false, false, true, false},       {reserved, false, false, false, true, false},
        {alias, false, false, false, false, false},   {device, true, false, false, true, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(memory_region_is_ram(rows[i].mr) == rows[i].ram, "ram, row %zu", i);
        ck_assert_msg(memory_region_is_rom(rows[i].mr) == rows[i].rom, "rom, row %zu", i);
        ck_assert_msg(memory_region_is_romd(rows[i].mr) == rows[i].romd, "romd, row %zu", i);
        ck_assert_msg(memory_region_terminates(rows[i].mr) == rows[i].terminates,
                      "terminates, row %zu", i);
        ck_assert_msg((memory_region_get_ram_ptr(rows[i].mr) != NULL) == rows[i].memory,
                      "memory, row %zu", i);
    }
    OK(memory_region_rom_device_set_romd(flash, false));
    ck_assert(!memory_region_is_romd(flash));
    fixture_free(f);
}
END_TEST

START_TEST(name_is_copied)
{
    struct fixture *f = fixture_new();
    char name[] = "before";
    MemoryRegion *mr = io_new(f, name, 1);

    name[0] = 'x';
    ck_assert_str_eq(memory_region_name(mr), "before");
    fixture_free(f);
}
END_TEST

START_TEST(m17_a_mounted_region_cannot_be_mounted_again)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 0x100), *other = container_new(f, "other", 0x1000);

    put(f->root, 0, io);
    put(f->root, 0x1000, other);
    ck_assert_int_eq(memory_region_add_subregion(other, 0, io), -EBUSY);
    ck_assert_int_eq(memory_region_add_subregion_overlap(f->root, 0x200, io, 3), -EBUSY);
    expect_view(&f->as, "0-ff io\n");
    fixture_free(f);
}
END_TEST

START_TEST(m17_a_child_cannot_be_taken_from_another_container)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 0x100), *other = container_new(f, "other", 0x1000);

    ck_assert_int_eq(memory_region_del_subregion(f->root, io), -EINVAL);
    put(other, 0, io);
    ck_assert_int_eq(memory_region_del_subregion(f->root, io), -EINVAL);
    ck_assert(memory_region_is_mapped(io));
    take_out(other, io);
    ck_assert(!memory_region_is_mapped(io));
    ck_assert_int_eq(memory_region_del_subregion(other, io), -EINVAL);
    fixture_free(f);
}
END_TEST

START_TEST(aliases_take_no_children)
{
    struct fixture *f = fixture_new();
    MemoryRegion *target = container_new(f, "target", PAGE);
    MemoryRegion *alias = alias_new(f, "alias", target, 0, PAGE);

    ck_assert_int_eq(memory_region_add_subregion(alias, 0, io_new(f, "io", 1)), -EINVAL);
    fixture_free(f);
}
END_TEST

START_TEST(setters_refuse_kinds_they_do_not_fit)
{
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE), *io = io_new(f, "io", PAGE);

    ck_assert_int_eq(memory_region_set_size(ram, 2 * PAGE), -EINVAL);
    ck_assert_int_eq(memory_region_rom_device_set_romd(ram, false), -EINVAL);
    ck_assert_int_eq(memory_region_rom_device_set_romd(io, false), -EINVAL);
    ck_assert_int_eq(memory_region_set_alias_offset(io, 8), -EINVAL);
    ck_assert_int_eq(memory_region_set_alias_offset(f->root, 8), -EINVAL);
    ck_assert_int_eq(memory_region_set_log(ram, true, DIRTY_MEMORY_NUM), -EINVAL);
    ck_assert_uint_eq(memory_region_size(ram), PAGE);
    fixture_free(f);
}
END_TEST

/* Rows of add_eventfd and del_eventfd on a region of 16 bytes that has {4, 4, 7}. */
static const struct {
    bool add;
    hwaddr addr;
    unsigned size;
    bool match;
    uint64_t data;
    int fd, error;
} eventfds[] = {
    {true, 4, 4, true, 7, 50, -EEXIST},   {true, 4, 4, true, 8, 50, 0},
    {true, 4, 3, false, 0, 50, -EINVAL},  {true, 4, 16, false, 0, 50, -EINVAL},
    {true, 4, 0, true, 0, 50, -EINVAL},   {true, 4, 0, false, 0, 50, 0},
    {true, 8, 8, true, 1, 50, 0},         {false, 4, 4, true, 7, 50, 0},
    {false, 4, 4, true, 7, 51, -ENOENT},  {false, 4, 4, true, 8, 50, -ENOENT},
    {false, 4, 2, true, 7, 50, -ENOENT},  {false, 8, 4, true, 7, 50, -ENOENT},
    {false, 4, 4, false, 7, 50, -ENOENT},
};

START_TEST(eventfds_are_checked_against_those_there)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 16);
    int (*call)(MemoryRegion *, hwaddr, unsigned, bool, uint64_t, int) =
        eventfds[_i].add ? memory_region_add_eventfd : memory_region_del_eventfd;

    OK(memory_region_add_eventfd(io, 4, 4, true, 7, 50));
    ck_assert_int_eq(call(io, eventfds[_i].addr, eventfds[_i].size, eventfds[_i].match,
                          eventfds[_i].data, eventfds[_i].fd),
                     eventfds[_i].error);
    fixture_free(f);
}
END_TEST

START_TEST(coalesced_parts_lie_within_the_region)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", 0x100);

    ck_assert_int_eq(memory_region_add_coalescing(io, 0, 0), -EINVAL);
    ck_assert_int_eq(memory_region_add_coalescing(io, 0x100, 1), -EINVAL);
    ck_assert_int_eq(memory_region_add_coalescing(io, 0xff, 2), -EINVAL);
    ck_assert_int_eq(memory_region_add_coalescing(io, 1, UINT64_MAX), -EINVAL);
    OK(memory_region_add_coalescing(io, 0xff, 1));
    OK(memory_region_clear_coalescing(io));
    fixture_free(f);
}
END_TEST

START_TEST(is_mapped_through_an_alias_counts)
{
    struct fixture *f = fixture_new();
    MemoryRegion *io = io_new(f, "io", PAGE), *alias = alias_new(f, "alias", io, 0, PAGE);

    ck_assert(!memory_region_is_mapped(io));
    put(f->root, 0, alias);
    ck_assert(memory_region_is_mapped(io));
    take_out(f->root, alias);
    ck_assert(!memory_region_is_mapped(io));
    fixture_free(f);
}
END_TEST

static void count_and_free(MemoryRegion *mr)
{
    (*(_Atomic unsigned *)mr->destructor_opaque)++;
    free(mr);
}

static MemoryRegion *counted_new(struct fixture *f, const char *name, _Atomic unsigned *destroyed)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_ram(mr, NULL, name, block_new(f, name, PAGE)));
    memory_region_set_destructor(mr, count_and_free, destroyed);
    return mr;
}

START_TEST(destructor_runs_once_after_the_last_reference)
{
    struct fixture *f = fixture_new();
    _Atomic unsigned destroyed = 0;
    MemoryRegion *mr = counted_new(f, "ram", &destroyed);

    ck_assert_ptr_eq(memory_region_ref(mr), mr);
    memory_region_unref(mr);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 0);
    memory_region_unref(mr);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 1);
    fixture_free(f);
    ck_assert_uint_eq(destroyed, 1);
}
END_TEST

START_TEST(mounts_and_aliases_keep_a_region_alive)
{
    struct fixture *f = fixture_new();
    _Atomic unsigned destroyed = 0;
    MemoryRegion *mr = counted_new(f, "ram", &destroyed);
    MemoryRegion *alias = alias_new(f, "alias", mr, 0, PAGE);

    put(f->root, 0, mr);
    memory_region_unref(mr); /* the mount and the alias have theirs */
    put(f->root, PAGE, alias);
    take_out(f->root, mr);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 0);
    expect_view(&f->as, "1000-1fff ram\n");
    take_out(f->root, alias);
    disown(f, alias);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 1);
    fixture_free(f);
}
END_TEST

START_TEST(views_and_sections_keep_a_region_alive)
{
    struct fixture *f = fixture_new();
    _Atomic unsigned destroyed = 0;
    MemoryRegion *mr = counted_new(f, "ram", &destroyed);
    MemoryRegionSection section;

    put(f->root, 0, mr);
    memory_region_unref(mr);
    FlatView *view = address_space_get_flatview(&f->as);
    ck_assert(address_space_find(&f->as, 0x10, 4, &section));
    take_out(f->root, mr);
    expect_view(&f->as, "");
    drain_rcu();
    ck_assert_uint_eq(destroyed, 0);
    flatview_unref(view);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 0);
    *(uint8_t *)memory_section_host(&section) = 1; /* a fault if it were unmapped */
    memory_region_unref(section.mr);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 1);
    fixture_free(f);
}
END_TEST

START_TEST(a_container_lets_go_of_its_children_when_it_dies)
{
    struct fixture *f = fixture_new();
    _Atomic unsigned destroyed = 0;
    MemoryRegion *container = container_new(f, "container", 0x10000);
    MemoryRegion *kept = counted_new(f, "kept", &destroyed);
    MemoryRegion *dropped = counted_new(f, "dropped", &destroyed);

    put(container, 0, kept);
    put(container, PAGE, dropped);
    memory_region_unref(dropped);
    disown(f, container);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 1);
    put(f->root, 0, kept); /* free to be mounted elsewhere */
    expect_view(&f->as, "0-fff kept\n");
    memory_region_unref(kept);
    fixture_free(f);
    ck_assert_uint_eq(destroyed, 2);
}
END_TEST

START_TEST(unref_accepts_nothing_and_zeroed_regions)
{
    MemoryRegion zeroed = {0};

    memory_region_unref(NULL);
    memory_region_unref(&zeroed);
}
END_TEST

START_TEST(zeroed_core_and_space_can_be_finished)
{
    static struct memory_core core;
    AddressSpace as = {0};

    address_space_finish(&as);
    memory_core_finish(&core);
}
END_TEST

START_TEST(a_region_removed_inside_a_transaction_lives_until_it_ends)
{
    struct fixture *f = fixture_new();
    _Atomic unsigned destroyed = 0;
    MemoryRegion *mr = counted_new(f, "ram", &destroyed);

    put(f->root, 0, mr);
    memory_region_unref(mr);
    memory_region_transaction_begin(&f->core);
    take_out(f->root, mr);
    ck_assert_uint_eq(destroyed, 0);
    memory_region_transaction_abort(&f->core);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 0);
    expect_view(&f->as, "0-fff ram\n");
    take_out(f->root, mr);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 1);
    fixture_free(f);
}
END_TEST

/* Row: what a transaction does before it is undone, all of which leaves the references as found. */
enum { DROPS_OURS, ENDS_A_MAP, ENDS_A_VIEW, FINDS_AND_DROPS, FINDS, ENDS_A_SPACE, REF_MOVES };

START_TEST(an_undone_transaction_takes_back_the_callers_references_alone)
{
    struct fixture *f = fixture_new();
    _Atomic unsigned destroyed = 0;
    MemoryRegion *mr = counted_new(f, "ram", &destroyed);
    MemoryRegionSection section = {0};
    AddressSpace second;
    uint64_t len = PAGE;

    put(f->root, 0, mr);
    OK(address_space_init(&second, &f->core, mr, "second", MEMORY_UNASSIGNED_MEMORY));
    FlatView *view = address_space_get_flatview(&f->as);
    void *host = address_space_map(&f->as, 0, &len, true, MEMTXATTRS_UNSPECIFIED);
    if (_i == ENDS_A_VIEW) { /* the only one that still has the region */
        take_out(f->root, mr);
        drain_rcu();
    }

    memory_region_transaction_begin(&f->core);
    switch (_i) {
    case DROPS_OURS:
        memory_region_unref(mr);
        break;
    case ENDS_A_MAP:
        OK(address_space_unmap(&f->as, host, len, true, 0));
        break;
    case ENDS_A_VIEW:
        flatview_unref(view);
        break;
    case FINDS_AND_DROPS:
        ck_assert(address_space_find(&f->as, 0, 1, &section));
        memory_region_unref(section.mr);
        break;
    case FINDS:
        ck_assert(address_space_find(&f->as, 0, 1, &section));
        break;
    case ENDS_A_SPACE:
        address_space_finish(&second);
        break;
    default: /* in effect one that was there before goes */
        memory_region_unref(memory_region_ref(mr));
        memory_region_unref(mr);
        memory_region_unref(memory_region_ref(mr));
        break;
    }
    memory_region_transaction_abort(&f->core);

    if (_i == FINDS) {
        memory_region_unref(section.mr);
    }
    if (_i != ENDS_A_MAP) {
        OK(address_space_unmap(&f->as, host, len, true, 0));
    }
    if (_i != ENDS_A_VIEW) {
        flatview_unref(view);
        take_out(f->root, mr);
    }
    address_space_finish(&second);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 0); /* ours is there */
    memory_region_unref(mr);
    drain_rcu();
    ck_assert_uint_eq(destroyed, 1);
    fixture_free(f);
}
END_TEST

START_TEST(two_cores_live_in_one_process)
{
    struct fixture *one = fixture_new(), *two = fixture_new();

    put(one->root, 0, io_new(one, "one", PAGE));
    put(two->root, PAGE, io_new(two, "two", PAGE));
    memory_region_transaction_begin(&one->core);
    put(two->root, 0, io_new(two, "now", PAGE)); /* its own transaction */
    expect_view(&two->as, "0-fff now\n1000-1fff two\n");
    OK(memory_region_transaction_commit(&one->core));
    expect_view(&one->as, "0-fff one\n");
    fixture_free(one);
    expect_view(&two->as, "0-fff now\n1000-1fff two\n");
    fixture_free(two);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("region");
    TCase *kinds = tcase_create("kinds"), *life = tcase_create("life");

    tcase_add_loop_test(kinds, m07_sizes_are_reported_as_given, 0, 6);
    tcase_add_test(kinds, kinds_tell_what_they_are);
    tcase_add_test(kinds, name_is_copied);
    tcase_add_test(kinds, m17_a_mounted_region_cannot_be_mounted_again);
    tcase_add_test(kinds, m17_a_child_cannot_be_taken_from_another_container);
    tcase_add_test(kinds, aliases_take_no_children);
    tcase_add_test(kinds, setters_refuse_kinds_they_do_not_fit);
    tcase_add_loop_test(kinds, eventfds_are_checked_against_those_there, 0,
                        (int)(sizeof(eventfds) / sizeof(eventfds[0])));
    tcase_add_test(kinds, coalesced_parts_lie_within_the_region);
    tcase_add_test(kinds, is_mapped_through_an_alias_counts);
    suite_add_tcase(suite, kinds);

    tcase_add_test(life, destructor_runs_once_after_the_last_reference);
    tcase_add_test(life, mounts_and_aliases_keep_a_region_alive);
    tcase_add_test(life, views_and_sections_keep_a_region_alive);
    tcase_add_test(life, a_container_lets_go_of_its_children_when_it_dies);
    tcase_add_test(life, unref_accepts_nothing_and_zeroed_regions);
    tcase_add_test(life, zeroed_core_and_space_can_be_finished);
    tcase_add_test(life, a_region_removed_inside_a_transaction_lives_until_it_ends);
    tcase_add_loop_test(life, an_undone_transaction_takes_back_the_callers_references_alone, 0,
                        REF_MOVES + 1);
    tcase_add_test(life, two_cores_live_in_one_process);
    suite_add_tcase(suite, life);
    return run_suite(suite);
}
