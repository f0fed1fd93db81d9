/*
 * explain.c - the walk of render.c for one address. Steps are collected in the order of the walk,
 * since what a region hides is known only after it; then told.
 */
#include "memory/explain.h"

#include <stdlib.h>

#include "memory/internal.h"

/* What the way down to a region has said already. */
struct way {
    unsigned depth;
    bool readonly, via_alias;
    MemoryRegion *disabled;  /* the outermost disabled region, or NULL */
    MemoryRegion *hidden_by; /* a sibling on the way that comes before, or NULL */
    MemoryExplainRule hidden_rule;
};

struct explain {
    struct memory_core *core;
    const AddressSpace *as;
    struct memory_vec steps; /* MemoryExplainStep */
    hwaddr addr;
    size_t winner;   /* index of its step + 1; 0: none yet */
    unsigned looked; /* regions looked at only for what they cut off */
    int result;
};

static void look(struct explain *explain, MemoryRegion *mr, hwaddr offset, struct way way);

static MemoryExplainStep *step_at(const struct explain *explain, size_t index)
{
    return (MemoryExplainStep *)explain->steps.items + index;
}

/* Returns: its index, or SIZE_MAX when there is no room. */
static size_t add_step(struct explain *explain, MemoryRegion *mr, hwaddr offset,
                       const struct way *way)
{
    MemoryExplainStep *step;

    if (explain->steps.num >= MEMORY_EXPLAIN_STEPS_MAX) {
        explain->result = -E2BIG;
        return SIZE_MAX;
    }
    step = memory_vec_add(explain->core, &explain->steps, sizeof(*step));
    if (!step) {
        explain->result = -ENOMEM;
        return SIZE_MAX;
    }
    *step = (MemoryExplainStep){
        .mr = mr,
        .depth = way->depth,
        .first = explain->addr - offset,
        .last = explain->addr - offset + range_last(0, mr->state.size ? mr->state.size : 1),
        .offset = offset,
        .state = MEMORY_EXPLAIN_HOLE,
        .readonly = way->readonly || mr->state.readonly,
        .via_alias = way->via_alias,
    };
    return explain->steps.num - 1;
}

static bool covers(const MemoryRegion *mr, hwaddr offset)
{
    return mr->state.size > 0 && offset <= range_last(0, mr->state.size);
}

/* The children at an offset, first come first. Returns: their number; *list from malloc. */
static size_t children_at(struct explain *explain, const MemoryRegion *mr, hwaddr offset,
                          MemoryRegion ***list)
{
    struct itree_node *node, *start = itree_overlap_first(&mr->children, offset, offset);
    size_t num = 0;

    for (node = start; node; node = itree_overlap_next(node, offset, offset)) {
        num++;
    }
    *list = num > 0 ? memory_alloc(explain->core, num * sizeof(MemoryRegion *)) : NULL;
    if (!*list) {
        explain->result = num > 0 ? -ENOMEM : explain->result;
        return 0;
    }
    num = 0;
    for (node = start; node; node = itree_overlap_next(node, offset, offset)) {
        (*list)[num++] = itree_entry(node, MemoryRegion, sibling);
    }
    qsort(*list, num, sizeof(MemoryRegion *), region_by_precedence);
    return num;
}

/* `mr` ends before `offset`: tells of what it would show there if it did not. */
static void look_beyond(struct explain *explain, MemoryRegion *mr, hwaddr offset, struct way way)
{
    struct itree_node *node;
    size_t index;

    way.depth++;
    way.via_alias = false;
    for (node = itree_first(&mr->children); node; node = itree_next(node)) {
        MemoryRegion *child = itree_entry(node, MemoryRegion, sibling);

        if (++explain->looked > MEMORY_EXPLAIN_STEPS_MAX || offset < child->state.addr) {
            return; /* those that follow begin even later */
        }
        if (covers(child, offset - child->state.addr)) {
            index = add_step(explain, child, offset - child->state.addr, &way);
            if (index != SIZE_MAX) {
                step_at(explain, index)->state = MEMORY_EXPLAIN_CLIPPED;
                step_at(explain, index)->by = mr;
            }
        } else if (child->children.root) {
            look_beyond(explain, child, offset - child->state.addr, way);
        }
    }
}

/* Containers that do not reach the address, but have something in them that would. */
static void look_into_others(struct explain *explain, MemoryRegion *mr, hwaddr offset,
                             struct way way)
{
    struct itree_node *node = itree_first(&mr->children);

    way.depth++;
    for (; node && explain->looked < MEMORY_EXPLAIN_STEPS_MAX; node = itree_next(node)) {
        MemoryRegion *child = itree_entry(node, MemoryRegion, sibling);

        explain->looked++;
        if (offset >= child->state.addr && child->children.root &&
            !covers(child, offset - child->state.addr)) {
            look_beyond(explain, child, offset - child->state.addr, way);
        }
    }
}

static MemoryExplainRule rule_between(const MemoryRegion *before, const MemoryRegion *after)
{
    return before->state.priority > after->state.priority ? MEMORY_EXPLAIN_PRIORITY
                                                          : MEMORY_EXPLAIN_NEWEST;
}

