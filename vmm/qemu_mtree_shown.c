/*
 * qemu_mtree_shown.c - all places at which a region could show in an address space, and the
 * addresses at which anything can change. As in memory/render.c, a place is (base, lo, hi): offsets
 * lo..hi of the region lie at base + offset, modulo 2^64, and lo..hi never wraps.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <stdlib.h>

struct part {
    hwaddr base, lo, hi;
};

struct expander {
    struct mtree *mtree;
    struct mtree_shown *shown;
    int ret; /* the first failure */
};

static void expand(struct expander *expander, struct mtree_region *region, struct part part,
                   struct mtree_place *up, unsigned depth);

static void expand_children(struct expander *expander, struct part part, struct mtree_place *place,
                            unsigned depth)
{
    struct mtree_region *child;

    for (child = place->region->child; child && expander->ret == 0; child = child->next) {
        struct mtree_region *region = mtree_rep(child);

        if (region->addr <= part.hi) {
            const struct part below = {
                .base = part.base + region->addr,
                .lo = part.lo > region->addr ? part.lo - region->addr : 0,
                .hi = part.hi - region->addr,
            };

            expand(expander, region, below, place, depth + 1);
        }
    }
}

static void expand_alias(struct expander *expander, struct part part, struct mtree_place *place,
                         unsigned depth)
{
    const struct mtree_region *region = place->region;
    struct part target = {.base = part.base - region->alias_offset};

    if (__builtin_add_overflow(part.lo, region->alias_offset, &target.lo)) {
        return;
    }
    if (__builtin_add_overflow(part.hi, region->alias_offset, &target.hi)) {
        target.hi = UINT64_MAX;
    }
    expand(expander, mtree_rep(region->target), target, place, depth + 1);
}

static int too_much(struct expander *expander, const struct mtree_region *region)
{
    struct mtree *mtree = expander->mtree;

    return mtree_fail(mtree->err, mtree->tree_text, region->line,
                      "%s: aliases and containers multiply to more than %d regions", region->name,
                      MTREE_PLACES_MAX);
}

static struct mtree_place *add_place(struct expander *expander, struct mtree_region *region,
                                     struct part part, struct mtree_place *up)
{
    struct mtree_place *place = malloc(sizeof(*place));

    if (!place) {
        expander->ret =
            error_set_errno(expander->mtree->err, ENOMEM, "%s", expander->mtree->tree_text->path);
        return NULL;
    }
    *place = (struct mtree_place){
        .region = region,
        .up = up,
        .base = part.base,
        .first = part.base + part.lo,
        .last = part.base + part.hi,
        .nonvolatile = region->nonvolatile || (up && up->nonvolatile),
    };
    expander->shown->place_num++;
    if (!up) {
        expander->shown->root = place;
    } else {
        *(up->child_last ? &up->child_last->next : &up->child) = place;
        up->child_last = place;
    }
    return place;
}

static void expand(struct expander *expander, struct mtree_region *region, struct part part,
                   struct mtree_place *up, unsigned depth)
{
    struct mtree *mtree = expander->mtree;
    hwaddr region_last = range_last(0, region->size);
    struct mtree_place *place;

    if (!region->enabled || part.lo > region_last) {
        return;
    }
    part.hi = part.hi > region_last ? region_last : part.hi;
    if (depth > MTREE_DEPTH_MAX) {
        expander->ret = mtree_fail(mtree->err, mtree->tree_text, region->line,
                                   "%s: containers and aliases are nested more than %d deep, or "
                                   "lead back to themselves",
                                   region->name, MTREE_DEPTH_MAX);
        return;
    }
    if (expander->shown->place_num == MTREE_PLACES_MAX || !mtree_spend(mtree, 1)) {
        expander->ret = too_much(expander, region);
        return;
    }
    place = add_place(expander, region, part, up);
    if (place && region->target) {
        expand_alias(expander, part, place, depth);
    } else if (place) {
        expand_children(expander, part, place, depth);
    }
}

static int by_address(const void *a, const void *b)
{
    const struct mtree_segment *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

static void add_cuts(struct mtree_shown *shown, hwaddr first, hwaddr last)
{
    shown->segments[shown->segment_num++] = (struct mtree_segment){.first = first};
    if (last != UINT64_MAX) {
        shown->segments[shown->segment_num++] = (struct mtree_segment){.first = last + 1};
    }
}

static void cut_at_places(struct mtree_shown *shown, const struct mtree_place *place)
{
    for (; place; place = place->next) {
        add_cuts(shown, place->first, place->last);
        cut_at_places(shown, place->child);
    }
}

static int make_segments(struct mtree_shown *shown, const struct mtree_view *view)
{
    size_t i, num = 0, at = 0, max = 2 * (shown->place_num + view->range_num) + 1;

    shown->segments = calloc(max, sizeof(shown->segments[0]));
    if (!shown->segments) {
        return -ENOMEM;
    }
    shown->segments[shown->segment_num++] = (struct mtree_segment){.first = 0};
    cut_at_places(shown, shown->root);
    for (i = 0; i < view->range_num; i++) {
        add_cuts(shown, view->ranges[i].first, view->ranges[i].last);
    }
    qsort(shown->segments, shown->segment_num, sizeof(shown->segments[0]), by_address);
    for (i = 0; i < shown->segment_num; i++) {
        struct mtree_segment segment = shown->segments[i];

        if (num > 0 && shown->segments[num - 1].first == segment.first) {
            continue;
        }
        while (at < view->range_num && view->ranges[at].last < segment.first) {
            at++;
        }
        if (at < view->range_num && view->ranges[at].first <= segment.first) {
            segment.range = &view->ranges[at];
        }
        shown->segments[num++] = segment;
    }
    shown->segment_num = num;
    return 0;
}

int mtree_shown_new(struct mtree *mtree, const struct mtree_group *group,
                    const struct mtree_view *view, struct mtree_shown **result)
{
    static const struct mtree_view empty = {.range_num = 0};
    struct mtree_shown *shown = calloc(1, sizeof(*shown));
    struct expander expander = {.mtree = mtree, .shown = shown};
    struct mtree_region *root = group->root ? mtree_rep(group->root) : NULL;

    if (!shown) {
        return error_set_errno(mtree->err, ENOMEM, "%s", mtree->tree_text->path);
    }
    if (root) {
        expand(&expander, root,
               (struct part){.base = root->addr, .lo = 0, .hi = UINT64_MAX - root->addr}, NULL, 0);
    }
    if (expander.ret == 0 && make_segments(shown, view ? view : &empty) < 0) {
        expander.ret = error_set_errno(mtree->err, ENOMEM, "%s", mtree->tree_text->path);
    }
    if (expander.ret < 0) {
        mtree_shown_free(shown);
        return expander.ret;
    }
    *result = shown;
    return 0;
}

static void free_places(struct mtree_place *place)
{
    while (place) {
        struct mtree_place *next = place->next;

        free_places(place->child);
        free(place);
        place = next;
    }
}

void mtree_shown_free(struct mtree_shown *shown)
{
    if (shown) {
        free_places(shown->root);
        free(shown->segments);
        free(shown);
    }
}
