/*
 * The listeners of the random programs. A replica applies deletions and additions to its own list
 * and objects to whatever the contract of listener.h forbids: a deletion of what is not there, an
 * overlap, an order that is not ascending, a batch without change, a section of another view.
 */
#include "tests/unit/memory_machine.h"

#include <inttypes.h>
#include <string.h>

static struct replica *replica_of(MemoryListener *listener)
{
    return listener->opaque;
}

static bool same_section(const MemoryRegionSection *a, const MemoryRegionSection *b)
{
    return a->mr == b->mr && a->offset_within_region == b->offset_within_region &&
           a->offset_within_address_space == b->offset_within_address_space && a->last == b->last &&
           a->romd_mode == b->romd_mode && a->readonly == b->readonly &&
           a->nonvolatile == b->nonvolatile && a->unmergeable == b->unmergeable;
}

/* The first section that ends at or after `addr`. */
static size_t place_of(const struct replica *replica, hwaddr addr)
{
    size_t low = 0, high = replica->num;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (replica->sections[mid].last < addr) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static MemoryRegionSection *find(struct replica *replica, const MemoryRegionSection *section)
{
    size_t at = place_of(replica, section->offset_within_address_space);

    return at < replica->num && same_section(&replica->sections[at], section)
               ? &replica->sections[at]
               : NULL;
}

static int on_prepare(MemoryListener *listener, MemoryCommit *commit)
{
    struct replica *replica = replica_of(listener);

    replica->new_view = commit->new_view;
    if (commit->as != &replica->machine->spaces[0].as &&
        commit->as != &replica->machine->spaces[1].as) {
        machine_fail(replica->machine, "prepare names a space without such a listener");
    }
    for (size_t i = 0; i < commit->del_num; i++) {
        for (size_t j = 0; j < commit->add_num; j++) {
            if (same_section(&commit->del[i], &commit->add[j])) {
                machine_fail(replica->machine, "unchanged %" PRIx64 " deleted and added again",
                             commit->del[i].offset_within_address_space);
            }
        }
    }
    return 0;
}

static void on_cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener;
    (void)commit;
}

static void on_begin(MemoryListener *listener)
{
    struct replica *replica = replica_of(listener);

    if (replica->in_batch) {
        machine_fail(replica->machine, "begin inside a batch");
    }
    replica->in_batch = true;
    replica->del_num = replica->add_num = replica->nop_num = replica->other_num = 0;
}

static void on_del(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct replica *replica = replica_of(listener);
    MemoryRegionSection *mine = find(replica, section);

    if (!replica->in_batch || replica->add_num) {
        machine_fail(replica->machine, "region_del out of turn");
    }
    if (replica->del_num++ && section->offset_within_address_space <= replica->last_del) {
        machine_fail(replica->machine, "region_del not ascending");
    }
    replica->last_del = section->offset_within_address_space;
    if (mine == NULL) {
        machine_fail(replica->machine, "region_del of %" PRIx64 ", which was never added",
                     section->offset_within_address_space);
        return;
    }
    size_t after = replica->num - (size_t)(mine - replica->sections) - 1;

    memmove(mine, mine + 1, after * sizeof(*mine));
    replica->num--;
}

static void on_add(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct replica *replica = replica_of(listener);
    size_t at = place_of(replica, section->offset_within_address_space);

    if (!replica->in_batch ||
        (replica->add_num++ && section->offset_within_address_space <= replica->last_add)) {
        machine_fail(replica->machine, "region_add out of turn");
    }
    replica->last_add = section->offset_within_address_space;
    if (section->offset_within_address_space > section->last ||
        (at < replica->num && replica->sections[at].offset_within_address_space <= section->last)) {
        machine_fail(replica->machine, "region_add of %" PRIx64 " overlaps",
                     section->offset_within_address_space);
    }
    if (section->fv != replica->new_view) {
        machine_fail(replica->machine, "region_add with a section that is not of the new view");
    }
    if (replica->num == ORACLE_RANGES) {
        return;
    }
    memmove(&replica->sections[at + 1], &replica->sections[at],
            (replica->num - at) * sizeof(replica->sections[0]));
    replica->sections[at] = *section;
    replica->num++;
}

