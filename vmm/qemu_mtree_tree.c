/*
 * qemu_mtree_tree.c - which block an alias shows, and which lines are one region.
 *
 * QEMU lists the targets of aliases in the order in which it came across them, each once. So the
 * first alias of a name shows that name's first block, and a block can only be new to an alias when
 * all blocks before it have been met. A region is listed at each place it is met; copies have the
 * same place in their container, and the same lines below.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool mtree_spend(struct mtree *mtree, uint64_t steps)
{
    if (mtree->budget < steps) {
        mtree->budget = 0;
        mtree->out_of_budget = true;
        return false;
    }
    mtree->budget -= steps;
    return true;
}

struct mtree_region *mtree_rep(struct mtree_region *region)
{
    while (region->same) {
        if (region->same->same) {
            region->same = region->same->same;
        }
        region = region->same;
    }
    return region;
}

static bool fits_target(const struct mtree_region *alias, const struct mtree_region *block)
{
    hwaddr size = alias->size == UINT64_MAX ? UINT64_MAX : alias->size - 1;

    return block->name == alias->target_name && block->type == alias->type &&
           (block->size == UINT64_MAX ||
            (alias->alias_offset < block->size && size <= block->size - 1 - alias->alias_offset));
}

/*
 * Of the blocks met before, and the next new one, what the alias shows: the one that fits by type
 * and size, the latest if several do. An alias may be larger than its target, so if none fits it
 * is the next new one, or the first met.
 */
static size_t choose_block(struct mtree *mtree, const struct mtree_region *alias, size_t met)
{
    size_t i, next = met, known = SIZE_MAX;

    while (next < mtree->block_num && mtree->blocks[next]->name != alias->target_name) {
        next++;
    }
    if (!mtree_spend(mtree, next + 1)) {
        return SIZE_MAX;
    }
    if (next == met && next < mtree->block_num && fits_target(alias, mtree->blocks[next])) {
        return next;
    }
    for (i = met; i-- > 0;) {
        if (mtree->blocks[i]->name == alias->target_name) {
            known = i;
            if (fits_target(alias, mtree->blocks[i])) {
                return i;
            }
        }
    }
    return next < mtree->block_num ? next : known;
}

static int find_targets(struct mtree *mtree)
{
    size_t i, chosen, met = 0;

    for (i = 0; i < mtree->region_num; i++) {
        struct mtree_region *region = &mtree->regions[i];

        if (!region->target_name) {
            continue;
        }
        chosen = choose_block(mtree, region, met);
        if (chosen == SIZE_MAX && mtree->out_of_budget) {
            return mtree_fail(mtree->err, mtree->tree_text, region->line, "too many aliases");
        }
        if (chosen == SIZE_MAX) {
            return mtree_fail(mtree->err, mtree->tree_text, region->line,
                              "alias of %s, of which the listing has no memory-region block",
                              region->target_name);
        }
        region->target = mtree->blocks[chosen];
        met = chosen >= met ? chosen + 1 : met;
    }
    return 0;
}

/* Two lines, and all below them, say the same. */
static bool alike(struct mtree *mtree, const struct mtree_region *a, const struct mtree_region *b)
{
    const struct mtree_region *child = a->child, *other = b->child;

    if (a == b) {
        return true;
    }
    if (!mtree_spend(mtree, 1) || a->name != b->name || a->addr != b->addr || a->size != b->size ||
        a->priority != b->priority || a->type != b->type || a->enabled != b->enabled ||
        a->nonvolatile != b->nonvolatile || a->target != b->target ||
        a->alias_offset != b->alias_offset) {
        return false;
    }
    while (child && other && alike(mtree, child, other)) {
        child = child->next;
        other = other->next;
    }
    return !child && !other;
}

/* `a` becomes a copy of `b`; the copies below, too. */
static void join(struct mtree_region *a, struct mtree_region *b)
{
    struct mtree_region *child = a->child, *other = b->child;
    struct mtree_region *rep_a = mtree_rep(a), *rep_b = mtree_rep(b);

    for (; child && other; child = child->next, other = other->next) {
        join(child, other);
    }
    if (rep_a == rep_b) {
        return;
    }
    if (!rep_b->parent || (rep_a->parent && rep_a->line < rep_b->line)) {
        rep_b->same = rep_a;
    } else {
        rep_a->same = rep_b;
    }
}

/*
 * The only other region that the root line of a block or a space can be: one below another, or, for
 * a block, the root of a space. NULL: there is none, or there are several.
 */
static struct mtree_region *find_copy(struct mtree *mtree, struct mtree_region *root,
                                      struct mtree_region *first, bool is_block)
{
    struct mtree_region *found = NULL, *other;

