/*
 * plan_zones.c - eventfds and coalesced zones as an address space shows them.
 *
 * The space keeps what it shows now by absolute address. Within the extent of a change both lists
 * are drawn up, sorted and compared; what only one has is deleted or added. An eventfd belongs to
 * the range that shows its first byte (so none is listed twice); a zone is cut to its range, and
 * those of a range that overlap are one.
 */
#include "memory/internal.h"

#include <stdlib.h>

static int zone_compare(const void *a, const void *b)
{
    const MemoryCoalescedZone *left = a, *right = b;

    if (left->first != right->first) {
        return left->first < right->first ? -1 : 1;
    }
    return left->last < right->last ? -1 : left->last > right->last;
}

static int copy_in(struct as_plan *plan, struct memory_vec *vec, const void *item, size_t size)
{
    void *copy = memory_vec_add(plan->edit.core, vec, size);

    if (!copy) {
        return -ENOMEM;
    }
    __builtin_memcpy(copy, item, size);
    return 0;
}

/* What `range` of the new view shows of its region's lists. */
static int shown_eventfds(struct as_plan *plan, const FlatRange *range, struct memory_vec *vec)
{
    const struct memory_eventfd_list *list = range->mr->state.eventfds;
    hwaddr offset = range->offset_in_region;
    int ret = 0;

    for (size_t i = 0; list && i < list->num && !ret; i++) {
        MemoryEventfd eventfd = list->items[i];

        if (eventfd.addr >= offset && eventfd.addr - offset <= range->last - range->first) {
            eventfd.addr = range->first + (eventfd.addr - offset);
            ret = copy_in(plan, vec, &eventfd, sizeof(eventfd));
        }
    }
    return ret;
}

static int shown_zones(struct as_plan *plan, const FlatRange *range, struct memory_vec *vec)
{
    const struct memory_zone_list *list = range->mr->state.coalesced;
    hwaddr offset = range->offset_in_region, end = offset + (range->last - range->first);
    int ret = 0;

    for (size_t i = 0; list && i < list->num && !ret; i++) {
        MemoryCoalescedZone zone = list->items[i];

        if (zone.first <= end && zone.last >= offset) {
            zone.first = range->first + (zone.first > offset ? zone.first - offset : 0);
            zone.last = zone.last < end ? range->first + (zone.last - offset) : range->last;
            ret = copy_in(plan, vec, &zone, sizeof(zone));
        }
    }
    return ret;
}

/* Both vectors are sorted; what one alone has goes to `del` (old) or `add` (new). */
static int difference(struct as_plan *plan, const struct memory_vec *old,
                      const struct memory_vec *new, size_t size,
                      int (*compare)(const void *, const void *), struct memory_vec *del,
                      struct memory_vec *add)
{
    const char *o = old->items, *n = new->items;
    size_t i = 0, j = 0;
    int ret = 0, order;

    while (!ret && (i < old->num || j < new->num)) {
        if (i == old->num) {
            order = 1;
        } else {
            order = j == new->num ? -1 : compare(o + i * size, n + j * size);
        }
        if (order < 0) {
            ret = copy_in(plan, del, o + i * size, size);
        } else if (order > 0) {
            ret = copy_in(plan, add, n + j * size, size);
        }
        i += order <= 0;
        j += order >= 0;
    }
    return ret;
}

static int list_old(struct as_plan *plan, hwaddr first, hwaddr last, struct memory_vec *eventfds,
                    struct memory_vec *zones)
{
    AddressSpace *as = plan->commit.as;
    struct itree_node *node = itree_overlap_first(&as->eventfds, first, last);
    int ret = 0;

    for (; node && !ret; node = itree_overlap_next(node, first, last)) {
        as->core->counters.ranges_visited++;
        ret = copy_in(plan, eventfds, &itree_entry(node, struct as_eventfd, node)->eventfd,
                      sizeof(MemoryEventfd));
    }
    node = itree_overlap_first(&as->coalesced, first, last);
    for (; node && !ret; node = itree_overlap_next(node, first, last)) {
        ret = copy_in(plan, zones, &itree_entry(node, struct as_zone, node)->zone,
                      sizeof(MemoryCoalescedZone));
    }
    return ret;
}

int plan_list_zones(struct as_plan *plan, bool add)
{
    return list_old(plan, 0, UINT64_MAX, add ? &plan->eventfd_add : &plan->eventfd_del,
                    add ? &plan->coalesced_add : &plan->coalesced_del);
}

static int list_new(struct as_plan *plan, hwaddr first, hwaddr last, struct memory_vec *eventfds,
                    struct memory_vec *zones)
{
    const FlatRange *range = fv_at_or_after(plan->edit.root, first);
    int ret = 0;

    while (range && range->first <= last && !ret) {
        plan->edit.core->counters.ranges_visited++;
        ret = shown_eventfds(plan, range, eventfds);
        ret = ret ? ret : shown_zones(plan, range, zones);
        range = range->last >= last ? NULL : fv_at_or_after(plan->edit.root, range->last + 1);
    }
    return ret;
}

static void sort(struct memory_vec *vec, size_t size, int (*compare)(const void *, const void *))
{
    if (vec->num > 1) {
        qsort(vec->items, vec->num, size, compare);
    }
}

