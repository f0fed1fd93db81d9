/*
 * map_diff.h - how two maps differ, as flat ranges and slots.
 *
 * Works on what map_json() gives. Spaces are matched by name; ranges and slots are the same when
 * all of their fields are, but for slot numbers.
 *
 * The result: {"format": "acre-map-diff", "version": 1, "equal": bool, "spaces": [{"name",
 * "removed": [range...], "added": [range...]}...], "slots": {"removed": [slot...], "added":
 * [slot...]}}, with spaces that do not differ left out. Ranges and slots are those of map_json.h.
 */
#ifndef ACRE_VMM_MAP_DIFF_H
#define ACRE_VMM_MAP_DIFF_H

#include <jansson.h>

#include "memory/memory.h"

/* Returns: a new reference, or NULL out of memory. Both arguments stay the caller's. */
json_t *map_diff(const json_t *old_map, const json_t *new_map);
bool map_diff_is_equal(const json_t *diff);
/* "-" lines for what only the old map has, "+" lines for the new one, by address. */
void map_diff_print(const json_t *diff, struct memory_sink *sink);

#endif
