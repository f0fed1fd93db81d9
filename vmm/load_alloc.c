/*
 * load_alloc.c - free room is what the map's RAM entries have and the used list has not. Each gap
 * between used ranges is tried in turn, upwards or downwards.
 */
#include "vmm/load_alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int load_alloc_init(struct load_alloc *alloc, const struct boot_map_entry *map, size_t map_num,
                    size_t used_max)
{
    *alloc = (struct load_alloc){.map = map, .map_num = map_num, .used_max = used_max};
    alloc->used = calloc(used_max, sizeof(*alloc->used));
    return alloc->used ? 0 : -ENOMEM;
}

void load_alloc_finish(struct load_alloc *alloc)
{
    free(alloc->used);
    *alloc = (struct load_alloc){0};
}

void load_alloc_reserve(struct load_alloc *alloc, uint64_t first, uint64_t last)
{
    struct load_used *used = alloc->used;
    size_t at = 0, end;

    assert(first <= last);
    while (at < alloc->used_num && used[at].last < first) {
        at++;
    }
    /* [at, end) overlap the new range and become one with it. */
    for (end = at; end < alloc->used_num && used[end].first <= last; end++) {
        first = used[end].first < first ? used[end].first : first;
        last = used[end].last > last ? used[end].last : last;
    }
    assert(end > at || alloc->used_num < alloc->used_max);
    memmove(&used[at + 1], &used[end], (alloc->used_num - end) * sizeof(*used));
    alloc->used_num = alloc->used_num - (end - at) + 1;
    used[at] = (struct load_used){first, last};
}

bool load_alloc_is_ram(const struct load_alloc *alloc, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < alloc->map_num; i++) {
        const struct boot_map_entry *entry = &alloc->map[i];

        if (entry->type != BOOT_MAP_RAM || first < entry->first || first > entry->last) {
            continue;
        }
        if (last <= entry->last) {
            return true;
        }
        first = entry->last + 1; /* the next entry may go on where this one ends */
    }
    return false;
}

uint64_t load_alloc_ram_last(const struct load_alloc *alloc)
{
    uint64_t last = 0;

    for (size_t i = 0; i < alloc->map_num; i++) {
        if (alloc->map[i].type == BOOT_MAP_RAM && alloc->map[i].last > last) {
            last = alloc->map[i].last;
        }
    }
    return last;
}

/* Does the want fit into the free gap [first, last]? */
static bool fit(const struct load_want *want, uint64_t first, uint64_t last, uint64_t *gpa)
{
    uint64_t start;

    first = first > want->first ? first : want->first;
    last = last < want->last ? last : want->last;
    if (first > last || want->size - 1 > last - first) {
        return false;
    }
    if (want->highest) {
        start = last - (want->size - 1);
        start -= start % want->align;
    } else {
        start = first + (want->align - first % want->align) % want->align;
        if (start < first || start > last || want->size - 1 > last - start) {
            return false;
        }
    }
    *gpa = start;
    return start >= first;
}

/* The used ranges cut [first, last] into gaps; tries them upwards, or all and keeps the highest. */
static bool search(const struct load_alloc *alloc, const struct load_want *want, uint64_t first,
                   uint64_t last, uint64_t *gpa)
{
    bool found = false;

    for (size_t i = 0; i < alloc->used_num; i++) {
        const struct load_used *used = &alloc->used[i];

        if (used->last < first) {
            continue;
        }
        if (used->first > last) {
            break;
        }
        if (used->first > first && fit(want, first, used->first - 1, gpa)) {
            found = true;
            if (!want->highest) {
                return true;
            }
        }
        if (used->last >= last) {
            return found;
        }
        first = used->last + 1;
    }
    return fit(want, first, last, gpa) || found;
}

bool load_alloc_get(struct load_alloc *alloc, const struct load_want *want, uint64_t *gpa)
{
    bool found = false;

    assert(want->size > 0 && want->align > 0);
    for (size_t i = 0; i < alloc->map_num && (want->highest || !found); i++) {
        const struct boot_map_entry *entry = &alloc->map[i];

        if (entry->type == BOOT_MAP_RAM && search(alloc, want, entry->first, entry->last, gpa)) {
            found = true;
        }
    }
    if (found) {
        load_alloc_reserve(alloc, *gpa, *gpa + (want->size - 1));
    }
    return found;
}
