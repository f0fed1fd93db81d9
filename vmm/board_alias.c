/*
 * board_alias.c - aliases: what they show may come later in the tree, and may be aliases, too. Each
 * is made by going down to what is there, and back up.
 */
#include "vmm/board_build.h"

#include <errno.h>

enum { ALIASES_MAX = 64 /* of each other */ };

int board_alias_build(struct board *board, const struct part_class *part_class,
                      const struct site *site, struct error *err)
{
    char name[PART_NAME_SIZE];
    struct part *part;
    int ret = board_region_new(board, part_class, site, name, &part, err);

    if (ret == 0) {
        ret = tree_u64(&board->tree, site->node, "acre,offset", 0, &part->alias_offset, err);
    }
    if (ret == 0) {
        ret = part->shows = tree_target(&board->tree, site->node, "acre,target", err);
    }
    return ret < 0 ? ret : 0;
}

static int make_alias(struct board *board, struct part *part, const struct part *target,
                      struct error *err)
{
    MemoryRegion *mr = (void *)part->state;
    char name[PART_NAME_SIZE];
    int ret = board_region_name(board, part->node, name, err);

    part->alias_depth = target->alias_depth + 1;
    if (part->alias_depth > ALIASES_MAX) {
        return tree_error(&board->tree, part->node, "acre,target", err,
                          "the end of more than %d aliases of each other", ALIASES_MAX);
    }
    if (ret == 0) {
        ret = memory_region_init_alias(mr, NULL, name, target->target, part->alias_offset,
                                       part->mounts[0].size);
    }
    if (ret < 0) {
        return ret;
    }
    part->initialised = true;
    part->target = mr;
    return board_set_readonly(board, part->node, mr);
}

/* Makes an alias, and before it those that it shows. */
static int make_with_targets(struct board *board, struct part *part, struct error *err)
{
    struct part *target;
    int ret = 0;

    part->awaited = true;
    for (;;) {
        target = board_part_of_node(board, part->shows);
        if (!target) {
            return tree_error(&board->tree, part->node, "acre,target", err,
                              "names a node that has no region");
        }
        if (target->awaited) {
            return tree_error(&board->tree, target->node, "acre,target", err,
                              "leads back to this alias");
        }
        if (target->target) {
            break;
        }
        target->awaited = true;
        target->waiter = part;
        part = target;
    }
    for (; part && ret == 0; part = part->waiter) {
        ret = make_alias(board, part, target, err);
        part->awaited = false;
        target = part;
    }
    return ret;
}

int board_make_aliases(struct board *board, struct error *err)
{
    struct part *part;
    int ret = 0;

    for (part = board->parts; part && ret == 0; part = part->next) {
        if (part->class->build == board_alias_build && !part->target) {
            ret = make_with_targets(board, part, err);
        }
    }
    return ret;
}
