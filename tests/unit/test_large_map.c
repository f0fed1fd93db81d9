/*
 * Maps of some hundred regions that overlap at random, so that the tree behind a view is several
 * levels deep and its ranges come, go, grow and shrink everywhere. Who answers where is found by
 * asking each region; what old views show must stay.
 */
#include "tests/unit/memory_fixture.h"

#include <stdlib.h>
#include <string.h>

enum {
    REGIONS = 1200,
    STEPS = 60,
    KEPT = 6,
    SAMPLES = 64,
    SPREAD = 6 /* bytes of map for each region */
};

/* What a region is, beside memory/'s own idea of it. */
struct leaf {
    MemoryRegion *mr;
    hwaddr addr;
    uint64_t size, seq;
    int32_t priority;
    bool enabled;
};

struct map {
    struct fixture *f;
    struct leaf leaves[REGIONS];
    uint64_t seq;
    unsigned seed;
};

static unsigned any(struct map *map, unsigned below)
{
    return (unsigned)rand_r(&map->seed) % below;
}

/* Mostly short, some long enough to span leaves of the tree. */
static uint64_t any_size(struct map *map)
{
    return any(map, 20) ? 1 + any(map, 24) : 1 + any(map, REGIONS * SPREAD / 3);
}

static const struct leaf *winner(const struct map *map, hwaddr addr)
{
    const struct leaf *best = NULL;

    for (unsigned i = 0; i < REGIONS; i++) {
        const struct leaf *leaf = &map->leaves[i];

        if (leaf->enabled && addr >= leaf->addr && addr - leaf->addr < leaf->size &&
            (!best || leaf->priority > best->priority ||
             (leaf->priority == best->priority && leaf->seq > best->seq))) {
            best = leaf;
        }
    }
    return best;
}

static void check_at(const struct map *map, const FlatView *view, hwaddr addr)
{
    const FlatRange *range = flatview_lookup(view, addr), *next = flatview_at_or_after(view, addr);
    const struct leaf *leaf = winner(map, addr);

    ck_assert_msg((leaf != NULL) == (range != NULL), "at %lx", addr);
    if (leaf) {
        ck_assert_ptr_eq(range->mr, leaf->mr);
        ck_assert_uint_eq(range->offset_in_region + (addr - range->first), addr - leaf->addr);
        ck_assert_ptr_eq(next, range);
    } else if (next) {
        ck_assert_uint_gt(next->first, addr);
        ck_assert_ptr_nonnull(winner(map, next->first));
    }
}

/*
 * Both sides of both ends of every range, or of one in so many; neighbours are two only where they
 * must be.
 */
static void check(struct map *map, unsigned one_in)
{
    FlatView *view = address_space_get_flatview(&map->f->as);
    const FlatRange *range = flatview_at_or_after(view, 0), *next;
    size_t num = 0;

    for (; range; range = next, num++) {
        ck_assert_uint_le(range->first, range->last);
        if (any(map, one_in) == 0) {
            check_at(map, view, range->first);
            check_at(map, view, range->last);
            check_at(map, view, range->last + 1);
            check_at(map, view, range->first > 0 ? range->first - 1 : 0);
        }
        next = flatview_at_or_after(view, range->last + 1);
        if (next) {
            ck_assert_uint_gt(next->first, range->last);
            ck_assert(next->first > range->last + 1 || next->mr != range->mr ||
                      next->offset_in_region !=
                          range->offset_in_region + (range->last + 1 - range->first));
        }
    }
    ck_assert_uint_eq(num, flatview_range_num(view));
    flatview_unref(view);
}

static void change(struct map *map, struct leaf *leaf)
{
    switch (any(map, 4)) {
    case 0:
        leaf->enabled = any(map, 4) > 0;
        OK(memory_region_set_enabled(leaf->mr, leaf->enabled));
        break;
    case 1:
        leaf->size = any_size(map);
        OK(memory_region_set_size(leaf->mr, leaf->size));
        break;
    case 2:
        leaf->priority = (int32_t)any(map, 3);
        leaf->seq = leaf->priority == leaf->mr->state.priority ? leaf->seq : ++map->seq;
        OK(memory_region_set_priority(leaf->mr, leaf->priority));
        break;
    default:
        leaf->addr = any(map, REGIONS * SPREAD);
        leaf->seq = leaf->addr == leaf->mr->state.addr ? leaf->seq : ++map->seq;
        OK(memory_region_set_address(leaf->mr, leaf->addr));
        break;
    }
}

/* Most regions go, from one end of the map or the other, or all come back: nodes join, and split.
 */
static void thin_out(struct map *map, bool back)
{
    bool upwards = any(map, 2);

    for (unsigned i = 0; i < REGIONS; i++) {
        struct leaf *leaf = &map->leaves[upwards ? i : REGIONS - 1 - i];

        leaf->enabled = back || any(map, 12) == 0;
        OK(memory_region_set_enabled(leaf->mr, leaf->enabled));
    }
}

static void build(struct map *map)
{
    for (unsigned i = 0; i < REGIONS; i++) {
        struct leaf *leaf = &map->leaves[i];

        *leaf = (struct leaf){
            .addr = any(map, REGIONS * SPREAD),
            .size = any_size(map),
            .priority = (int32_t)any(map, 3),
            .seq = ++map->seq,
            .enabled = true,
        };
        leaf->mr = io_new(map->f, "leaf", leaf->size);
        put_prio(map->f->root, leaf->addr, leaf->mr, leaf->priority);
    }
}

START_TEST(m16_m49_a_large_map_is_right_after_every_change)
{
    struct map map = {.f = fixture_new(), .seed = (unsigned)_i};
    FlatView *kept[KEPT] = {NULL};
    char *texts[KEPT] = {NULL}, *now;

    build(&map);
    check(&map, 1);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned num = any(&map, 4) ? 1 : 1 + any(&map, 60), which = step % KEPT;

        if (step % 10 < 8) {
            memory_region_transaction_begin(&map.f->core);
            while (num-- > 0) {
                change(&map, &map.leaves[any(&map, REGIONS)]);
            }
            OK(memory_region_transaction_commit(&map.f->core));
        } else {
            thin_out(&map, step % 10 == 9); /* one by one */
        }
        check(&map, step % 10 < 8 ? SAMPLES : 1);
        if (kept[which]) {
            now = flatview_text(kept[which]);
            ck_assert_str_eq(now, texts[which]);
            free(now);
            free(texts[which]);
            flatview_unref(kept[which]);
        }
        kept[which] = address_space_get_flatview(&map.f->as);
        texts[which] = flatview_text(kept[which]);
    }
    for (unsigned i = 0; i < KEPT; i++) {
        flatview_unref(kept[i]);
        free(texts[i]);
    }
    fixture_free(map.f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("large_map");
    TCase *tcase = tcase_create("maps");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, m16_m49_a_large_map_is_right_after_every_change, 1, 5);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
