/*
 * address_space.c - spaces come and go, and what lies at an address.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

static void link_space(AddressSpace *as)
{
    struct memory_core *core = as->core;

    *core->spaces_tail = as;
    core->spaces_tail = &as->next;
    as->root->spaces++;
}

static void unlink_space(AddressSpace *as)
{
    struct memory_core *core = as->core;
    AddressSpace **link = &core->spaces;

    while (*link != as) {
        link = &(*link)->next;
    }
    *link = as->next;
    if (core->spaces_tail == &as->next) {
        core->spaces_tail = link;
    }
    as->root->spaces--;
}

/* The first view: the whole space is dirty. Nobody listens yet. */
static int first_view(AddressSpace *as)
{
    struct as_plan *plan;
    int ret;

    as_windows_add(&as->windows, as->core, 0, UINT64_MAX);
    ret = plan_make(as, &plan);
    as_windows_clear(&as->windows);
    if (!ret && plan) {
        plan_publish(plan);
        plan_retire(plan);
        plan_free(plan);
    }
    return ret;
}

int address_space_init(AddressSpace *as, struct memory_core *core, MemoryRegion *root,
                       const char *name, struct memory_unassigned unassigned)
{
    int ret = -ENOMEM;

    pthread_mutex_lock(&core->lock);
    *as = (AddressSpace){
        .core = core,
        .name = memory_alloc(core, strlen(name) + 1),
        .root = root,
        .current_map = flatview_new(core),
        .unassigned = unassigned,
    };
    if (core_busy(core)) {
        ret = -EBUSY;
    } else if (as->name && as->current_map) {
        strcpy(as->name, name);
        ret = map_list_init(as);
        ret = ret ? ret : first_view(as);
    }
    if (ret) {
        flatview_unref(as->current_map);
        free(as->name);
        *as = (AddressSpace){0};
    } else {
        region_get(root);
        link_space(as);
    }
    pthread_mutex_unlock(&core->lock);
    return ret;
}

static void free_shown(AddressSpace *as)
{
    struct itree_node *node;

    while ((node = itree_first(&as->eventfds)) != NULL) {
        itree_remove(&as->eventfds, node);
        free(itree_entry(node, struct as_eventfd, node));
    }
    while ((node = itree_first(&as->coalesced)) != NULL) {
        itree_remove(&as->coalesced, node);
        free(itree_entry(node, struct as_zone, node));
    }
}

void address_space_finish(AddressSpace *as)
{
    struct memory_core *core = as->core;

    if (!core) {
        return;
    }
    pthread_mutex_lock(&core->lock);
    unlink_space(as);
    as_windows_clear(&as->windows);
    free_shown(as);
    map_list_finish(as);
    flatview_retire(core, as->current_map);
    region_put(as->root);
    free(as->name);
    *as = (AddressSpace){0};
    pthread_mutex_unlock(&core->lock);
}

bool address_space_find(AddressSpace *as, hwaddr addr, uint64_t size, MemoryRegionSection *section)
{
    const FlatView *view;
    const FlatRange *range;
    hwaddr last = range_last(addr, size ? size : 1);
    bool found;

    rcu_lock();
    view = rcu_load(as->current_map);
    range = fv_at_or_after(view->root, addr);
    found = range && range->first <= last;
    if (found) {
        *section = flat_range_section(as, NULL, range);
        if (range->first < addr) {
            section->offset_within_address_space = addr;
            section->offset_within_region += addr - range->first;
        }
        section->last = range->last < last ? range->last : last;
        memory_region_ref(section->mr);
    }
    rcu_unlock();
    return found;
}

bool memory_section_is_slot(const MemoryRegionSection *section, bool *readonly)
{
    switch (section->mr->kind) {
    case MEMORY_REGION_RAM:
    case MEMORY_REGION_RAM_DEVICE:
        *readonly = section->readonly;
        return true;
    case MEMORY_REGION_ROM_DEVICE:
        *readonly = true;
        return section->romd_mode;
    case MEMORY_REGION_CONTAINER:
    case MEMORY_REGION_IO:
    case MEMORY_REGION_RESERVATION:
    case MEMORY_REGION_ALIAS:
    case MEMORY_REGION_IOMMU:
    default:
        return false;
    }
}

void *memory_section_host(const MemoryRegionSection *section)
{
    return section->mr->host ? section->mr->host + section->offset_within_region : NULL;
}
