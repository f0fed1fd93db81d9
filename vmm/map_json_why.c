/* map_json_why.c - explanations of one address as JSON. */
#include <errno.h>

#include "vmm/map_json_parts.h"

const char *map_state_name(MemoryExplainState state)
{
    static const char *const names[] = {
        [MEMORY_EXPLAIN_WINS] = "wins",         [MEMORY_EXPLAIN_PASSES] = "passes",
        [MEMORY_EXPLAIN_HOLE] = "hole",         [MEMORY_EXPLAIN_HIDDEN] = "hidden",
        [MEMORY_EXPLAIN_DISABLED] = "disabled", [MEMORY_EXPLAIN_CLIPPED] = "clipped",
    };

    return names[state];
}

const char *map_rule_name(MemoryExplainRule rule)
{
    static const char *const names[] = {
        [MEMORY_EXPLAIN_ALONE] = "alone",
        [MEMORY_EXPLAIN_PRIORITY] = "priority",
        [MEMORY_EXPLAIN_NEWEST] = "newest",
        [MEMORY_EXPLAIN_CHILD] = "child",
    };

    return names[rule];
}

const char *map_piece_name(MemoryPieceKind kind)
{
    static const char *const names[] = {
        [MEMORY_PIECE_DIRECT] = "direct",
        [MEMORY_PIECE_RAM_DEVICE] = "ram-device",
        [MEMORY_PIECE_CALL] = "call",
        [MEMORY_PIECE_REFUSED] = "refused",
        [MEMORY_PIECE_CUT] = "cut",
        [MEMORY_PIECE_READ_ONLY] = "read-only",
        [MEMORY_PIECE_UNASSIGNED] = "unassigned",
        [MEMORY_PIECE_IOMMU] = "iommu",
    };

    return names[kind];
}

const char *map_refusal_name(MemoryRefusal refusal)
{
    static const char *const names[] = {
        [MEMORY_REFUSAL_NONE] = "none",
        [MEMORY_REFUSAL_ACCEPTS] = "accepts",
        [MEMORY_REFUSAL_UNALIGNED] = "unaligned",
        [MEMORY_REFUSAL_SIZE] = "size",
    };

    return names[refusal];
}

struct why {
    struct map_json steps;
    json_t *winner; /* a name, or NULL */
};

static void add_step(void *opaque, const MemoryExplainStep *step)
{
    struct why *why = opaque;
    struct map_json *map = &why->steps;
    json_t *object = map_json_add(map, map->array);
    bool ruled = step->state == MEMORY_EXPLAIN_WINS || step->state == MEMORY_EXPLAIN_HIDDEN;
    MemoryRegionInfo info = memory_region_info(step->mr);

    map_json_set_text(map, object, "region", info.name);
    map_json_set_text(map, object, "kind", memory_region_kind_name(info.kind));
    map_json_set(map, object, "priority", json_integer(info.priority));
    map_json_set_alias(map, object, &info);
    map_json_set(map, object, "depth", json_integer(step->depth));
    map_json_set_hex(map, object, "first", step->first);
    map_json_set_hex(map, object, "last", step->last);
    map_json_set_hex(map, object, "offset", step->offset);
    map_json_set_text(map, object, "state", map_state_name(step->state));
    map_json_set_bool(map, object, "readonly", step->readonly);
    if (ruled) {
        map_json_set_text(map, object, "rule", map_rule_name(step->rule));
    }
    if (step->by) {
        map_json_set_text(map, object, "by", memory_region_name(step->by));
    }
    if (step->state == MEMORY_EXPLAIN_WINS) {
        why->winner = json_string(memory_region_name(step->mr));
    }
}

static void add_piece(void *opaque, const MemoryPiece *piece)
{
    struct map_json *map = opaque;
    json_t *object = map_json_add(map, map->array);

    map_json_set_hex(map, object, "address", piece->addr);
    map_json_set(map, object, "size", json_integer(piece->size));
    map_json_set_text(map, object, "kind", map_piece_name(piece->kind));
    if (piece->mr) {
        map_json_set_text(map, object, "region", memory_region_name(piece->mr));
        map_json_set_hex(map, object, "offset", piece->unit_offset);
    }
    if (piece->target_as) {
        map_json_set_text(map, object, "target-space", piece->target_as->name);
        map_json_set_hex(map, object, "target-address", piece->target_addr);
    }
    if (piece->kind == MEMORY_PIECE_REFUSED) {
        map_json_set_text(map, object, "reason", map_refusal_name(piece->refusal));
    }
    if (piece->kind == MEMORY_PIECE_CALL) {
        map_json_set(map, object, "unit-size", json_integer(piece->unit_size));
        map_json_set_bool(map, object, "read-first", piece->read_first);
    }
}

static json_t *accesses(AddressSpace *as, hwaddr addr, unsigned size_max)
{
    struct map_json all = {.array = json_array()};
    unsigned size, write;

    for (size = 1; size <= size_max; size *= 2) {
        for (write = 0; write < 2; write++) {
            struct map_json pieces = {.array = json_array()};
            json_t *object = map_json_add(&all, all.array);

            memory_explain_access(as, addr, size, write != 0, add_piece, &pieces);
            map_json_set(&all, object, "size", json_integer(size));
            map_json_set_bool(&all, object, "write", write != 0);
            map_json_set(&all, object, "pieces", map_json_finish(&pieces));
        }
    }
    return map_json_finish(&all);
}

/* What nobody's bytes are. */
static json_t *unassigned(const AddressSpace *as)
{
    return json_pack("{s:o, s:s}", "fill", map_json_hex(as->unassigned.fill), "result",
                     as->unassigned.result == MEMTX_OK ? "ok" : "decode-error");
}

json_t *map_json_why(AddressSpace *as, hwaddr addr, unsigned size_max,
                     const struct kvm_slots *slots)
{
    struct why why = {.steps = {.array = json_array()}};
    int ret = memory_explain(as, addr, add_step, &why);
    struct map_json map = {.array = json_object()};
    json_t *object = map.array, *steps = map_json_finish(&why.steps), *part;
    const struct kvm_slot *slot = slots ? kvm_slots_lookup(slots, addr) : NULL;

    if (ret == -ENOMEM) {
        json_decref(steps);
        steps = NULL;
    }
    map_json_set_text(&map, object, "format", "acre-why");
    map_json_set(&map, object, "version", json_integer(MAP_JSON_VERSION));
    map_json_set_text(&map, object, "address-space", as->name);
    map_json_set_hex(&map, object, "address", addr);
    map_json_set(&map, object, "winner", why.winner ? why.winner : json_null());
    map_json_set_bool(&map, object, "complete", ret == 0);
    map_json_set(&map, object, "unassigned", unassigned(as));
    if (slots) {
        part = slot ? json_object() : json_null();
        if (slot) {
            map_json_set_slot(&map, part, slot);
        }
        map_json_set(&map, object, "slot", part);
    }
    map_json_set(&map, object, "steps", steps);
    map_json_set(&map, object, "accesses", accesses(as, addr, size_max));
    return map_json_finish(&map);
}
