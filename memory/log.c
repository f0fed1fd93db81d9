/*
 * log.c - dirty logging across listeners: bringing bits in, asking for them afresh, logging it all.
 */
#include "memory/internal.h"

typedef void (*log_callback)(MemoryListener *listener, const MemoryRegionSection *section);

/* Calls back for each logged range that shows a part of region bytes [first, last]. */
static void for_each_logged(AddressSpace *as, MemoryListener *listener, log_callback callback,
                            const MemoryRegion *mr, hwaddr first, hwaddr last)
{
    const FlatView *view = as->current_map;
    const FlatRange *range = fv_at_or_after(view->root, 0);

    while (range) {
        hwaddr from = range->offset_in_region, to = from + (range->last - range->first);

        if (range->mr == mr && range->dirty_log_mask && from <= last && to >= first) {
            MemoryRegionSection section = flat_range_section(as, view, range);

            if (from < first) {
                section.offset_within_address_space += first - from;
                section.offset_within_region = first;
            }
            section.last -= to > last ? to - last : 0;
            callback(listener, &section);
        }
        range = range->last == UINT64_MAX ? NULL : fv_at_or_after(view->root, range->last + 1);
    }
}

/* Those of logging may change the map as little as a commit's. Returns: what is to stand again. */
static bool callbacks_begin(struct memory_core *core)
{
    bool in_commit = core->in_commit;

    core->in_commit = true;
    return in_commit;
}

static void tell(MemoryRegion *mr, hwaddr first, hwaddr last, bool clear)
{
    struct memory_core *core = mr->core;
    bool in_commit;

    memory_core_freeze(core);
    in_commit = callbacks_begin(core);
    for (AddressSpace *as = core->spaces; as; as = as->next) {
        for (MemoryListener *each = as->listeners; each; each = each->next) {
            log_callback callback = clear ? each->log_clear : each->log_sync;

            if (callback) {
                for_each_logged(as, each, callback, mr, first, last);
            }
        }
    }
    core->in_commit = in_commit;
    memory_core_thaw(core);
}

void memory_region_sync_dirty_bitmap(MemoryRegion *mr)
{
    tell(mr, 0, UINT64_MAX, false);
}

uint64_t memory_region_snapshot_and_clear_dirty(MemoryRegion *mr, uint64_t offset, uint64_t pages,
                                                unsigned client, uint64_t *bitmap)
{
    hwaddr last = offset + (pages * DIRTY_PAGE_SIZE - 1);
    uint64_t num;

    /* In one go: a commit in between would bring in once more what is taken here. */
    memory_core_freeze(mr->core);
    tell(mr, offset, last, false);
    num = ram_block_snapshot_and_clear_dirty(mr->ram_block, offset, pages, client, bitmap);
    if (num) {
        tell(mr, offset, last, true);
    }
    memory_core_thaw(mr->core);
    return num;
}

/* The masks of all ranges follow core->global_log: everything is rendered anew. */
static int commit_all(struct memory_core *core)
{
    memory_region_transaction_begin(core);
    for (AddressSpace *as = core->spaces; as; as = as->next) {
        as_windows_add(&as->windows, core, 0, UINT64_MAX);
    }
    return memory_region_transaction_commit(core);
}

static void stop_some(struct memory_core *core, const MemoryListener *until)
{
    for (AddressSpace *as = core->spaces; as; as = as->next) {
        for (MemoryListener *each = as->listeners; each; each = each->next) {
            if (each == until) {
                return;
            }
            if (each->log_global_stop) {
                each->log_global_stop(each);
            }
        }
    }
}

static int start_each(struct memory_core *core)
{
    for (AddressSpace *as = core->spaces; as; as = as->next) {
        for (MemoryListener *each = as->listeners; each; each = each->next) {
            int ret = each->log_global_start ? each->log_global_start(each) : 0;

            if (ret) {
                stop_some(core, each);
                return ret;
            }
        }
    }
    return 0;
}

static int start_listeners(struct memory_core *core)
{
    bool in_commit = callbacks_begin(core);
    int ret = start_each(core);

    core->in_commit = in_commit;
    return ret;
}

static void stop_listeners(struct memory_core *core)
{
    bool in_commit = callbacks_begin(core);

    stop_some(core, NULL);
    core->in_commit = in_commit;
}

static int track_all(struct memory_core *core)
{
    struct itree_node *node = itree_first(&core->ram.by_offset);
    int ret = 0;

    for (; node && !ret; node = itree_next(node)) {
        ret = ram_block_track_dirty(itree_entry(node, RAMBlock, by_offset), DIRTY_MEMORY_MIGRATION);
    }
    return ret;
}

int memory_global_dirty_log_start(struct memory_core *core)
{
    int ret;

    memory_core_freeze(core); /* the commit is not to wait: we have the lock */
    ret = core_busy(core) ? -EBUSY : 0;
    if (!ret && core->global_log == 0) {
        ret = track_all(core);
        ret = ret ? ret : start_listeners(core);
        if (!ret) {
            core->global_log = 1;
            ret = commit_all(core);
            if (ret) {
                core->global_log = 0;
                stop_listeners(core);
            }
        }
    } else if (!ret) {
        core->global_log++;
    }
    memory_core_thaw(core);
    return ret;
}

int memory_global_dirty_log_stop(struct memory_core *core)
{
    int ret = 0;

    memory_core_freeze(core);
    if (core_busy(core)) {
        ret = -EBUSY;
    } else if (core->global_log == 0) {
        ret = -EINVAL;
    } else if (--core->global_log == 0) {
        ret = commit_all(core);
        if (ret) {
            core->global_log = 1;
        } else {
            stop_listeners(core);
        }
    }
    memory_core_thaw(core);
    return ret;
}
