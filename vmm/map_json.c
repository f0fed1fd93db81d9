/*
 * map_json.c - each walk over the map fills arrays as it goes. A value that cannot be made is
 * noted by jansson's own return values; the first failure makes the whole NULL.
 */
#include "vmm/map_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "vmm/map_json_parts.h"

json_t *map_json_hex(uint64_t value)
{
    char text[20];

    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    return json_string(text);
}

json_t *map_json_finish(struct map_json *map)
{
    if (map->failed) {
        json_decref(map->array);
        return NULL;
    }
    return map->array;
}

void map_json_set(struct map_json *map, json_t *object, const char *key, json_t *value)
{
    map->failed |= json_object_set_new(object, key, value) < 0;
}

void map_json_set_hex(struct map_json *map, json_t *object, const char *key, uint64_t value)
{
    map_json_set(map, object, key, map_json_hex(value));
}

void map_json_set_size(struct map_json *map, json_t *object, const char *key, uint64_t size)
{
    map_json_set(map, object, key,
                 size == UINT64_MAX ? json_string("0x10000000000000000") : map_json_hex(size));
}

void map_json_set_bool(struct map_json *map, json_t *object, const char *key, bool value)
{
    map_json_set(map, object, key, json_boolean(value));
}

void map_json_set_text(struct map_json *map, json_t *object, const char *key, const char *value)
{
    map_json_set(map, object, key, value ? json_string(value) : json_null());
}

json_t *map_json_add(struct map_json *map, json_t *array)
{
    json_t *object = json_object();

    map->failed |= json_array_append_new(array, object) < 0;
    return object;
}

static json_t *names_of(const AddressSpace *as)
{
    json_t *names = json_array();

    for (; as; as = memory_next_space(as)) {
        if (json_array_append_new(names, json_string(as->name)) < 0) {
            json_decref(names);
            return NULL;
        }
    }
    return names;
}

/* ---- trees ---- */

enum { DEPTH_MAX = 512 };

struct trees {
    struct map_json map;
    json_t *tree;                /* borrowed */
    json_t *children[DEPTH_MAX]; /* borrowed: where a region of this depth goes; [0]: unused */
};

static void begin_tree(void *opaque, const MemoryTree *tree)
{
    struct trees *trees = opaque;

    trees->tree = map_json_add(&trees->map, trees->map.array);
    map_json_set(&trees->map, trees->tree, "address-spaces", names_of(tree->as));
}

static void add_access(struct map_json *map, json_t *object, const MemoryRegionOps *ops)
{
    json_t *access = json_object();

    map_json_set(map, access, "valid",
                 json_pack("[ii]",
                           (int)(ops->valid.min_access_size ? ops->valid.min_access_size : 1),
                           (int)(ops->valid.max_access_size ? ops->valid.max_access_size : 8)));
    map_json_set(map, access, "impl",
                 json_pack("[ii]", (int)(ops->impl.min_access_size ? ops->impl.min_access_size : 1),
                           (int)(ops->impl.max_access_size ? ops->impl.max_access_size : 4)));
    map_json_set_bool(map, access, "unaligned", ops->valid.unaligned);
    map_json_set_bool(map, access, "big-endian", ops->endianness == DEVICE_BIG_ENDIAN);
    map_json_set(map, object, "access", access);
}

void map_json_set_alias(struct map_json *map, json_t *object, const MemoryRegionInfo *info)
{
    json_t *alias;

    if (info->alias) {
        alias = json_object();
        map_json_set_text(map, alias, "target", memory_region_name(info->alias));
        map_json_set_hex(map, alias, "offset", info->alias_offset);
        map_json_set(map, object, "alias", alias);
    }
}

static void add_kind(struct map_json *map, json_t *object, const MemoryRegionInfo *info)
{
    if (info->owner) {
        map_json_set_text(map, object, "owner", info->owner);
    }
    map_json_set_alias(map, object, info);
    if (info->kind == MEMORY_REGION_ROM_DEVICE) {
        map_json_set_bool(map, object, "romd", info->romd_mode);
    }
    if (info->block) {
        map_json_set_text(map, object, "ram-block", info->block->name);
    }
    if (info->ops) {
        add_access(map, object, info->ops);
    }
    if (info->eventfd_num) {
        map_json_set(map, object, "eventfds", json_integer((json_int_t)info->eventfd_num));
    }
    if (info->coalesced_num) {
        map_json_set(map, object, "coalesced", json_integer((json_int_t)info->coalesced_num));
    }
}

