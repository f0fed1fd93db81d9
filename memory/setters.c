/*
 * setters.c - the edits of the tree.
 *
 * All have one shape: open a transaction, note the region as it is, mark what it shows, change it,
 * mark what it shows now, commit. A value that stands already costs nothing and tells nobody.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

/* Closes what a setter opened. A setter that failed changed nothing; its own error is told. */
int setter_finish(MemoryRegion *mr, int ret)
{
    int committed = memory_region_transaction_commit(mr->core);

    return ret ? ret : committed;
}

/* What the region shows in its container alone. */
static void mark_place(MemoryRegion *mr)
{
    if (mr->state.container && mr->state.enabled && mr->state.size) {
        region_mark_dirty(mr->state.container, mr->state.addr,
                          range_last(mr->state.addr, mr->state.size));
    }
}

/* A space shows its root from the root's own address on, which is about to change or just did. */
static void mark_as_root(MemoryRegion *mr)
{
    if (mr->spaces) {
        region_mark_dirty_whole(mr);
    }
}

/*
 * Is `wanted` met on the way up from `mr`, through containers and through aliases? Then mounting
 * wanted, or an alias of it, below mr would close a circle. A way over far more aliases than may be
 * drawn counts as one.
 */
#define ABOVE_DEPTH_MAX (16U * RENDER_DEPTH_MAX)
static bool is_above(MemoryRegion *mr, const MemoryRegion *wanted, uint64_t stamp, unsigned depth)
{
    struct itree_node *node;

    for (; mr; mr = mr->state.container) {
        if (mr == wanted || depth > ABOVE_DEPTH_MAX) {
            return true;
        }
        if (mr->visit == stamp) {
            return false;
        }
        mr->visit = stamp;
        for (node = itree_first(&mr->aliases); node; node = itree_next(node)) {
            if (is_above(itree_entry(node, MemoryRegion, alias_link), wanted, stamp, depth + 1)) {
                return true;
            }
        }
    }
    return false;
}

static int may_mount(MemoryRegion *container, const MemoryRegion *child)
{
    struct memory_core *core = container->core;

    if (container->alias || child->core != core) {
        return -EINVAL;
    }
    if (child->state.container) {
        return -EBUSY;
    }
    if ((child->alias || child->children.root || child == container) &&
        is_above(container, child, ++core->seq, 0)) {
        return -ELOOP;
    }
    return 0;
}

int memory_region_add_subregion_overlap(MemoryRegion *container, hwaddr offset, MemoryRegion *child,
                                        int32_t priority)
{
    int ret;

    memory_region_transaction_begin(container->core);
    ret = may_mount(container, child);
    ret = ret ? ret : undo_save(child, "add_subregion");
    if (!ret) {
        mark_as_root(child);
        region_detach(child);
        child->state.container = container;
        child->state.addr = offset;
        child->state.priority = priority;
        child->state.seq = ++container->core->seq;
        region_get(child);
        region_attach(child);
        mark_place(child);
        mark_as_root(child);
    }
    return setter_finish(container, ret);
}

int memory_region_add_subregion(MemoryRegion *container, hwaddr offset, MemoryRegion *child)
{
    return memory_region_add_subregion_overlap(container, offset, child, 0);
}

int memory_region_del_subregion(MemoryRegion *container, MemoryRegion *child)
{
    int ret;

    memory_region_transaction_begin(container->core);
    ret = child->state.container == container ? undo_save(child, "del_subregion") : -EINVAL;
    if (!ret) {
        mark_place(child);
        region_detach(child);
        child->state.container = NULL;
        region_attach(child);
        atomic_fetch_sub(&child->refs, 1); /* the mount's; the note still holds it */
    }
    return setter_finish(container, ret);
}

/* Takes a place among siblings: by address, by priority, or as the newest. */
static int move(MemoryRegion *mr, hwaddr addr, int32_t priority, const char *cause)
{
    int ret = undo_save(mr, cause);

    if (!ret) {
        mark_place(mr);
        mark_as_root(mr);
        region_detach(mr);
        mr->state.addr = addr;
        mr->state.priority = priority;
        mr->state.seq = ++mr->core->seq;
        region_attach(mr);
        mark_place(mr);
        mark_as_root(mr);
    }
    return ret;
}

int memory_region_set_address(MemoryRegion *mr, hwaddr addr)
{
    int ret = 0;

    memory_region_transaction_begin(mr->core);
    if (mr->state.addr != addr) {
        ret = move(mr, addr, mr->state.priority, "set_address");
    }
    return setter_finish(mr, ret);
}