static void on_nop(MemoryListener *listener, const MemoryRegionSection *section)
{
    struct replica *replica = replica_of(listener);

    replica->nop_num++;
    if (!replica->in_batch || find(replica, section) == NULL) {
        machine_fail(replica->machine, "region_nop of %" PRIx64 ", which is not there",
                     section->offset_within_address_space);
    }
}

static void change_mask(struct replica *replica, const MemoryRegionSection *section,
                        uint8_t old_mask, uint8_t new_mask)
{
    MemoryRegionSection *mine = find(replica, section);

    replica->other_num++;
    if (!replica->in_batch || mine == NULL) {
        machine_fail(replica->machine, "log change of %" PRIx64 ", which is not there",
                     section->offset_within_address_space);
    } else if (mine->dirty_log_mask == new_mask) {
        /* The second of log_start and log_stop, when bits came and went at once. */
    } else if (mine->dirty_log_mask != old_mask) {
        machine_fail(replica->machine, "log change of %" PRIx64 " from %u, which was %u",
                     section->offset_within_address_space, old_mask, mine->dirty_log_mask);
    } else {
        mine->dirty_log_mask = new_mask;
    }
}

static void on_log_start(MemoryListener *listener, const MemoryRegionSection *section,
                         uint8_t old_mask, uint8_t new_mask)
{
    struct replica *replica = replica_of(listener);

    if (replica->replaying && old_mask == 0) {
        replica->other_num++;
        return; /* the replay of a registration repeats what region_add said */
    }
    if (!(new_mask & ~old_mask)) {
        machine_fail(replica->machine, "log_start without a new bit");
    }
    change_mask(replica, section, old_mask, new_mask);
}

static void on_log_stop(MemoryListener *listener, const MemoryRegionSection *section,
                        uint8_t old_mask, uint8_t new_mask)
{
    struct replica *replica = replica_of(listener);

    if (!(old_mask & ~new_mask)) {
        machine_fail(replica->machine, "log_stop without a bit gone");
    }
    change_mask(replica, section, old_mask, new_mask);
}

static bool same_eventfd(const MemoryEventfd *a, const MemoryEventfd *b)
{
    return a->addr == b->addr && a->size == b->size && a->match_data == b->match_data &&
           a->data == b->data && a->fd == b->fd;
}

static size_t find_eventfd(const struct replica *replica, const MemoryEventfd *eventfd)
{
    size_t i = 0;

    while (i < replica->eventfd_num && !same_eventfd(&replica->eventfds[i], eventfd)) {
        i++;
    }
    return i;
}

static void on_eventfd_add(MemoryListener *listener, const MemoryEventfd *eventfd)
{
    struct replica *replica = replica_of(listener);

    replica->other_num++;
    if (find_eventfd(replica, eventfd) < replica->eventfd_num) {
        machine_fail(replica->machine, "eventfd_add twice at %" PRIx64, eventfd->addr);
    } else if (replica->eventfd_num < EVENTS_MAX) {
        replica->eventfds[replica->eventfd_num++] = *eventfd;
    }
}

static void on_eventfd_del(MemoryListener *listener, const MemoryEventfd *eventfd)
{
    struct replica *replica = replica_of(listener);
    size_t at = find_eventfd(replica, eventfd);

    replica->other_num++;
    if (at == replica->eventfd_num) {
        machine_fail(replica->machine, "eventfd_del of none at %" PRIx64, eventfd->addr);
    } else {
        replica->eventfds[at] = replica->eventfds[--replica->eventfd_num];
    }
}

static size_t find_zone(const struct replica *replica, const MemoryCoalescedZone *zone)
{
    size_t i = 0;

    while (i < replica->zone_num &&
           (replica->zones[i].first != zone->first || replica->zones[i].last != zone->last)) {
        i++;
    }
    return i;
}

static void on_zone_add(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    struct replica *replica = replica_of(listener);

    replica->other_num++;
    if (find_zone(replica, zone) < replica->zone_num) {
        machine_fail(replica->machine, "coalesced_io_add twice at %" PRIx64, zone->first);
    } else if (replica->zone_num < EVENTS_MAX) {
        replica->zones[replica->zone_num++] = *zone;
    }
}

