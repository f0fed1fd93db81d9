/*
 * region.c - making, counting and ending regions.
 *
 * Mounts, aliases, spaces, views and callers each hold a reference. Views give theirs up on the RCU
 * worker, after their readers left, so when the last reference goes nobody can still be looking;
 * the destructor is queued all the same, because the caller may hold the very lock it frees.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct rcu_head) <= sizeof(((MemoryRegion *)0)->rcu), "rcu_head fits");

void *memory_alloc(struct memory_core *core, size_t size)
{
    if (core->fail_alloc && --core->fail_alloc == 0) {
        return NULL;
    }
    return calloc(1, size);
}

void *memory_vec_add(struct memory_core *core, struct memory_vec *vec, size_t item_size)
{
    if (vec->num == vec->max) {
        size_t max = vec->max ? vec->max * 2 : 4;
        void *items = memory_alloc(core, max * item_size);

        if (!items) {
            return NULL;
        }
        if (vec->num) {
            memcpy(items, vec->items, vec->num * item_size);
        }
        free(vec->items);
        vec->items = items;
        vec->max = max;
    }
    return (char *)vec->items + item_size * vec->num++;
}

int region_init(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner, const char *name,
                uint64_t size, enum memory_region_kind kind)
{
    char *copy;

    pthread_mutex_lock(&core->lock);
    copy = memory_alloc(core, strlen(name) + 1);
    pthread_mutex_unlock(&core->lock);
    *mr = (MemoryRegion){0};
    if (!copy) {
        return -ENOMEM;
    }
    strcpy(copy, name);
    *mr = (MemoryRegion){
        .kind = kind,
        .core = core,
        .owner = owner,
        .name = copy,
        .refs = 1,
        .state = {.size = size, .enabled = true, .romd_mode = true},
    };
    return 0;
}

int memory_region_init(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                       const char *name, uint64_t size)
{
    return region_init(mr, core, owner, name, size, MEMORY_REGION_CONTAINER);
}

static bool ops_complete(const MemoryRegionOps *ops)
{
    return (ops->read || ops->read_with_attrs) && (ops->write || ops->write_with_attrs);
}

int memory_region_init_io(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                          const MemoryRegionOps *ops, void *opaque, const char *name, uint64_t size)
{
    int ret;

    if (!ops_complete(ops)) {
        *mr = (MemoryRegion){0};
        return -EINVAL;
    }
    ret = region_init(mr, core, owner, name, size, MEMORY_REGION_IO);
    if (!ret) {
        mr->ops = ops;
        mr->unit_sizes = region_unit_sizes(ops);
        mr->opaque = opaque;
    }
    return ret;
}

int memory_region_init_reservation(MemoryRegion *mr, struct memory_core *core, MemoryOwner *owner,
                                   const char *name, uint64_t size)
{
    return region_init(mr, core, owner, name, size, MEMORY_REGION_RESERVATION);
}

static int init_backed(MemoryRegion *mr, MemoryOwner *owner, const char *name, RAMBlock *block,
                       enum memory_region_kind kind)
{
    int ret = region_init(mr, block->core, owner, name, block->used_length, kind);

    if (!ret) {
        mr->ram_block = block;
        mr->host = block->host;
        mr->state.readonly = block->readonly;
    }
    return ret;
}

int memory_region_init_ram(MemoryRegion *mr, MemoryOwner *owner, const char *name, RAMBlock *block)
{
    return init_backed(mr, owner, name, block, MEMORY_REGION_RAM);
}

int memory_region_init_rom(MemoryRegion *mr, MemoryOwner *owner, const char *name, RAMBlock *block)
{
    int ret = init_backed(mr, owner, name, block, MEMORY_REGION_RAM);

    if (!ret) {
        mr->state.readonly = true;
    }
    return ret;
}

int memory_region_init_rom_device(MemoryRegion *mr, MemoryOwner *owner, const MemoryRegionOps *ops,
                                  void *opaque, const char *name, RAMBlock *block)
{
    int ret;

    if (!ops_complete(ops)) {
        *mr = (MemoryRegion){0};
        return -EINVAL;
    }
    ret = init_backed(mr, owner, name, block, MEMORY_REGION_ROM_DEVICE);
    if (!ret) {
        mr->ops = ops;
        mr->opaque = opaque;
        mr->state.readonly = false;
    }
    return ret;
}

int memory_region_init_ram_device(MemoryRegion *mr, MemoryOwner *owner, const char *name,
                                  RAMBlock *block)
{
    return init_backed(mr, owner, name, block, MEMORY_REGION_RAM_DEVICE);
}

int memory_region_init_alias(MemoryRegion *mr, MemoryOwner *owner, const char *name,
                             MemoryRegion *target, hwaddr offset, uint64_t size)
{
    int ret = region_init(mr, target->core, owner, name, size, MEMORY_REGION_ALIAS);

    if (!ret) {
        mr->alias = region_get(target);
        mr->state.alias_offset = offset;
        pthread_mutex_lock(&mr->core->lock);
        region_attach(mr);
        pthread_mutex_unlock(&mr->core->lock);
    }
    return ret;
}

void region_attach(MemoryRegion *mr)
{
    const struct memory_region_state *state = &mr->state;
    uint64_t size = state->size ? state->size : 1; /* an empty region keeps its place */

    if (state->container) {
        mr->sibling.first = state->addr;
        mr->sibling.last = range_last(state->addr, size);
        itree_insert(&state->container->children, &mr->sibling);
    }
    if (mr->alias) {
        mr->alias_link.first = state->alias_offset;
        mr->alias_link.last = range_last(state->alias_offset, size);
        itree_insert(&mr->alias->aliases, &mr->alias_link);
    }
}

