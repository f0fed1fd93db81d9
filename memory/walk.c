/*
 * walk.c - regions are visited parents first. Those that aliases show are noted on the way, each
 * once, and get a tree of their own when the spaces' trees are done.
 */
#include "memory/walk.h"

#include <stdlib.h>

#include "memory/internal.h"

struct walk {
    struct memory_core *core;
    const MemoryTreeVisitor *visitor;
    void *opaque;
    uint64_t stamp;
    struct memory_vec targets; /* MemoryRegion *, of aliases visited */
};

static int by_place(const void *a, const void *b)
{
    const MemoryRegion *left = *(MemoryRegion *const *)a, *right = *(MemoryRegion *const *)b;

    if (left->state.addr != right->state.addr) {
        return left->state.addr < right->state.addr ? -1 : 1;
    }
    return region_by_precedence(a, b);
}

static void note_target(struct walk *walk, MemoryRegion *target)
{
    MemoryRegion **slot;

    if (target->visit == walk->stamp) {
        return;
    }
    slot = memory_vec_add(walk->core, &walk->targets, sizeof(MemoryRegion *));
    if (slot) {
        target->visit = walk->stamp;
        *slot = target;
    }
}

static void visit(struct walk *walk, const MemoryTreeNode *node);

static void visit_children(struct walk *walk, const MemoryTreeNode *parent)
{
    const struct itree *children = &parent->mr->children;
    MemoryRegion **list = memory_alloc(walk->core, children->num * sizeof(MemoryRegion *));
    struct itree_node *node = itree_first(children);
    size_t i, num = 0;

    for (; list && node; node = itree_next(node)) {
        list[num++] = itree_entry(node, MemoryRegion, sibling);
    }
    if (num) {
        qsort(list, num, sizeof(list[0]), by_place);
    }
    for (i = 0; i < num; i++) {
        const MemoryTreeNode child = {
            .mr = list[i],
            .depth = parent->depth + 1,
            .first = parent->first + list[i]->state.addr,
            .live = parent->live && list[i]->state.enabled,
        };

        visit(walk, &child);
    }
    free(list);
}

static void visit(struct walk *walk, const MemoryTreeNode *node)
{
    if (!node->mr->state.enabled && !walk->visitor->disabled) {
        return; /* and nothing below it is live */
    }
    walk->visitor->region(walk->opaque, node);
    if (node->mr->alias) {
        note_target(walk, node->mr->alias);
    }
    if (node->mr->children.num) {
        visit_children(walk, node);
    }
}

static void visit_tree(struct walk *walk, AddressSpace *as, MemoryRegion *root)
{
    const MemoryTree tree = {.as = as, .root = root};
    const MemoryTreeNode node = {
        .mr = root, .first = root->state.addr, .live = root->state.enabled};

    if (walk->visitor->begin) {
        walk->visitor->begin(walk->opaque, &tree);
    }
    visit(walk, &node);
    if (walk->visitor->end) {
        walk->visitor->end(walk->opaque);
    }
}

static bool is_first_of_root(const struct memory_core *core, const AddressSpace *as)
{
    const AddressSpace *first = core->spaces;

    while (first->root != as->root) {
        first = first->next;
    }
    return first == as;
}

AddressSpace *memory_next_space(const AddressSpace *as)
{
    AddressSpace *next = as->next;

    while (next && next->root != as->root) {
        next = next->next;
    }
    return next;
}

void memory_walk_trees(struct memory_core *core, const MemoryTreeVisitor *visitor, void *opaque)
{
    struct walk walk = {.core = core, .visitor = visitor, .opaque = opaque};
    AddressSpace *as;
    size_t i;

    pthread_mutex_lock(&core->lock);
    walk.stamp = ++core->seq;
    for (as = core->spaces; as; as = as->next) {
        if (is_first_of_root(core, as)) {
            visit_tree(&walk, as, as->root);
        }
    }
    for (i = 0; i < walk.targets.num; i++) {
        visit_tree(&walk, NULL, ((MemoryRegion **)walk.targets.items)[i]);
    }
    pthread_mutex_unlock(&core->lock);
    free(walk.targets.items);
}

void memory_walk_spaces(struct memory_core *core,
                        void (*space)(void *opaque, AddressSpace *as, bool first), void *opaque)
{
    AddressSpace *as;

    pthread_mutex_lock(&core->lock);
    for (as = core->spaces; as; as = as->next) {
        space(opaque, as, is_first_of_root(core, as));
    }
    pthread_mutex_unlock(&core->lock);
}

void memory_walk_blocks(struct memory_core *core,
                        void (*block)(void *opaque, const RAMBlock *block), void *opaque)
{
    struct itree_node *node;

    pthread_mutex_lock(&core->lock);
    for (node = itree_first(&core->ram.by_offset); node; node = itree_next(node)) {
        block(opaque, itree_entry(node, RAMBlock, by_offset));
    }
    pthread_mutex_unlock(&core->lock);
}

MemoryRegionInfo memory_region_info(const MemoryRegion *mr)
{
    const struct memory_region_state *state = &mr->state;

    return (MemoryRegionInfo){
        .kind = mr->kind,
        .name = mr->name,
        .owner = mr->owner ? mr->owner->name : NULL,
        .size = state->size,
        .priority = state->priority,
        .enabled = state->enabled,
        .readonly = state->readonly,
        .romd_mode = state->romd_mode,
        .nonvolatile = state->nonvolatile,
        .unmergeable = state->unmergeable,
        .lockless = mr->lockless,
        .reentrant = mr->reentrant,
        .flush_coalesced = mr->flush_coalesced,
        .dirty_log_mask = state->dirty_log_mask,
        .alias = mr->alias,
        .alias_offset = state->alias_offset,
        .block = mr->ram_block,
        .ops = mr->ops,
        .eventfd_num = state->eventfds ? state->eventfds->num : 0,
        .coalesced_num = state->coalesced ? state->coalesced->num : 0,
        .refs = atomic_load_explicit(&mr->refs, memory_order_relaxed),
    };
}

const char *memory_region_kind_name(enum memory_region_kind kind)
{
    static const char *const names[] = {
        [MEMORY_REGION_CONTAINER] = "container",
        [MEMORY_REGION_RAM] = "ram",
        [MEMORY_REGION_ROM_DEVICE] = "rom-device",
        [MEMORY_REGION_RAM_DEVICE] = "ram-device",
        [MEMORY_REGION_IO] = "io",
        [MEMORY_REGION_RESERVATION] = "reservation",
        [MEMORY_REGION_ALIAS] = "alias",
        [MEMORY_REGION_IOMMU] = "iommu",
    };

    return names[kind];
}
