/*
 * memory.c - what a change of the map, building it and keeping it cost, without KVM.
 */
#include <malloc.h>

#include "tests/bench/memory_map.h"

/* ---- one change -------------------------------------------------------------------------------
 */

enum { WINDOW_MAX = 4, PICKS = 4096, SAME = 10 /* leaves, one after the other */ };
enum change { ENABLE, ADD_DEL, MOVE, RESIZE, PRIORITY, CHANGES };
static const char *const change_names[CHANGES] = {"enable", "add/del", "move", "resize",
                                                  "priority"};

static void change(struct map *map, enum change what, size_t i, unsigned turn)
{
    MemoryRegion *leaf = &map->leaves[i];

    switch (what) {
    case ENABLE:
        must(memory_region_set_enabled(leaf, turn & 1));
        break;
    case ADD_DEL:
        if (turn & 1) {
            mount(map, i);
        } else {
            must(memory_region_del_subregion(home(map, i), leaf));
        }
        break;
    case MOVE:
        must(memory_region_set_address(leaf, place(map, i) + (turn & 1 ? 0 : 0x100)));
        break;
    case RESIZE:
        must(memory_region_set_size(leaf, turn & 1 ? SLOT / 2 : SLOT / 4));
        break;
    case PRIORITY:
        must(memory_region_set_priority(leaf, turn & 1 ? 0 : 1));
        break;
    case CHANGES:
    default:
        break;
    }
}

/* The ranges that a leaf's place shows: what a change of it is bounded by. */
static unsigned window_ranges(struct map *map, size_t i)
{
    hwaddr first = place(map, i), last = first + memory_region_size(&map->leaves[i]) - 1;
    FlatView *view = address_space_get_flatview(&map->as);
    const FlatRange *range;
    unsigned num = 0;

    if (map->shape == NESTED) {
        first += 8 * SLOT;
        last += 8 * SLOT;
    }
    for (range = flatview_at_or_after(view, first); range && range->first <= last; num++) {
        range = range->last >= last ? NULL : flatview_at_or_after(view, range->last + 1);
    }
    flatview_unref(view);
    return num;
}

/* Leaves that a kind of change goes back and forth on, and what they cover at most. */
struct picks {
    size_t leaves[PICKS];
    unsigned ranges;
};

/*
 * Has the leaf's window at most WINDOW_MAX ranges, before a change and after? In the overlapping
 * shape not all have. Leaves the change undone.
 */
static bool is_narrow(struct map *map, enum change what, size_t i, struct picks *picks)
{
    unsigned before, after, most;

    change(map, what, i, 0);
    before = window_ranges(map, i);
    change(map, what, i, 1);
    after = window_ranges(map, i);
    most = before > after ? before : after;
    if (most > WINDOW_MAX) {
        return false;
    }
    picks->ranges = most > picks->ranges ? most : picks->ranges;
    return true;
}

static void pick(struct map *map, enum change what, struct picks *picks)
{
    size_t i = map->num / 2, num;

    picks->ranges = 0;
    for (num = 0; num < PICKS; num++) {
        while (!is_narrow(map, what, i, picks)) {
            i = (i + 1) % map->num;
        }
        picks->leaves[num] = i;
        i = next_random(&map->seed) % map->num;
    }
}

/*
 * ns of one change and its commit, back and forth on random leaves, or on one leaf many times, then
 * on another: what their windows cover differs from leaf to leaf, and so from map to map.
 */
static double time_change(struct map *map, enum change what, const struct picks *picks,
                          bool random_leaf, unsigned pairs)
{
    double start = process_ns();
    size_t at = 0;

    for (unsigned turn = 0; turn < 2 * pairs; turn++) {
        if (!(turn & 1)) {
            at = random_leaf ? next_random(&map->seed) % PICKS : turn / (2 * pairs / SAME);
        }
        change(map, what, picks->leaves[at], turn);
    }
    return (process_ns() - start) / (2 * pairs);
}

