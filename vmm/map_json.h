/*
 * map_json.h - the memory map as JSON: regions, flat views, slots, RAM blocks, explanations.
 *
 * Numbers that may exceed 2^53 (addresses, sizes, offsets) are strings "0x...", lower case, without
 * leading zeros; so are all of one kind, small or not. A size of 2^64 is "0x10000000000000000".
 * Fields may be added; MAP_JSON_VERSION goes up when one changes its meaning.
 *
 * - map: {"format": "acre-map", "version": 1, "trees": [tree...], "flat-views": [view...],
 *   "slots": [slot...], "traps": [trap...], "ram-blocks": [block...]}
 * - tree: {"address-spaces": [name...], "root": region}; of a region that only aliases show,
 *   address-spaces is empty
 * - region: {"name", "kind", "first", "last", "size", "priority", "enabled", "live", "readonly",
 *   "nonvolatile", "children": [region...]} and where they apply "owner", "alias": {"target",
 *   "offset"}, "romd", "ram-block", "eventfds", "coalesced" (counts), "access": {"valid": [min,
 *   max], "impl": [min, max], "unaligned", "big-endian"}
 * - view: {"address-spaces": [name...], "root": name, "ranges": [range...]}
 * - range: {"first", "last", "region", "offset", "type", "priority", "readonly", "nonvolatile",
 *   "logged"} and "slots": [id...] where KVM has them
 * - slot: {"id", "first", "last", "size", "flags": ["readonly", "log-dirty-pages"], "region",
 *   "ram-block", "offset"} and, on demand, "hva"
 * - trap: {"first", "last", "region", "ram-block", "offset"}: memory without a slot, since it is no
 *   whole page of the host's
 * - block: {"name", "offset", "used", "max", "page-size", "backing", "readonly", "shared"}
 * - why: {"format": "acre-why", "version": 1, "address-space", "address", "winner": name or null,
 *   "complete" (false: there was more), "unassigned": {"fill", "result"}, "steps": [step...],
 *   "accesses": [access...]} and of the space that has slots "slot": slot or null
 * - step: {"region", "kind", "priority", "depth", "first", "last", "offset", "state", "readonly"},
 *   "alias": {"target", "offset"}, "rule", "by"
 * - access: {"size", "write", "pieces": [piece...]}
 * - piece: {"address", "size", "kind"} and "region", "offset", "unit-size", "read-first", "reason"
 *   ("accepts", "unaligned", "size") of a refused one
 *
 * vmm/schemas has these as JSON Schema (acre-map, acre-why, acre-map-diff).
 *
 * Every function gives a new reference, or NULL out of memory. Context: any thread registered with
 * memory_thread_register(); the core lock is taken inside.
 */
#ifndef ACRE_VMM_MAP_JSON_H
#define ACRE_VMM_MAP_JSON_H

#include <jansson.h>

#include "memory/memory.h"
#include "vmm/kvm_slots.h"

enum { MAP_JSON_VERSION = 1 };

/* "0x1f". */
json_t *map_json_hex(uint64_t value);

json_t *map_json_trees(struct memory_core *core);
/* @slots  those of `memory`; NULL: none are named. */
json_t *map_json_views(struct memory_core *core, const AddressSpace *memory,
                       const struct kvm_slots *slots);
/* @hva  name host addresses, which change with every run. */
json_t *map_json_slots(const struct kvm_slots *slots, bool hva);
json_t *map_json_blocks(struct memory_core *core);
/* All of it. */
json_t *map_json(struct memory_core *core, AddressSpace *memory, const struct kvm_slots *slots,
                 bool hva);

/*
 * Who answers at an address and what accesses of 1, 2, 4 and 8 bytes, up to size_max, do.
 * @slots  of this space; NULL: it has none.
 */
json_t *map_json_why(AddressSpace *as, hwaddr addr, unsigned size_max,
                     const struct kvm_slots *slots);

/* The words of JSON and text alike. */
const char *map_state_name(MemoryExplainState state);
const char *map_rule_name(MemoryExplainRule rule);
const char *map_piece_name(MemoryPieceKind kind);
const char *map_refusal_name(MemoryRefusal refusal);
const char *map_backing_name(enum ram_backing backing);

#endif