int memory_region_set_priority(MemoryRegion *mr, int32_t priority)
{
    int ret = 0;

    memory_region_transaction_begin(mr->core);
    if (mr->state.priority != priority) {
        ret = move(mr, mr->state.addr, priority, "set_priority");
    }
    return setter_finish(mr, ret);
}

/* A change that may show wherever the region does. */
void setter_mark(MemoryRegion *mr)
{
    if (mr->state.enabled) {
        region_mark_dirty_whole(mr);
    }
}

static bool can_resize(const MemoryRegion *mr)
{
    return !mr->ram_block;
}

int setter_resize(MemoryRegion *mr, uint64_t size, const char *cause)
{
    int ret = undo_save(mr, cause);

    if (!ret) {
        setter_mark(mr);
        region_detach(mr);
        mr->state.size = size;
        region_attach(mr);
        setter_mark(mr);
    }
    return ret;
}

int memory_region_set_size(MemoryRegion *mr, uint64_t size)
{
    int ret = 0;

    memory_region_transaction_begin(mr->core);
    if (!can_resize(mr)) {
        ret = -EINVAL;
    } else if (mr->state.size != size) {
        ret = setter_resize(mr, size, "set_size");
    }
    return setter_finish(mr, ret);
}

/* The setters of one flag: `flag` lies in mr->state. */
static int set_flag(MemoryRegion *mr, bool *flag, bool value, const char *cause)
{
    int ret = 0;

    memory_region_transaction_begin(mr->core);
    if (*flag != value) {
        ret = undo_save(mr, cause);
        if (!ret) {
            setter_mark(mr); /* one of both does something when the flag is `enabled` */
            *flag = value;
            setter_mark(mr);
        }
    }
    return setter_finish(mr, ret);
}

int memory_region_set_enabled(MemoryRegion *mr, bool enabled)
{
    return set_flag(mr, &mr->state.enabled, enabled, "set_enabled");
}

int memory_region_set_readonly(MemoryRegion *mr, bool readonly)
{
    if (!readonly && mr->ram_block && mr->ram_block->readonly &&
        mr->kind != MEMORY_REGION_ROM_DEVICE) { /* whose writes are its device's anyway */
        return -EINVAL;
    }
    return set_flag(mr, &mr->state.readonly, readonly, "set_readonly");
}

int memory_region_set_nonvolatile(MemoryRegion *mr, bool nonvolatile)
{
    return set_flag(mr, &mr->state.nonvolatile, nonvolatile, "set_nonvolatile");
}

int memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable)
{
    return set_flag(mr, &mr->state.unmergeable, unmergeable, "set_unmergeable");
}

int memory_region_rom_device_set_romd(MemoryRegion *mr, bool romd_mode)
{
    if (mr->kind != MEMORY_REGION_ROM_DEVICE) {
        return -EINVAL;
    }
    return set_flag(mr, &mr->state.romd_mode, romd_mode, "set_romd");
}

int memory_region_set_alias_offset(MemoryRegion *mr, hwaddr offset)
{
    int ret = 0;

    if (!mr->alias) {
        return -EINVAL;
    }
    memory_region_transaction_begin(mr->core);
    if (mr->state.alias_offset != offset) {
        ret = undo_save(mr, "set_alias_offset");
        if (!ret) {
            region_detach(mr);
            mr->state.alias_offset = offset;
            region_attach(mr);
            setter_mark(mr);
        }
    }
    return setter_finish(mr, ret);
}

int memory_region_set_log(MemoryRegion *mr, bool log, unsigned client)
{
    uint8_t bit = (uint8_t)(1U << client);
    int ret;

    if (client >= DIRTY_MEMORY_NUM || !mr->ram_block) {
        return -EINVAL;
    }
    memory_region_transaction_begin(mr->core);
    ret = !log && mr->state.log_count[client] == 0 ? -EINVAL : undo_save(mr, "set_log");
    ret = ret ? ret : ram_block_track_dirty(mr->ram_block, client);
    if (!ret) {
        mr->state.log_count[client] += log ? 1U : -1U;
        if (mr->state.log_count[client] == (log ? 1 : 0)) {
            mr->state.dirty_log_mask ^= bit;
            setter_mark(mr);
        }
    }
    return setter_finish(mr, ret);
}
