/*
 * Comparisons of eventfds and coalesced zones: what a listener was told, against what the ranges of
 * the oracle's view have of their regions.
 */
#include "tests/unit/memory_machine.h"

#include <inttypes.h>
#include <stdlib.h>

enum { POINTS_MAX = 4 * (ORACLE_ZONES + 1) };

static bool was_told(const struct replica *replica, const struct oracle_eventfd *eventfd,
                     hwaddr addr, int fd)
{
    for (size_t i = 0; i < replica->eventfd_num; i++) {
        const MemoryEventfd *told = &replica->eventfds[i];

        if (told->addr == addr && told->fd == fd && told->size == eventfd->size &&
            told->match_data == eventfd->match) {
            return true;
        }
    }
    return false;
}

void machine_check_eventfds(struct machine *machine, const struct replica *replica,
                            const struct space *space)
{
    size_t num = 0;

    for (size_t i = 0; i < space->expected_num; i++) {
        const struct oracle_range *range = &space->expected[i];
        const struct oracle_region *region = &machine->now.regions[range->region];

        for (int j = 0; j < ORACLE_EVENTFDS; j++) {
            const struct oracle_eventfd *eventfd = &region->eventfds[j];

            if (!eventfd->used || eventfd->offset < range->offset ||
                eventfd->offset - range->offset > range->last - range->first) {
                continue;
            }
            num++;
            hwaddr addr = range->first + (eventfd->offset - range->offset);
            if (!was_told(replica, eventfd, addr,
                          MACHINE_EVENTFD_BASE + range->region * ORACLE_EVENTFDS + j)) {
                machine_fail(machine, "no eventfd at %" PRIx64, addr);
            }
        }
    }
    if (num != replica->eventfd_num) {
        machine_fail(machine, "%zu eventfds, not %zu", replica->eventfd_num, num);
    }
}

/* How many zones a listener has at `addr`. */
static unsigned told_at(const struct replica *replica, hwaddr addr)
{
    unsigned num = 0;

    for (size_t i = 0; i < replica->zone_num; i++) {
        num += replica->zones[i].first <= addr && replica->zones[i].last >= addr;
    }
    return num;
}

static bool coalesced_at(const struct oracle_region *region, uint64_t offset)
{
    for (unsigned i = 0; i < region->zone_num; i++) {
        if (region->zones[i].first <= offset && region->zones[i].last >= offset) {
            return true;
        }
    }
    return false;
}

/* Wherever it could change within the range: both sides of each end of each zone. */
static void check_range(struct machine *machine, const struct replica *replica,
                        const struct oracle_range *range)
{
    const struct oracle_region *region = &machine->now.regions[range->region];
    uint64_t points[POINTS_MAX];
    size_t num = 0;

    points[num++] = range->offset;
    points[num++] = range->offset + (range->last - range->first);
    for (unsigned i = 0; i < region->zone_num; i++) {
        points[num++] = region->zones[i].first - 1;
        points[num++] = region->zones[i].first;
        points[num++] = region->zones[i].last;
        points[num++] = region->zones[i].last + 1;
    }
    for (size_t i = 0; i < num; i++) {
        uint64_t inside = points[i] - range->offset;
        hwaddr addr = range->first + inside;

        if (points[i] >= range->offset && inside <= range->last - range->first &&
            told_at(replica, addr) != coalesced_at(region, points[i])) {
            machine_fail(machine, "%u coalesced zones at %" PRIx64, told_at(replica, addr), addr);
        }
    }
}

/* A zone of a listener lies in one range of a region that has zones. */
static void check_told(struct machine *machine, const struct space *space,
                       const MemoryCoalescedZone *zone)
{
    for (size_t i = 0; i < space->expected_num; i++) {
        const struct oracle_range *range = &space->expected[i];

        if (range->first <= zone->first && zone->last <= range->last &&
            machine->now.regions[range->region].zone_num > 0) {
            return;
        }
    }
    machine_fail(machine, "a coalesced zone at %" PRIx64 " is no part of a range", zone->first);
}

void machine_check_zones(struct machine *machine, const struct replica *replica,
                         const struct space *space)
{
    for (size_t i = 0; i < space->expected_num; i++) {
        check_range(machine, replica, &space->expected[i]);
    }
    for (size_t i = 0; i < replica->zone_num; i++) {
        check_told(machine, space, &replica->zones[i]);
    }
}
