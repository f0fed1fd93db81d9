/*
 * setters_io.c - what a region has beside its place: coalesced zones and eventfds.
 *
 * Both are lists that a change replaces whole. The list from before the transaction is kept for
 * undo.c (and for readers in flight); those that came and went within it are freed at once.
 */
#include "memory/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct memory_region_state *state_before(const MemoryRegion *mr)
{
    const struct memory_saved *saved = mr->core->transaction->saved.items;

    return &saved[mr->saved_index].state;
}

static void replace_zones(MemoryRegion *mr, struct memory_zone_list *list)
{
    if (mr->state.coalesced != state_before(mr)->coalesced) {
        free(mr->state.coalesced);
    }
    mr->state.coalesced = list;
    setter_mark(mr);
}

/* The list with `add` behind; without the old ones unless `keep`. NULL `add`: no list. */
static int change_zones(MemoryRegion *mr, const MemoryCoalescedZone *add, bool keep)
{
    const struct memory_zone_list *old = mr->state.coalesced;
    size_t kept = keep && old ? old->num : 0;
    struct memory_zone_list *list = NULL;
    int ret = undo_save(mr, "coalescing");

    if (!ret && add) {
        list = memory_alloc(mr->core, sizeof(*list) + (kept + 1) * sizeof(list->items[0]));
        ret = list ? 0 : -ENOMEM;
    }
    if (ret) {
        return ret;
    }
    if (list) {
        list->num = kept + 1;
        if (kept) {
            memcpy(list->items, old->items, kept * sizeof(list->items[0]));
        }
        list->items[kept] = *add;
    }
    replace_zones(mr, list);
    return 0;
}

int memory_region_add_coalescing(MemoryRegion *mr, hwaddr offset, uint64_t size)
{
    MemoryCoalescedZone zone = {offset, range_last(offset, size ? size : 1)};
    int ret;

    memory_region_transaction_begin(mr->core);
    if (!size || !mr->state.size || mr->kind != MEMORY_REGION_IO ||
        zone.last > range_last(0, mr->state.size)) {
        ret = -EINVAL;
    } else {
        ret = change_zones(mr, &zone, true);
    }
    return setter_finish(mr, ret);
}

int memory_region_set_coalescing(MemoryRegion *mr)
{
    MemoryCoalescedZone all = {0, range_last(0, mr->state.size ? mr->state.size : 1)};
    int ret;

    memory_region_transaction_begin(mr->core);
    ret = mr->kind == MEMORY_REGION_IO && mr->state.size ? change_zones(mr, &all, false) : -EINVAL;
    return setter_finish(mr, ret);
}

int memory_region_clear_coalescing(MemoryRegion *mr)
{
    int ret = 0;

    memory_region_transaction_begin(mr->core);
    if (mr->state.coalesced) {
        ret = change_zones(mr, NULL, false);
    }
    return setter_finish(mr, ret);
}

int eventfd_compare(const void *a, const void *b)
{
    const MemoryRegionIoeventfd *left = a, *right = b;

    if (left->addr != right->addr) {
        return left->addr < right->addr ? -1 : 1;
    }
    if (left->size != right->size) {
        return left->size < right->size ? -1 : 1;
    }
    if (left->match_data != right->match_data) {
        return left->match_data < right->match_data ? -1 : 1;
    }
    if (left->data != right->data) {
        return left->data < right->data ? -1 : 1;
    }
    return left->fd < right->fd ? -1 : left->fd > right->fd;
}

/* Where an equal one stands in the list; its num when none does. */
static size_t find_eventfd(const struct memory_eventfd_list *list,
                           const MemoryRegionIoeventfd *eventfd)
{
    size_t num = list ? list->num : 0, i = 0;

    while (i < num && eventfd_compare(&list->items[i], eventfd) != 0) {
        i++;
    }
    return i;
}

/* The list without item `drop` (num: none) and with `add` behind (NULL: none). */
static int change_eventfds(MemoryRegion *mr, size_t drop, const MemoryRegionIoeventfd *add)
{
    const struct memory_eventfd_list *old = mr->state.eventfds;
    size_t num = old ? old->num : 0, kept = 0;
    struct memory_eventfd_list *list;
    int ret = undo_save(mr, "eventfd");

    if (ret) {
        return ret;
    }
    list = memory_alloc(mr->core, sizeof(*list) + (num + 1) * sizeof(list->items[0]));
    if (!list) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < num; i++) {
        if (i != drop) {
            list->items[kept++] = old->items[i];
        }
    }
    if (add) {
        list->items[kept++] = *add;
    }
    list->num = kept;
    if (mr->state.eventfds != state_before(mr)->eventfds) {
        free(mr->state.eventfds);
    }
    mr->state.eventfds = list;
    setter_mark(mr);
    return 0;
}

static bool eventfd_fits(const MemoryRegion *mr, const MemoryRegionIoeventfd *eventfd)
{
    unsigned size = eventfd->size;

    if (mr->kind != MEMORY_REGION_IO || (size & (size - 1)) || size > 8 ||
        (size == 0 && eventfd->match_data)) {
        return false;
    }
    return mr->state.size &&
           range_last(eventfd->addr, size ? size : 1) <= range_last(0, mr->state.size);
}

int memory_region_add_eventfd(MemoryRegion *mr, hwaddr addr, unsigned size, bool match_data,
                              uint64_t data, int fd)
{
    MemoryRegionIoeventfd eventfd = {addr, size, match_data, match_data ? data : 0, fd};
    size_t num;
    int ret;

    memory_region_transaction_begin(mr->core);
    num = mr->state.eventfds ? mr->state.eventfds->num : 0;
    if (!eventfd_fits(mr, &eventfd)) {
        ret = -EINVAL;
    } else if (find_eventfd(mr->state.eventfds, &eventfd) < num) {
        ret = -EEXIST;
    } else {
        ret = change_eventfds(mr, num, &eventfd);
    }
    return setter_finish(mr, ret);
}

int memory_region_del_eventfd(MemoryRegion *mr, hwaddr addr, unsigned size, bool match_data,
                              uint64_t data, int fd)
{
    MemoryRegionIoeventfd eventfd = {addr, size, match_data, match_data ? data : 0, fd};
    size_t num, at;
    int ret;

    memory_region_transaction_begin(mr->core);
    num = mr->state.eventfds ? mr->state.eventfds->num : 0;
    at = find_eventfd(mr->state.eventfds, &eventfd);
    ret = at == num ? -ENOENT : change_eventfds(mr, at, NULL);
    return setter_finish(mr, ret);
}
