/*
 * qemu_mtree_mount.c - hangs acre's regions into each other, the oldest first, so that the newest
 * of equals wins; and copies what an alias shows of a container that holds the alias itself.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <stdlib.h>

static int by_age(const void *a, const void *b)
{
    const struct mtree_region *left = *(struct mtree_region *const *)a;
    const struct mtree_region *right = *(struct mtree_region *const *)b;

    if (left->addr != right->addr) {
        return left->addr < right->addr ? -1 : 1;
    }
    return left->place > right->place ? -1 : left->place < right->place;
}

/* No sibling that must be older comes later in the list and waits. */
static bool is_next(const struct mtree *mtree, struct mtree_region **list, size_t num, size_t at)
{
    const struct mtree_region *region = list[at];
    size_t i;

    for (i = 0; i < num; i++) {
        if (i != at && !list[i]->mounted && list[i]->priority == region->priority &&
            mtree_over(mtree, region, list[i]) == MTREE_YES) {
            return false;
        }
    }
    return true;
}

/*
 * The children of a container in order of age, in a list that the caller frees: the higher address
 * is the newer, but where the listing said otherwise. An order that bites its own tail fits no
 * tree; then the rest comes as it is.
 */
static struct mtree_region **order_children(struct mtree *mtree, const struct mtree_region *parent,
                                            size_t *num)
{
    struct mtree_region **list, **ordered, *child;
    bool any = mtree->order_num == 0;
    size_t done = 0, before, i;

    *num = 0;
    for (child = parent->child; child; child = child->next) {
        (*num)++;
    }
    list = calloc(2 * *num + 1, sizeof(struct mtree_region *));
    if (!list) {
        return NULL;
    }
    ordered = list + *num;
    for (child = parent->child, i = 0; child; child = child->next, i++) {
        list[i] = mtree_rep(child);
        list[i]->mounted = false;
    }
    qsort(list, *num, sizeof(list[0]), by_age);
    while (done < *num) {
        before = done;
        for (i = 0; i < *num; i++) {
            if (!list[i]->mounted &&
                (any || !mtree_spend(mtree, *num) || is_next(mtree, list, *num, i))) {
                list[i]->mounted = true;
                ordered[done++] = list[i];
            }
        }
        any = done == before;
    }
    for (i = 0; i < *num; i++) {
        list[i] = ordered[i];
    }
    return list;
}

static int mount(struct mtree *mtree, MemoryRegion *container, const struct mtree_region *child,
                 MemoryRegion *mr)
{
    int ret = memory_region_add_subregion_overlap(container, child->addr, mr, child->priority);

    return ret < 0 ? mtree_build_fail(mtree, child, -ret) : 0;
}

int mtree_mount_all(struct mtree *mtree)
{
    struct mtree_region **list;
    size_t i, k, num;
    int ret = 0;

    for (i = 0; i < mtree->region_num && ret == 0; i++) {
        struct mtree_region *region = &mtree->regions[i];

        if (region->same || !region->child) {
            continue;
        }
        list = order_children(mtree, region, &num);
        ret = list ? 0 : mtree_build_fail(mtree, region, ENOMEM);
        for (k = 0; k < num && ret == 0; k++) {
            ret = mount(mtree, mtree_inside(region->built), list[k], &list[k]->built->outer.mr);
        }
        free(list);
    }
    return ret;
}

/* ---- maps that contain themselves ---- */

/*
 * Whether the way down from `region`, through children and aliases, leads to `alias`. A way that is
 * too long is taken for one: the copy that it asks for will say so.
 */