static void add_region(void *opaque, const MemoryTreeNode *node)
{
    struct trees *trees = opaque;
    struct map_json *map = &trees->map;
    MemoryRegionInfo info = memory_region_info(node->mr);
    json_t *object, *children = json_array();

    if (node->depth + 1 >= DEPTH_MAX) {
        json_decref(children);
        return;
    }
    if (node->depth == 0) {
        object = json_object();
        map_json_set(map, trees->tree, "root", object);
    } else {
        object = map_json_add(map, trees->children[node->depth]);
    }
    map_json_set_text(map, object, "name", info.name);
    map_json_set_text(map, object, "kind", memory_region_kind_name(info.kind));
    map_json_set_hex(map, object, "first", node->first);
    map_json_set_hex(map, object, "last", node->first + (info.size ? range_last(0, info.size) : 0));
    map_json_set_size(map, object, "size", info.size);
    map_json_set(map, object, "priority", json_integer(info.priority));
    map_json_set_bool(map, object, "enabled", info.enabled);
    map_json_set_bool(map, object, "live", node->live);
    map_json_set_bool(map, object, "readonly", info.readonly);
    map_json_set_bool(map, object, "nonvolatile", info.nonvolatile);
    add_kind(map, object, &info);
    map_json_set(map, object, "children", children);
    trees->children[node->depth + 1] = children;
}

json_t *map_json_trees(struct memory_core *core)
{
    static const MemoryTreeVisitor visitor = {
        .begin = begin_tree, .region = add_region, .disabled = true};
    struct trees trees = {.map = {.array = json_array()}};

    memory_walk_trees(core, &visitor, &trees);
    return map_json_finish(&trees.map);
}

/* ---- flat views ---- */

struct views {
    struct map_json map;
    const AddressSpace *memory;
    const struct kvm_slots *slots;
    json_t *ranges; /* borrowed */
    bool with_slots;
};

static json_t *slots_of(const struct kvm_slots *slots, hwaddr first, hwaddr last)
{
    json_t *ids = json_array();
    struct itree_node *node = itree_overlap_first(&slots->slots, first, last);

    for (; node; node = itree_overlap_next(node, first, last)) {
        const struct kvm_slot *slot = itree_entry(node, struct kvm_slot, node);

        if (json_array_append_new(ids, json_integer(slot->id)) < 0) {
            json_decref(ids);
            return NULL;
        }
    }
    return ids;
}

static bool add_range(const FlatRange *range, void *opaque)
{
    struct views *views = opaque;
    struct map_json *map = &views->map;
    json_t *object = map_json_add(map, views->ranges);

    map_json_set_hex(map, object, "first", range->first);
    map_json_set_hex(map, object, "last", range->last);
    map_json_set_text(map, object, "region", memory_region_name(range->mr));
    map_json_set_hex(map, object, "offset", range->offset_in_region);
    map_json_set_text(map, object, "type",
                      memory_region_type_name(range->mr, range->readonly, range->nonvolatile));
    map_json_set(map, object, "priority", json_integer(memory_region_info(range->mr).priority));
    map_json_set_bool(map, object, "readonly", range->readonly);
    map_json_set_bool(map, object, "nonvolatile", range->nonvolatile);
    map_json_set_bool(map, object, "logged", range->dirty_log_mask != 0);
    if (views->with_slots) {
        map_json_set(map, object, "slots", slots_of(views->slots, range->first, range->last));
    }
    return map->failed;
}

static void add_view(void *opaque, AddressSpace *as, bool first)
{
    struct views *views = opaque;
    FlatView *view;
    json_t *object;

    if (!first) {
        return;
    }
    object = map_json_add(&views->map, views->map.array);
    views->ranges = json_array();
    views->with_slots = views->slots && views->memory == as;
    map_json_set(&views->map, object, "address-spaces", names_of(as));
    map_json_set_text(&views->map, object, "root", memory_region_name(as->root));
    map_json_set(&views->map, object, "ranges", views->ranges);
    view = address_space_get_flatview(as);
    (void)flatview_for_each_range(view, add_range, views);
    flatview_unref(view);
}

json_t *map_json_views(struct memory_core *core, const AddressSpace *memory,
                       const struct kvm_slots *slots)
{
    struct views views = {.map = {.array = json_array()}, .memory = memory, .slots = slots};

    memory_walk_spaces(core, add_view, &views);
    return map_json_finish(&views.map);
}

/* ---- slots and blocks ---- */