/*
 * Overlapping zones (of one range, then) become one. KVM forgets, with a zone that goes, every
 * other that holds it; so it is never to have two for one address.
 */
static void join_zones(struct memory_vec *vec)
{
    MemoryCoalescedZone *zones = vec->items;
    size_t kept = 0;

    for (size_t i = 1; i < vec->num; i++) {
        if (zones[i].first > zones[kept].last) {
            zones[++kept] = zones[i];
        } else if (zones[i].last > zones[kept].last) {
            zones[kept].last = zones[i].last;
        }
    }
    vec->num = vec->num ? kept + 1 : 0;
}

int plan_compare_zones(struct as_plan *plan, hwaddr first, hwaddr last)
{
    struct memory_vec old_fds = {0}, new_fds = {0}, old_zones = {0}, new_zones = {0};
    int ret = list_old(plan, first, last, &old_fds, &old_zones);

    ret = ret ? ret : list_new(plan, first, last, &new_fds, &new_zones);
    if (!ret) {
        sort(&old_fds, sizeof(MemoryEventfd), eventfd_compare);
        sort(&new_fds, sizeof(MemoryEventfd), eventfd_compare);
        sort(&old_zones, sizeof(MemoryCoalescedZone), zone_compare);
        sort(&new_zones, sizeof(MemoryCoalescedZone), zone_compare);
        join_zones(&new_zones);
        ret = difference(plan, &old_fds, &new_fds, sizeof(MemoryEventfd), eventfd_compare,
                         &plan->eventfd_del, &plan->eventfd_add);
    }
    if (!ret) {
        ret = difference(plan, &old_zones, &new_zones, sizeof(MemoryCoalescedZone), zone_compare,
                         &plan->coalesced_del, &plan->coalesced_add);
    }
    free(old_fds.items);
    free(new_fds.items);
    free(old_zones.items);
    free(new_zones.items);
    return ret;
}

int plan_make_zone_nodes(struct as_plan *plan)
{
    const MemoryEventfd *eventfds = plan->eventfd_add.items;
    const MemoryCoalescedZone *zones = plan->coalesced_add.items;
    struct memory_core *core = plan->edit.core;

    for (size_t i = 0; i < plan->eventfd_add.num; i++) {
        struct as_eventfd *node = memory_alloc(core, sizeof(*node));
        void **slot = node ? memory_vec_add(core, &plan->eventfd_nodes, sizeof(*slot)) : NULL;

        if (!slot) {
            free(node);
            return -ENOMEM;
        }
        node->eventfd = eventfds[i];
        node->node.first = node->node.last = node->eventfd.addr;
        *slot = node;
    }
    for (size_t i = 0; i < plan->coalesced_add.num; i++) {
        struct as_zone *node = memory_alloc(core, sizeof(*node));
        void **slot = node ? memory_vec_add(core, &plan->coalesced_nodes, sizeof(*slot)) : NULL;

        if (!slot) {
            free(node);
            return -ENOMEM;
        }
        node->zone = zones[i];
        node->node.first = node->zone.first;
        node->node.last = node->zone.last;
        *slot = node;
    }
    return 0;
}

static void forget_eventfd(AddressSpace *as, const MemoryEventfd *eventfd)
{
    struct itree_node *node = itree_overlap_first(&as->eventfds, eventfd->addr, eventfd->addr);

    while (eventfd_compare(&itree_entry(node, struct as_eventfd, node)->eventfd, eventfd) != 0) {
        node = itree_overlap_next(node, eventfd->addr, eventfd->addr);
    }
    itree_remove(&as->eventfds, node);
    free(itree_entry(node, struct as_eventfd, node));
}

static void forget_zone(AddressSpace *as, const MemoryCoalescedZone *zone)
{
    struct itree_node *node = itree_overlap_first(&as->coalesced, zone->first, zone->last);

    while (zone_compare(&itree_entry(node, struct as_zone, node)->zone, zone) != 0) {
        node = itree_overlap_next(node, zone->first, zone->last);
    }
    itree_remove(&as->coalesced, node);
    free(itree_entry(node, struct as_zone, node));
}

void plan_publish_zones(struct as_plan *plan)
{
    AddressSpace *as = plan->commit.as;
    struct as_eventfd **eventfds = plan->eventfd_nodes.items;
    struct as_zone **zones = plan->coalesced_nodes.items;

    for (size_t i = 0; i < plan->commit.eventfd_del_num; i++) {
        forget_eventfd(as, &plan->commit.eventfd_del[i]);
    }
    for (size_t i = 0; i < plan->commit.coalesced_del_num; i++) {
        forget_zone(as, &plan->commit.coalesced_del[i]);
    }
    for (size_t i = 0; i < plan->eventfd_nodes.num; i++) {
        itree_insert(&as->eventfds, &eventfds[i]->node);
    }
    for (size_t i = 0; i < plan->coalesced_nodes.num; i++) {
        itree_insert(&as->coalesced, &zones[i]->node);
    }
    plan->eventfd_nodes.num = 0;
    plan->coalesced_nodes.num = 0;
}
