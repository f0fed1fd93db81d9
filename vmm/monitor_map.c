/*
 * monitor_map.c - a listener that only says that something happened; the rest is a walk over the
 * old view and the new one side by side.
 */
#include "vmm/monitor_map.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "vmm/map_json.h"
#include "vmm/monitor.h"

static int64_t now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the difference ---- */

struct diff {
    json_t *removed, *added, *changed;
    unsigned room; /* ranges that may still be told */
    bool cut;
};

static void add_range(struct diff *diff, json_t *array, const FlatRange *range)
{
    if (diff->room == 0) {
        diff->cut = true;
        return;
    }
    diff->room--;
    (void)json_array_append_new(
        array, json_pack("{s:o, s:o, s:s, s:o, s:s, s:b, s:b}", "first", map_json_hex(range->first),
                         "last", map_json_hex(range->last), "region", memory_region_name(range->mr),
                         "offset", map_json_hex(range->offset_in_region), "type",
                         memory_region_type_name(range->mr, range->readonly, range->nonvolatile),
                         "readonly", range->readonly, "logged", range->dirty_log_mask != 0));
}

static bool shows_same(const FlatRange *a, const FlatRange *b)
{
    return a->first == b->first && a->last == b->last && a->mr == b->mr &&
           a->offset_in_region == b->offset_in_region && a->readonly == b->readonly &&
           a->romd_mode == b->romd_mode && a->nonvolatile == b->nonvolatile;
}

static const FlatRange *next_range(const FlatView *view, const FlatRange *range)
{
    return range->last == UINT64_MAX ? NULL : flatview_at_or_after(view, range->last + 1);
}

static void compare(struct diff *diff, const FlatView *old_view, const FlatView *new_view)
{
    const FlatRange *a = flatview_at_or_after(old_view, 0);
    const FlatRange *b = flatview_at_or_after(new_view, 0);

    while ((a || b) && !diff->cut) {
        if (a && b && shows_same(a, b)) {
            if (a->dirty_log_mask != b->dirty_log_mask) {
                add_range(diff, diff->changed, b);
            }
            a = next_range(old_view, a);
            b = next_range(new_view, b);
        } else if (a && (!b || a->first <= b->first)) {
            add_range(diff, diff->removed, a);
            a = next_range(old_view, a);
        } else {
            add_range(diff, diff->added, b);
            b = next_range(new_view, b);
        }
    }
}

/* Adds what changed in a space, if anything did, and remembers what it is now. */
static void tell_space(struct monitor_map_space *space, json_t *spaces, unsigned *room, bool *cut)
{
    struct diff diff = {
        .removed = json_array(), .added = json_array(), .changed = json_array(), .room = *room};
    FlatView *view = address_space_get_flatview(space->as);
    unsigned before = diff.room;

    if (space->told != view) {
        compare(&diff, space->told, view);
    }
    flatview_unref(space->told);
    space->told = view;
    *room = diff.room;
    *cut |= diff.cut;
    if (diff.room < before || diff.cut) {
        (void)json_array_append_new(
            spaces, json_pack("{s:s, s:o, s:o, s:o}", "address-space", space->as->name, "removed",
                              diff.removed, "added", diff.added, "changed", diff.changed));
    } else {
        json_decref(diff.removed);
        json_decref(diff.added);
        json_decref(diff.changed);
    }
}

static void tell(struct monitor_map *map)
{
    unsigned room = MONITOR_MAP_RANGES_MAX, i;
    json_t *spaces = json_array();
    bool cut = false;

    atomic_store(&map->pending, false); /* first: what comes from here on is news again */
    for (i = 0; i < MONITOR_MAP_SPACES && atomic_load(&map->wanted); i++) {
        tell_space(&map->spaces[i], spaces, &room, &cut);
    }
    if (json_array_size(spaces) > 0) {
        map->told_ms = now_ms();
        monitor_event(map->machine, "MEMORY_MAP_CHANGED",
                      json_pack("{s:O, s:b}", "spaces", spaces, "complete", !cut));
    }
    json_decref(spaces);
}

/* ---- when ---- */

static void committed(MemoryListener *listener, const MemoryCommit *commit)
{
    struct monitor_map *map = listener->opaque;

    (void)commit;
    if (atomic_load_explicit(&map->wanted, memory_order_relaxed) &&
        !atomic_exchange(&map->pending, true)) {
        loop_post(&map->machine->loop, &map->work);
    }
}

/* At once, or when enough time has passed since the last event. */
static void schedule(void *opaque)
{
    struct monitor_map *map = opaque;
    int64_t wait_ms = map->told_ms + MONITOR_MAP_INTERVAL_MS - now_ms();
    const struct itimerspec when = {.it_value.tv_nsec = wait_ms * 1000000};

    if (wait_ms <= 0 || timerfd_settime(map->timer.fd, 0, &when, NULL) < 0) {
        tell(map);
    }
}

static void timer_ready(void *opaque, uint32_t events)
{
    struct monitor_map *map = opaque;
    uint64_t expired;

    (void)events;
    if (read(map->timer.fd, &expired, sizeof(expired)) == (ssize_t)sizeof(expired)) {
        tell(map);
    }
}

void monitor_map_want(struct monitor_map *map, bool wanted)
{
    unsigned i;

    if (wanted == atomic_load(&map->wanted)) {
        return;
    }
    for (i = 0; i < MONITOR_MAP_SPACES; i++) {
        flatview_unref(map->spaces[i].told);
        map->spaces[i].told = wanted ? address_space_get_flatview(map->spaces[i].as) : NULL;
    }
    atomic_store(&map->wanted, wanted);
}

int monitor_map_start(struct monitor_map *map, struct machine *machine)
{
    AddressSpace *const spaces[] = {board_memory(machine->board), board_io(machine->board)};
    unsigned i;
    int ret;

    *map = (struct monitor_map){
        .machine = machine,
        .work = {.run = schedule, .opaque = map},
        .timer = {.events = EPOLLIN, .ready = timer_ready, .opaque = map},
    };
    map->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    ret = map->timer.fd < 0 ? -errno : loop_add(&machine->loop, &map->timer);
    for (i = 0; i < MONITOR_MAP_SPACES && ret == 0; i++) {
        map->spaces[i] = (struct monitor_map_space){
            .as = spaces[i],
            .listener = {.name = "monitor",
                         .priority = INT_MIN,
                         .opaque = map,
                         .commit = committed},
        };
        ret = memory_listener_register(&map->spaces[i].listener, spaces[i]);
    }
    if (ret < 0) {
        monitor_map_stop(map);
    }
    return ret;
}

void monitor_map_stop(struct monitor_map *map)
{
    unsigned i;

    if (!map->machine) {
        return;
    }
    monitor_map_want(map, false);
    for (i = 0; i < MONITOR_MAP_SPACES; i++) {
        memory_listener_unregister(&map->spaces[i].listener);
    }
    if (map->timer.fd >= 0) {
        loop_remove(&map->machine->loop, &map->timer);
        (void)close(map->timer.fd);
    }
    map->machine = NULL;
}
