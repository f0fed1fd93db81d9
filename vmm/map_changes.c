/*
 * map_changes.c - two listeners of the lowest priority. A commit calls them with the core lock
 * held, so the ring has one writer.
 */
#include "vmm/map_changes.h"

#include <stdio.h>

enum { PRIORITY = 40 /* after everybody who acts on a commit */ };

static void widen(struct map_change *change, const MemoryRegionSection *sections, size_t num)
{
    if (num == 0) {
        return;
    }
    if (sections[0].offset_within_address_space < change->first) {
        change->first = sections[0].offset_within_address_space;
    }
    if (sections[num - 1].last > change->last) {
        change->last = sections[num - 1].last;
    }
}

static void committed(struct map_changes *changes, const MemoryCommit *commit, bool io)
{
    struct map_change *change = &changes->ring[changes->num % MAP_CHANGES_LEN];

    if (!changes->listening || commit->del_num + commit->add_num == 0) {
        return;
    }
    *change = (struct map_change){
        .number = ++changes->num,
        .io = io,
        .cause = commit->cause,
        .removed = (uint32_t)commit->del_num,
        .added = (uint32_t)commit->add_num,
        .first = UINT64_MAX,
    };
    if (commit->cause_region) {
        (void)snprintf(change->region, sizeof(change->region), "%s", commit->cause_region);
    }
    widen(change, commit->del, commit->del_num);
    widen(change, commit->add, commit->add_num);
}

static void memory_committed(MemoryListener *listener, const MemoryCommit *commit)
{
    committed(listener->opaque, commit, false);
}

static void io_committed(MemoryListener *listener, const MemoryCommit *commit)
{
    committed(listener->opaque, commit, true);
}

int map_changes_start(struct map_changes *changes, AddressSpace *memory, AddressSpace *io)
{
    const MemoryListener base = {.name = "map-changes", .priority = PRIORITY, .opaque = changes};
    int result;

    *changes = (struct map_changes){.memory = base, .io = base};
    changes->memory.commit = memory_committed;
    changes->io.commit = io_committed;
    result = memory_listener_register(&changes->memory, memory);
    if (result == 0) {
        result = memory_listener_register(&changes->io, io);
    }
    if (result < 0) {
        map_changes_stop(changes);
    }
    changes->listening = result == 0;
    return result;
}

void map_changes_stop(struct map_changes *changes)
{
    changes->listening = false;
    memory_listener_unregister(&changes->io);
    memory_listener_unregister(&changes->memory);
}

size_t map_changes_read(const struct map_changes *changes, struct map_change *out)
{
    uint64_t first = changes->num > MAP_CHANGES_LEN ? changes->num - MAP_CHANGES_LEN : 0;
    size_t num = 0;
    uint64_t i;

    for (i = first; i < changes->num; i++) {
        out[num++] = changes->ring[i % MAP_CHANGES_LEN];
    }
    return num;
}
