/*
 * map_json_parts.h - what map_json*.c and those that add to it (addr_json.c, commit_json.c) share:
 * an array under construction that remembers the first failure. Private to them.
 */
#ifndef ACRE_VMM_MAP_JSON_PARTS_H
#define ACRE_VMM_MAP_JSON_PARTS_H

#include "vmm/map_json.h"

struct map_json {
    json_t *array;
    bool failed; /* out of memory */
};

/* The array, or NULL when something failed. */
json_t *map_json_finish(struct map_json *map);
/* Appends a new object. Returns: it, borrowed; may be NULL, which all of these accept. */
json_t *map_json_add(struct map_json *map, json_t *array);
void map_json_set(struct map_json *map, json_t *object, const char *key, json_t *value);
void map_json_set_hex(struct map_json *map, json_t *object, const char *key, uint64_t value);
/* A size, for which UINT64_MAX is 2^64. */
void map_json_set_size(struct map_json *map, json_t *object, const char *key, uint64_t size);
void map_json_set_bool(struct map_json *map, json_t *object, const char *key, bool value);
/* NULL becomes null. */
void map_json_set_text(struct map_json *map, json_t *object, const char *key, const char *value);
/* "alias": {"target", "offset"}, of an alias. */
void map_json_set_alias(struct map_json *map, json_t *object, const MemoryRegionInfo *info);
/* The members of a slot, but for its hva. */
void map_json_set_slot(struct map_json *map, json_t *object, const struct kvm_slot *slot);

#endif
