/*
 * monitor_map.h - MEMORY_MAP_CHANGED: what changed in the flat views since the last such event, at
 * most ten times a second however often the guest changes them.
 *
 * A commit costs its thread one flag, and the first one after an event a wake-up of the loop. The
 * differences are worked out on the loop's thread from two views. Changes that were taken back in
 * between are not told.
 *
 * data: {"spaces": [{"address-space", "removed": [range...], "added": [range...], "changed":
 * [range...]}...], "complete"}; a range is {"first", "last", "region", "offset", "type",
 * "readonly", "logged"}, numbers as map_json.h has them; "changed" are those that differ in
 * "logged" alone. "complete" is false when there were more than MONITOR_MAP_RANGES_MAX: ask
 * acre-query-flatview.
 */
#ifndef ACRE_VMM_MONITOR_MAP_H
#define ACRE_VMM_MONITOR_MAP_H

#include "vmm/machine.h"

enum { MONITOR_MAP_INTERVAL_MS = 100, MONITOR_MAP_RANGES_MAX = 1024, MONITOR_MAP_SPACES = 2 };

struct monitor_map {
    /* private */
    struct machine *machine;
    struct monitor_map_space {
        AddressSpace *as;
        MemoryListener listener;
        FlatView *told; /* what clients know; NULL: there are none */
    } spaces[MONITOR_MAP_SPACES];
    struct loop_work work;
    struct loop_source timer; /* a timerfd */
    int64_t told_ms;          /* CLOCK_MONOTONIC */
    _Atomic bool wanted, pending;
};

/*
 * Context of all: the loop's thread; of start and stop: no vCPU runs.
 * Returns: 0; -errno of timerfd or the loop; then nothing is left.
 */
int monitor_map_start(struct monitor_map *map, struct machine *machine)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void monitor_map_stop(struct monitor_map *map);
/* Somebody listens from now on, or nobody does. Does nothing when that is so already. */
void monitor_map_want(struct monitor_map *map, bool wanted);

#endif