static double time_scratch(struct map *map)
{
    AddressSpace as;
    double start = process_ns(), end;

    must(address_space_init(&as, &map->core, &map->root, "scratch", MEMORY_UNASSIGNED_MEMORY));
    end = process_ns();
    address_space_finish(&as);
    return end - start;
}

static void bench_changes(enum shape shape, size_t small_num, size_t big_num)
{
    unsigned pairs = quick() ? 20 : 4000;
    static struct picks in_small, in_big;
    struct map small, big;
    double scratch[ROUNDS_MAX];

    open_map(&small, shape, small_num);
    open_map(&big, shape, big_num);
    mount_all(&small);
    mount_all(&big);
    for (unsigned i = 0; i < rounds(); i++) {
        scratch[i] = time_scratch(&big);
    }
    for (enum change what = 0; what < CHANGES; what++) {
        double at_small[2][ROUNDS_MAX], at_big[2][ROUNDS_MAX], same, any;

        if (shape == OVERLAP && what == RESIZE) {
            continue; /* its sizes are random already */
        }
        pick(&small, what, &in_small);
        pick(&big, what, &in_big);
        for (unsigned i = 0; i < rounds(); i++) {
            for (int any_leaf = 0; any_leaf < 2; any_leaf++) {
                at_small[any_leaf][i] = time_change(&small, what, &in_small, any_leaf, pairs);
                at_big[any_leaf][i] = time_change(&big, what, &in_big, any_leaf, pairs);
            }
        }
        same = median(at_big[0], rounds());
        any = median(at_big[1], rounds());
        printf("  %-14s %-9s %8.2f %8.2f %7.2fx %6.2fx %11.0fx  %u\n", shape_names[shape],
               change_names[what], same / 1e3, any / 1e3, same / median(at_small[0], rounds()),
               any / median(at_small[1], rounds()), median(scratch, rounds()) / any, in_big.ranges);
    }
    close_map(&small);
    close_map(&big);
}

/* ---- building, and memory ---------------------------------------------------------------------
 */

static double time_build(enum shape shape, size_t num)
{
    struct map map;
    double start, ns;

    open_map(&map, shape, num);
    start = process_ns();
    mount_all(&map);
    ns = (process_ns() - start) / (double)num;
    close_map(&map);
    return ns;
}

static void bench_building(size_t small_num, size_t big_num)
{
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        double at_small[ROUNDS_MAX], at_big[ROUNDS_MAX], big;

        for (unsigned i = 0; i < rounds(); i++) {
            at_small[i] = time_build(shape, small_num);
            at_big[i] = time_build(shape, big_num);
        }
        big = median(at_big, rounds());
        printf("  %-14s %8.2f us a region   %.2fx\n", shape_names[shape], big / 1e3,
               big / median(at_small, rounds()));
    }
}

static size_t used(struct mallinfo2 info)
{
    return info.uordblks + info.hblkhd;
}

static void bench_memory(size_t num)
{
    struct mallinfo2 before = mallinfo2(), with_leaves, with_view;
    struct map map;

    open_map(&map, FLAT, num);
    with_leaves = mallinfo2();
    mount_all(&map);
    with_view = mallinfo2();
    printf("  %.0f bytes a region (sizeof MemoryRegion %zu), %.0f bytes a flat range, "
           "%llu old views at most\n",
           (double)(used(with_leaves) - used(before)) / (double)num, sizeof(MemoryRegion),
           (double)(used(with_view) - used(with_leaves)) / (double)num,
           (unsigned long long)map.core.counters.views_pending_max);
    close_map(&map);
}

int main(void)
{
    size_t small_num = 100, big = big_num();

    memory_thread_register();
    printf("memory: one change and its commit at %zu regions (us: same leaf, random leaf; each over"
           " %zu regions; a render from scratch over it; ranges in the window)\n",
           big, small_num);
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        bench_changes(shape, small_num, big);
    }
    printf("memory: building %zu regions, each its own transaction (over %zu)\n", big, small_num);
    bench_building(small_num, big);
    printf("memory: size\n");
    bench_memory(big);
    memory_thread_unregister();
    return 0;
}