static void on_zone_del(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    struct replica *replica = replica_of(listener);
    size_t at = find_zone(replica, zone);

    replica->other_num++;
    if (at == replica->zone_num) {
        machine_fail(replica->machine, "coalesced_io_del of none at %" PRIx64, zone->first);
    } else {
        replica->zones[at] = replica->zones[--replica->zone_num];
    }
}

static void on_commit(MemoryListener *listener, const MemoryCommit *commit)
{
    struct replica *replica = replica_of(listener);

    if (!replica->in_batch) {
        machine_fail(replica->machine, "commit without begin");
    }
    replica->in_batch = false;
    if (replica->del_num != commit->del_num || replica->add_num != commit->add_num ||
        replica->nop_num != commit->nop_num + commit->log_num) {
        machine_fail(replica->machine, "callbacks and MemoryCommit count differently");
    }
    if (!replica->replaying && replica->del_num + replica->add_num + replica->other_num == 0) {
        machine_fail(replica->machine, "a batch that changes nothing");
    }
}

void replica_init(struct replica *replica, struct machine *machine, int priority)
{
    memset(replica, 0, offsetof(struct replica, sections));
    replica->num = replica->eventfd_num = replica->zone_num = 0;
    replica->machine = machine;
    replica->listener = (MemoryListener){
        .name = "replica",
        .priority = priority,
        .opaque = replica,
        .prepare = on_prepare,
        .cancel = on_cancel,
        .begin = on_begin,
        .region_del = on_del,
        .region_add = on_add,
        .region_nop = on_nop,
        .log_start = on_log_start,
        .log_stop = on_log_stop,
        .eventfd_add = on_eventfd_add,
        .eventfd_del = on_eventfd_del,
        .coalesced_io_add = on_zone_add,
        .coalesced_io_del = on_zone_del,
        .commit = on_commit,
    };
}

static struct vetoer *vetoer_of(MemoryListener *listener)
{
    return listener->opaque;
}

static int veto_prepare(MemoryListener *listener, MemoryCommit *commit)
{
    struct vetoer *vetoer = vetoer_of(listener);

    (void)commit;
    if (vetoer->prepared) {
        machine_fail(vetoer->machine, "prepare twice");
    }
    if (vetoer->at_prepare) {
        vetoer->at_prepare = false;
        vetoer->machine->vetoed = true;
        return VETO_ERROR;
    }
    vetoer->prepared = true;
    return 0;
}

static void veto_cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    struct vetoer *vetoer = vetoer_of(listener);

    (void)commit;
    if (!vetoer->prepared || vetoer->applied) {
        machine_fail(vetoer->machine, "cancel of what was not prepared, or is still applied");
    }
    vetoer->prepared = false;
}

static int veto_apply(MemoryListener *listener, const MemoryCommit *commit)
{
    struct vetoer *vetoer = vetoer_of(listener);

    (void)commit;
    if (!vetoer->prepared || vetoer->applied) {
        machine_fail(vetoer->machine, "apply out of turn");
    }
    if (vetoer->at_apply) {
        vetoer->at_apply = false;
        vetoer->machine->vetoed = true;
        return VETO_ERROR;
    }
    vetoer->applied = true;
    return 0;
}

static int veto_undo(MemoryListener *listener, const MemoryCommit *commit)
{
    struct vetoer *vetoer = vetoer_of(listener);

    (void)commit;
    if (!vetoer->applied) {
        machine_fail(vetoer->machine, "undo of what was not applied");
    }
    vetoer->applied = false;
    return 0;
}

static void veto_commit(MemoryListener *listener, const MemoryCommit *commit)
{
    struct vetoer *vetoer = vetoer_of(listener);

    if (!vetoer->applied && commit->add_num + commit->del_num > 0) {
        machine_fail(vetoer->machine, "commit of what was not applied");
    }
    vetoer->prepared = vetoer->applied = false;
}

void vetoer_init(struct vetoer *vetoer, struct machine *machine, int priority)
{
    *vetoer = (struct vetoer){
        .machine = machine,
        .listener =
            {
                .name = "vetoer",
                .priority = priority,
                .opaque = vetoer,
                .prepare = veto_prepare,
                .cancel = veto_cancel,
                .apply = veto_apply,
                .undo = veto_undo,
                .commit = veto_commit,
            },
    };
}