/* Returns: the child that answers, or NULL. */
static MemoryRegion *look_into(struct explain *explain, MemoryRegion *mr, hwaddr offset,
                               struct way way)
{
    MemoryRegion **list, *answers = NULL;
    size_t i, num = children_at(explain, mr, offset, &list);
    unsigned depth = way.depth;

    way.depth++;
    way.via_alias = false;
    for (i = 0; i < num; i++) {
        size_t winner = explain->winner;
        struct way below = way;

        if (answers && !below.hidden_by) {
            below.hidden_by = answers;
            below.hidden_rule = rule_between(answers, list[i]);
        }
        look(explain, list[i], offset - list[i]->state.addr, below);
        if (winner == 0 && explain->winner > 0) {
            answers = list[i];
        }
    }
    free(list);
    way.depth = depth;
    look_into_others(explain, mr, offset, way);
    return answers;
}

static void look_through(struct explain *explain, MemoryRegion *mr, hwaddr offset, struct way way)
{
    MemoryRegion *target = mr->alias;
    hwaddr in_target;

    if (__builtin_add_overflow(offset, mr->state.alias_offset, &in_target)) {
        return;
    }
    way.depth++;
    if (covers(target, in_target)) {
        way.via_alias = true;
        look(explain, target, in_target, way);
    } else {
        look_beyond(explain, target, in_target, way);
    }
}

/* A region that answers accesses itself, where no child of it does. */
static void answer(struct explain *explain, size_t index, const struct way *way,
                   MemoryRegion *child)
{
    MemoryExplainStep *step = step_at(explain, index);

    if (way->hidden_by) {
        step->state = MEMORY_EXPLAIN_HIDDEN;
        step->by = way->hidden_by;
        step->rule = way->hidden_rule;
    } else if (child) {
        step->state = MEMORY_EXPLAIN_HIDDEN;
        step->by = child;
        step->rule = MEMORY_EXPLAIN_CHILD;
    } else {
        step->state = MEMORY_EXPLAIN_WINS;
        explain->winner = index + 1;
    }
}

/* A container or alias, after what is below it was looked at. */
static void pass(struct explain *explain, size_t index, const struct way *way, size_t winner)
{
    MemoryExplainStep *step = step_at(explain, index);

    if (way->hidden_by) {
        step->state = MEMORY_EXPLAIN_HIDDEN;
        step->by = way->hidden_by;
        step->rule = way->hidden_rule;
    } else if (winner == 0 && explain->winner > 0) {
        step->state = MEMORY_EXPLAIN_PASSES;
    }
}

static void look(struct explain *explain, MemoryRegion *mr, hwaddr offset, struct way way)
{
    size_t winner = explain->winner, index;
    MemoryRegion *child = NULL;

    if (mr->beneath == explain->as || mr->state.size == 0) {
        return; /* not shown in this space, or nowhere */
    }
    index = add_step(explain, mr, offset, &way);
    if (index == SIZE_MAX || way.depth > RENDER_DEPTH_MAX) {
        return;
    }
    if (!mr->state.enabled && !way.disabled) {
        way.disabled = mr;
    }
    way.readonly |= mr->state.readonly;
    if (mr->alias) {
        look_through(explain, mr, offset, way);
    } else {
        child = look_into(explain, mr, offset, way);
    }
    if (way.disabled) {
        step_at(explain, index)->state = MEMORY_EXPLAIN_DISABLED;
        step_at(explain, index)->by = way.disabled;
    } else if (memory_region_terminates(mr)) {
        answer(explain, index, &way, child);
    } else {
        pass(explain, index, &way, winner);
    }
}

/* What the winner came before: the first region that would have answered in its place. */
static void name_loser(struct explain *explain)
{
    MemoryExplainStep *winner = explain->winner ? step_at(explain, explain->winner - 1) : NULL;
    size_t i;

    for (i = 0; winner && i < explain->steps.num; i++) {
        const MemoryExplainStep *step = step_at(explain, i);

        if (step->state == MEMORY_EXPLAIN_HIDDEN && memory_region_terminates(step->mr)) {
            winner->rule = step->rule;
            winner->by = step->mr;
            return;
        }
    }
}

int memory_explain(AddressSpace *as, hwaddr addr,
                   void (*tell)(void *opaque, const MemoryExplainStep *step), void *opaque)
{
    struct explain explain = {.core = as->core, .as = as, .addr = addr};
    MemoryRegion *root = as->root;
    size_t i;

    pthread_mutex_lock(&as->core->lock);
    if (addr >= root->state.addr && covers(root, addr - root->state.addr)) {
        look(&explain, root, addr - root->state.addr, (struct way){0});
    }
    name_loser(&explain);
    for (i = 0; i < explain.steps.num && explain.result != -ENOMEM; i++) {
        tell(opaque, step_at(&explain, i));
    }
    free(explain.steps.items);
    pthread_mutex_unlock(&as->core->lock);
    return explain.result;
}