struct slots_walk {
    struct map_json map;
    bool hva;
};

static json_t *flag_names(uint32_t flags)
{
    json_t *names = json_array();
    int failed = 0;

    if (flags & KVM_MEM_READONLY) {
        failed |= json_array_append_new(names, json_string("readonly"));
    }
    if (flags & KVM_MEM_LOG_DIRTY_PAGES) {
        failed |= json_array_append_new(names, json_string("log-dirty-pages"));
    }
    if (failed) {
        json_decref(names);
        return NULL;
    }
    return names;
}

void map_json_set_slot(struct map_json *map, json_t *object, const struct kvm_slot *slot)
{
    const RAMBlock *block = memory_region_info(slot->mr).block;

    map_json_set(map, object, "id", json_integer(slot->id));
    map_json_set_hex(map, object, "first", slot->node.first);
    map_json_set_hex(map, object, "last", slot->node.last);
    map_json_set_hex(map, object, "size", range_size(slot->node.first, slot->node.last));
    map_json_set(map, object, "flags", flag_names(slot->flags));
    map_json_set_text(map, object, "region", memory_region_name(slot->mr));
    if (block) {
        map_json_set_text(map, object, "ram-block", block->name);
        map_json_set_hex(map, object, "offset", slot->hva - (uint64_t)(uintptr_t)block->host);
    }
}

static void add_slot(void *opaque, const struct kvm_slot *slot)
{
    struct slots_walk *walk = opaque;
    struct map_json *map = &walk->map;
    json_t *object = map_json_add(map, map->array);

    map_json_set_slot(map, object, slot);
    if (walk->hva) {
        map_json_set_hex(map, object, "hva", slot->hva);
    }
}

json_t *map_json_slots(const struct kvm_slots *slots, bool hva)
{
    struct slots_walk walk = {.map = {.array = json_array()}, .hva = hva};

    kvm_slots_for_each(slots, add_slot, &walk);
    return map_json_finish(&walk.map);
}

static void add_trap(void *opaque, const FlatRange *range, hwaddr first, hwaddr last)
{
    const RAMBlock *block = memory_region_info(range->mr).block;
    struct map_json *map = opaque;
    json_t *object = map_json_add(map, map->array);

    map_json_set_hex(map, object, "first", first);
    map_json_set_hex(map, object, "last", last);
    map_json_set_text(map, object, "region", memory_region_name(range->mr));
    map_json_set_text(map, object, "ram-block", block ? block->name : NULL);
    map_json_set_hex(map, object, "offset", range->offset_in_region + (first - range->first));
}

static json_t *traps_of(AddressSpace *memory, const struct kvm_slots *slots)
{
    struct map_json map = {.array = json_array()};
    FlatView *view = address_space_get_flatview(memory);

    kvm_slots_for_each_trap(slots, view, add_trap, &map);
    flatview_unref(view);
    return map_json_finish(&map);
}

const char *map_backing_name(enum ram_backing backing)
{
    static const char *const names[] = {
        [RAM_ANONYMOUS] = "anonymous",
        [RAM_MEMFD] = "memfd",
        [RAM_FD] = "file",
        [RAM_PTR] = "pointer",
    };

    return names[backing];
}

static void add_block(void *opaque, const RAMBlock *block)
{
    struct map_json *map = opaque;
    json_t *object = map_json_add(map, map->array);

    map_json_set_text(map, object, "name", block->name);
    map_json_set_hex(map, object, "offset", block->offset);
    map_json_set_hex(map, object, "used", block->used_length);
    map_json_set_hex(map, object, "max", block->max_length);
    map_json_set_hex(map, object, "page-size", block->page_size);
    map_json_set_text(map, object, "backing", map_backing_name(block->backing));
    map_json_set_bool(map, object, "readonly", block->readonly);
    map_json_set_bool(map, object, "shared", block->shared);
}

json_t *map_json_blocks(struct memory_core *core)
{
    struct map_json map = {.array = json_array()};

    memory_walk_blocks(core, add_block, &map);
    return map_json_finish(&map);
}

json_t *map_json(struct memory_core *core, AddressSpace *memory, const struct kvm_slots *slots,
                 bool hva)
{
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "format", "acre-map", "version",
                     MAP_JSON_VERSION, "trees", map_json_trees(core), "flat-views",
                     map_json_views(core, memory, slots), "slots", map_json_slots(slots, hva),
                     "traps", traps_of(memory, slots), "ram-blocks", map_json_blocks(core));
}
