/*
 * What a commit costs: as much as it changes, whatever the size of the map; and what it leaves.
 */
#include "tests/unit/memory_fixture.h"

#include <stdio.h>

/* Every shape has `num` leaves; `leaf` is in the middle. */
static MemoryRegion *grow(struct fixture *f, unsigned num, int shape)
{
    MemoryRegion *leaf = NULL, *into = f->root, *target = NULL;

    memory_region_transaction_begin(&f->core);
    for (unsigned i = 0; shape == 1 && i < 8; i++) {
        MemoryRegion *inner = container_new(f, "level", UINT64_MAX);

        put(into, 0, inner);
        into = inner;
    }
    if (shape == 2) {
        target = container_new(f, "target", UINT64_MAX / 2);
        put(f->root, 0, alias_new(f, "window", target, 0, UINT64_MAX / 2));
        into = target;
    }
    for (unsigned i = 0; i < num; i++) {
        MemoryRegion *io = io_new(f, "leaf", shape == 3 ? 0x100U * (1 + i % 2) : 0x80);

        put_prio(into, (hwaddr)i * 0x100, io, shape == 3 ? (int32_t)(i % 5) : 0);
        leaf = i == num / 2 ? io : leaf;
    }
    OK(memory_region_transaction_commit(&f->core));
    return leaf;
}

static unsigned log2_of(unsigned num)
{
    return num > 1 ? 1 + log2_of(num / 2) : 0;
}

static uint64_t work(const struct memory_counters *counters)
{
    return counters->ranges_visited + counters->nodes_copied + counters->callbacks;
}

enum change { ENABLE, ADD_DEL, MOVE, RESIZE, PRIORITY, CHANGES };

/* One change of a leaf, there (odd turns) and back. */
static void change_leaf(MemoryRegion *leaf, enum change what, unsigned turn)
{
    bool there = turn % 2;
    MemoryRegion *container = leaf->state.container;
    hwaddr addr = leaf->state.addr;
    uint64_t size = memory_region_size(leaf);

    switch (what) {
    case ENABLE:
        OK(memory_region_set_enabled(leaf, !there));
        break;
    case ADD_DEL:
        OK(memory_region_del_subregion(container, leaf));
        OK(memory_region_add_subregion(container, addr, leaf));
        break;
    case MOVE:
        OK(memory_region_set_address(leaf, there ? addr + 0x40 : addr - 0x40));
        break;
    case RESIZE:
        OK(memory_region_set_size(leaf, there ? size / 2 : size * 2));
        break;
    case PRIORITY:
        OK(memory_region_set_priority(leaf, there ? 7 : 0));
        break;
    case CHANGES:
    default:
        break;
    }
}

/* Mean work of each kind of change of one leaf among `num`, each with its commit. */
static void change_costs(unsigned num, int shape, uint64_t costs[CHANGES])
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = grow(f, num, shape);
    struct trace trace = {0};
    struct recorder recorder;
    enum { TURNS = 20 };

    recorder_init(&recorder, &trace, "L", 0);
    OK(memory_listener_register(&recorder.listener, &f->as));
    trace_finish(&trace);
    for (enum change what = 0; what < CHANGES; what++) {
        uint64_t before = work(&f->core.counters);

        for (unsigned turn = 1; turn <= TURNS; turn++) {
            change_leaf(leaf, what, turn);
        }
        before = work(&f->core.counters) - before;
        costs[what] = before / (what == ADD_DEL ? 2 * TURNS : TURNS);
    }
    memory_listener_unregister(&recorder.listener);
    trace_finish(&trace);
    fixture_free(f);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SIZES = 3 }; /* counters do not depend on the build; the time to make the map does */
#else
enum { SIZES = 4 };
#endif
enum { COST_PER_LEVEL = 10 };

START_TEST(m33_q01_one_change_among_many_costs_log_n)
{
    static const unsigned nums[] = {100, 1000, 10000, 100000};
    uint64_t costs[SIZES][CHANGES];

    for (size_t i = 0; i < SIZES; i++) {
        change_costs(nums[i], _i, costs[i]);
        for (enum change what = 0; what < CHANGES; what++) {
            (void)fprintf(stderr, "# m33 shape %d change %d: %u regions, %lu\n", _i, (int)what,
                          nums[i], costs[i][what]);
            ck_assert_uint_gt(costs[i][what], 0);
            ck_assert_uint_le(costs[i][what], (uint64_t)COST_PER_LEVEL * log2_of(nums[i]));
            ck_assert_uint_le(costs[i][what], 3 * costs[0][what]);
        }
    }
}
END_TEST

START_TEST(m33_setters_of_one_transaction_share_the_work)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = grow(f, 1000, 0);
    uint64_t before = f->core.counters.commits;

    memory_region_transaction_begin(&f->core);
    for (unsigned i = 0; i < 11; i++) {
        OK(memory_region_set_enabled(leaf, i % 2));
        OK(memory_region_set_address(leaf, 0x1000000 + i));
    }
    OK(memory_region_transaction_commit(&f->core));
    ck_assert_uint_eq(f->core.counters.commits, before + 1);
    fixture_free(f);
}
END_TEST

START_TEST(q15_old_views_do_not_pile_up)
{
    struct fixture *f = fixture_new();
    MemoryRegion *leaf = grow(f, 100, 0);

    for (unsigned i = 0; i < 5000; i++) {
        OK(memory_region_set_enabled(leaf, i % 2));
        memory_core_throttle(&f->core);
    }
    ck_assert_uint_le(f->core.counters.views_pending_max, 200);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commit_cost");
    TCase *cost = tcase_create("cost");

    tcase_set_timeout(cost, 240);
    tcase_add_loop_test(cost, m33_q01_one_change_among_many_costs_log_n, 0, 4);
    tcase_add_test(cost, m33_setters_of_one_transaction_share_the_work);
    tcase_add_test(cost, q15_old_views_do_not_pile_up);
    suite_add_tcase(suite, cost);
    return run_suite(suite);
}