    for (other = first; other; other = other->namesake) {
        bool is_space = !other->parent && other->level == 1 && mtree->block_num > 0 &&
                        other->line < mtree->blocks[0]->line;

        if (!mtree_spend(mtree, 1)) {
            return NULL;
        }
        if (mtree_rep(other) == mtree_rep(root) || !(other->parent || (is_block && is_space)) ||
            !alike(mtree, root, other)) {
            continue;
        }
        if (found && mtree_rep(found) != mtree_rep(other)) {
            return NULL;
        }
        found = other;
    }
    return found;
}

static int by_name(const void *a, const void *b)
{
    const struct mtree_region *left = *(struct mtree_region *const *)a;
    const struct mtree_region *right = *(struct mtree_region *const *)b;

    if (left->name != right->name) {
        return (uintptr_t)left->name < (uintptr_t)right->name ? -1 : 1;
    }
    return left->line < right->line ? -1 : 1;
}

/* Chains lines of one name; `sorted` has room for all. Each chain begins at a name's first line. */
static void chain_namesakes(struct mtree *mtree, struct mtree_region **sorted)
{
    size_t i;

    for (i = 0; i < mtree->region_num; i++) {
        sorted[i] = &mtree->regions[i];
    }
    if (mtree->region_num > 0) {
        qsort(sorted, mtree->region_num, sizeof(sorted[0]), by_name);
    }
    for (i = 0; i + 1 < mtree->region_num; i++) {
        sorted[i]->namesake = sorted[i]->name == sorted[i + 1]->name ? sorted[i + 1] : NULL;
    }
}

static struct mtree_region *first_namesake(const struct mtree *mtree, struct mtree_region **sorted,
                                           const struct mtree_region *region)
{
    size_t low = 0, high = mtree->region_num;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if ((uintptr_t)sorted[middle]->name < (uintptr_t)region->name) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return sorted[low];
}

static bool join_root(struct mtree *mtree, struct mtree_region **sorted, struct mtree_region *root,
                      bool is_block)
{
    struct mtree_region *copy;

    if (!root || root->same || root->parent) {
        return false;
    }
    copy = find_copy(mtree, root, first_namesake(mtree, sorted, root), is_block);
    if (!copy) {
        return false;
    }
    join(root, copy);
    return true;
}

/* Each joining may leave one candidate where there were two: until no more comes of it. */
static void join_roots(struct mtree *mtree, struct mtree_region **sorted)
{
    bool again = true;
    size_t i;

    while (again && !mtree->out_of_budget) {
        again = false;
        for (i = 0; i < mtree->block_num; i++) {
            again |= join_root(mtree, sorted, mtree->blocks[i], true);
        }
        for (i = 0; i < mtree->group_num; i++) {
            again |= join_root(mtree, sorted, mtree->groups[i].root, false);
        }
    }
}

/*
 * What a line does not leave open. RAM answers, and says itself whether it is read-only; of the
 * others, QEMU makes aliases read-only, and its listing cannot tell of ROM and RAM devices.
 */
static void settle_plain(struct mtree_region *region)
{
    region->readonly = MTREE_OPEN;
    if (region->target_name) {
        region->answers = region->size == 1 ? MTREE_OPEN : MTREE_YES;
    } else if (region->type == MTREE_IO) {
        region->answers = MTREE_OPEN;
        region->readonly = MTREE_NO;
    } else {
        region->answers = MTREE_YES;
        region->readonly = region->type == MTREE_RAM   ? MTREE_NO
                           : region->type == MTREE_ROM ? MTREE_YES
                                                       : MTREE_OPEN;
    }
}

/* QEMU's root of port I/O answers (reads all ones) where no device does. */
static void assume_port_root(struct mtree *mtree)
{
    static const char name[] = "I/O";
    size_t i, k;

    for (i = 0; i < mtree->group_num; i++) {
        struct mtree_group *group = &mtree->groups[i];
        struct mtree_region *root = group->root ? mtree_rep(group->root) : NULL;

        for (k = 0; k < group->name_num; k++) {
            if (root && strcmp(group->names[k], name) == 0 && root->answers == MTREE_OPEN) {
                root->answers = MTREE_YES;
            }
        }
    }
}

int mtree_resolve(struct mtree *mtree)
{
    struct mtree_region **sorted = calloc(mtree->region_num + 1, sizeof(struct mtree_region *));
    int ret;
    size_t i;

    if (!sorted) {
        return error_set_errno(mtree->err, ENOMEM, "%s", mtree->tree_text->path);
    }
    ret = find_targets(mtree);
    if (ret == 0) {
        chain_namesakes(mtree, sorted);
        join_roots(mtree, sorted);
    }
    for (i = 0; ret == 0 && i < mtree->region_num; i++) {
        settle_plain(&mtree->regions[i]);
    }
    if (ret == 0 && !mtree->flat_text) {
        assume_port_root(mtree);
    }
    free(sorted);
    if (ret == 0 && mtree->out_of_budget) {
        return error_set(mtree->err, EINVAL, "%s: too many regions of one name",
                         mtree->tree_text->path);
    }
    return ret;
}