void region_detach(MemoryRegion *mr)
{
    if (mr->state.container) {
        itree_remove(&mr->state.container->children, &mr->sibling);
    }
    if (mr->alias) {
        itree_remove(&mr->alias->aliases, &mr->alias_link);
    }
}

MemoryRegion *region_get(MemoryRegion *mr)
{
    atomic_fetch_add_explicit(&mr->refs, 1, memory_order_relaxed);
    return mr;
}

/* Is the caller's reference a matter of the open transaction? Then the region is in its list. */
static bool note_refs(MemoryRegion *mr)
{
    if (!core_held_by_me(mr->core) || mr->core->in_commit) {
        return false;
    }
    if (!mr->refs_noted) {
        mr->refs_noted = true;
        mr->refs_next = mr->core->transaction->counted;
        mr->core->transaction->counted = mr;
    }
    return true;
}

MemoryRegion *memory_region_ref(MemoryRegion *mr)
{
    mr->taken_refs += note_refs(mr);
    return region_get(mr);
}

static void let_go_of_tree(MemoryRegion *mr)
{
    struct itree_node *node;

    pthread_mutex_lock(&mr->core->lock);
    while ((node = itree_first(&mr->children)) != NULL) {
        MemoryRegion *child = itree_entry(node, MemoryRegion, sibling);

        itree_remove(&mr->children, node);
        child->state.container = NULL;
        region_put(child);
    }
    if (mr->alias) {
        itree_remove(&mr->alias->aliases, &mr->alias_link);
    }
    pthread_mutex_unlock(&mr->core->lock);
}

static void destroy(struct rcu_head *head)
{
    MemoryRegion *mr = itree_entry(head, MemoryRegion, rcu);
    MemoryRegion *alias;
    struct memory_core *core;
    void (*destructor)(MemoryRegion *);

    rcu_reclaim_begins();
    alias = mr->alias;
    core = mr->core;
    destructor = mr->destructor;
    let_go_of_tree(mr);
    ram_block_unref(mr->ram_block);
    free(mr->state.eventfds);
    free(mr->state.coalesced);
    free(mr->iommu);
    free(mr->name);
    mr->core = NULL;
    if (destructor) {
        destructor(mr);
    }
    if (alias) {
        region_put(alias);
    }
    atomic_fetch_sub(&core->dying, 1);
    rcu_reclaim_ends();
}

void memory_region_unref(MemoryRegion *mr)
{
    if (!mr || !mr->core) {
        return;
    }
    if (!note_refs(mr)) {
        region_put(mr);
    } else if (mr->taken_refs) {
        mr->taken_refs--;
        region_put(mr);
    } else {
        mr->deferred_unrefs++;
    }
}

void region_put(MemoryRegion *mr)
{
    if (atomic_fetch_sub_explicit(&mr->refs, 1, memory_order_acq_rel) == 1) {
        atomic_fetch_add(&mr->core->dying, 1);
        rcu_defer((struct rcu_head *)(void *)&mr->rcu, destroy);
    }
}

void memory_region_set_destructor(MemoryRegion *mr, void (*destructor)(MemoryRegion *mr),
                                  void *opaque)
{
    mr->destructor = destructor;
    mr->destructor_opaque = opaque;
}

void memory_region_set_lockless(MemoryRegion *mr, bool lockless)
{
    mr->lockless = lockless;
}

void memory_region_set_reentrant(MemoryRegion *mr, bool reentrant)
{
    mr->reentrant = reentrant;
}

void memory_region_set_beneath(MemoryRegion *mr, AddressSpace *beneath, hwaddr offset)
{
    mr->beneath = beneath;
    mr->beneath_offset = offset;
}

void memory_region_set_flush_coalesced(MemoryRegion *mr, bool flush)
{
    mr->flush_coalesced = flush;
    mr->unit_sizes = mr->kind == MEMORY_REGION_IO && !flush ? region_unit_sizes(mr->ops) : 0;
}

bool memory_region_is_ram(const MemoryRegion *mr)
{
    return mr->kind == MEMORY_REGION_RAM || mr->kind == MEMORY_REGION_RAM_DEVICE;
}

bool memory_region_is_rom(const MemoryRegion *mr)
{
    return memory_region_is_ram(mr) && mr->state.readonly;
}

bool memory_region_is_romd(const MemoryRegion *mr)
{
    return mr->kind == MEMORY_REGION_ROM_DEVICE && mr->state.romd_mode;
}

bool memory_region_is_mapped(const MemoryRegion *mr)
{
    struct itree_node *node;

    if (mr->state.container || mr->spaces) {
        return true;
    }
    for (node = itree_first(&mr->aliases); node; node = itree_next(node)) {
        if (memory_region_is_mapped(itree_entry(node, MemoryRegion, alias_link))) {
            return true;
        }
    }
    return false;
}

bool memory_region_terminates(const MemoryRegion *mr)
{
    return mr->kind != MEMORY_REGION_CONTAINER && mr->kind != MEMORY_REGION_ALIAS;
}

void *memory_region_get_ram_ptr(const MemoryRegion *mr)
{
    return mr->host;
}