static bool leads_to(struct mtree *mtree, struct mtree_region *region,
                     const struct mtree_region *alias, unsigned stamp, unsigned depth)
{
    struct mtree_region *child;

    region = mtree_rep(region);
    if (region == alias || depth > 2 * MTREE_DEPTH_MAX) {
        return true;
    }
    if (region->visit == stamp || !mtree_spend(mtree, 1)) {
        return false;
    }
    region->visit = stamp;
    if (region->target) {
        return leads_to(mtree, region->target, alias, stamp, depth + 1);
    }
    for (child = region->child; child; child = child->next) {
        if (leads_to(mtree, child, alias, stamp, depth + 1)) {
            return true;
        }
    }
    return false;
}

void mtree_find_loops(struct mtree *mtree)
{
    unsigned stamp = 0;
    size_t i;

    for (i = 0; i < mtree->region_num; i++) {
        struct mtree_region *region = &mtree->regions[i];

        if (!region->same && region->target) {
            region->loops = leads_to(mtree, region->target, region, ++stamp, 0);
        }
    }
}

/* Offsets of a region that are wanted; never wraps. */
struct window {
    hwaddr lo, hi;
};

static int copy(struct mtree *mtree, const struct mtree_region *region, struct window window,
                unsigned depth, MemoryRegion **result);

static int copy_children(struct mtree *mtree, const struct mtree_region *region,
                         struct window window, unsigned depth, MemoryRegion *container)
{
    MemoryRegion *mr;
    size_t num, i;
    struct mtree_region **list = order_children(mtree, region, &num);
    int ret = list ? 0 : mtree_build_fail(mtree, region, ENOMEM);

    for (i = 0; i < num && ret == 0; i++) {
        const struct mtree_region *child = list[i];
        hwaddr addr = child->addr;
        struct window below = {window.lo > addr ? window.lo - addr : 0, window.hi - addr};

        if (!child->enabled || addr > window.hi || below.lo > range_last(0, child->size)) {
            continue;
        }
        ret = copy(mtree, child, below, depth + 1, &mr);
        ret = ret ? ret : mount(mtree, container, child, mr);
    }
    free(list);
    return ret;
}

static int copy_alias(struct mtree *mtree, const struct mtree_region *alias, struct window window,
                      unsigned depth, MemoryRegion **target)
{
    const struct mtree_region *region = mtree_rep(alias->target);

    if (__builtin_add_overflow(window.lo, alias->alias_offset, &window.lo)) {
        window = (struct window){UINT64_MAX, UINT64_MAX};
    } else if (__builtin_add_overflow(window.hi, alias->alias_offset, &window.hi)) {
        window.hi = UINT64_MAX;
    }
    if (region->built->done) {
        *target = &region->built->outer.mr;
        return 0;
    }
    return copy(mtree, region, window, depth + 1, target);
}

static int copy(struct mtree *mtree, const struct mtree_region *region, struct window window,
                unsigned depth, MemoryRegion **result)
{
    hwaddr last = range_last(0, region->size);
    struct mtree_built *built;
    MemoryRegion *target = NULL;
    int ret = 0;

    if (depth > MTREE_DEPTH_MAX || mtree->copy_num == MTREE_PLACES_MAX || !mtree_spend(mtree, 1)) {
        return mtree_build_fail(mtree, region, ELOOP);
    }
    window.hi = window.hi > last ? last : window.hi;
    built = calloc(1, sizeof(*built));
    if (!built) {
        return mtree_build_fail(mtree, region, ENOMEM);
    }
    built->next = mtree->copies;
    mtree->copies = built;
    mtree->copy_num++;
    if (region->target) {
        ret = copy_alias(mtree, region, window, depth, &target);
    }
    ret = ret ? ret : mtree_init_region(mtree, region, built, target);
    if (ret == 0 && !region->target) {
        ret = copy_children(mtree, region, window, depth, mtree_inside(built));
    }
    *result = &built->outer.mr;
    return ret;
}

int mtree_copy_target(struct mtree *mtree, const struct mtree_region *alias, MemoryRegion **result)
{
    const struct window window = {alias->alias_offset,
                                  range_last(alias->alias_offset, alias->size)};

    return copy(mtree, mtree_rep(alias->target), window, 0, result);
}
