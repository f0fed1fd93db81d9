/* addr_json.c - the chain as JSON, in the words of map_json.c. */
#include "vmm/addr_chain.h"
#include "vmm/map_json_parts.h"
#include "vmm/why.h"

static json_t *levels_of(struct map_json *map, const struct x86_walk *walk)
{
    json_t *levels = json_array();
    char flags[48];
    unsigned i;

    for (i = 0; i < walk->level_num; i++) {
        const struct x86_walk_level *level = &walk->levels[i];
        json_t *object = map_json_add(map, levels);

        x86_walk_flags(level, flags, sizeof(flags));
        map_json_set_text(map, object, "name", level->name);
        map_json_set(map, object, "index", json_integer(level->index));
        map_json_set_hex(map, object, "address", level->entry_gpa);
        if (walk->result != X86_WALK_NO_MEMORY || i + 1 < walk->level_num) {
            map_json_set_hex(map, object, "value", level->raw);
            map_json_set_text(map, object, "flags", flags);
        }
        map_json_set_bool(map, object, "page", level->leaf);
    }
    return levels;
}

static json_t *kvm_of(struct map_json *map, const struct addr_linear *linear)
{
    json_t *object = json_object();

    map_json_set_text(map, object, "result", addr_kvm_name(linear->kvm));
    if (linear->kvm != ADDR_KVM_NOT_ASKED && linear->kvm_result == 0) {
        map_json_set_hex(map, object, "gpa", linear->kvm_gpa);
    }
    return object;
}

static json_t *linear_of(struct map_json *map, const struct addr_linear *linear)
{
    const struct x86_walk *walk = &linear->walk;
    json_t *object = json_object();

    map_json_set_text(map, object, "mode", x86_paging_mode_name(walk->mode));
    map_json_set_hex(map, object, "cr3", linear->paging.regs.cr3);
    map_json_set(map, object, "levels", levels_of(map, walk));
    map_json_set_text(map, object, "result", x86_walk_result_name(walk->result));
    map_json_set(map, object, "kvm", kvm_of(map, linear));
    if (walk->result == X86_WALK_OK) {
        map_json_set_hex(map, object, "gpa", walk->gpa);
        map_json_set_hex(map, object, "page-size", walk->page_size);
        map_json_set_bool(map, object, "writable", walk->writable);
        map_json_set_bool(map, object, "user", walk->user);
        map_json_set_bool(map, object, "executable", walk->executable);
        map_json_set_bool(map, object, "global", walk->global);
    }
    return object;
}

static json_t *path_of(struct map_json *map, const struct addr_path *path)
{
    json_t *names = json_array();
    unsigned i;

    for (i = 0; i < path->num; i++) {
        map->failed |=
            json_array_append_new(names, json_string(memory_region_name(path->steps[i].mr))) < 0;
    }
    return names;
}

static json_t *range_of(struct map_json *map, const struct addr_place *place)
{
    const FlatRange *range = place->range;
    json_t *object;

    if (!range) {
        return json_null();
    }
    object = json_object();
    map_json_set_hex(map, object, "first", range->first);
    map_json_set_hex(map, object, "last", range->last);
    map_json_set_text(map, object, "region", memory_region_name(range->mr));
    map_json_set_hex(map, object, "offset", range->offset_in_region + (place->gpa - range->first));
    map_json_set_text(map, object, "type",
                      memory_region_type_name(range->mr, range->readonly, range->nonvolatile));
    return object;
}

static json_t *slot_of(struct map_json *map, const struct kvm_slot *slot)
{
    json_t *object;

    if (!slot) {
        return json_null();
    }
    object = json_object();
    map_json_set_slot(map, object, slot);
    return object;
}

static json_t *places_of(struct map_json *map, const struct addr_chain *chain)
{
    json_t *places = json_array();
    size_t i;

    for (i = 0; i < chain->place_num; i++) {
        const struct addr_place *place = &chain->places[i];
        json_t *object = map_json_add(map, places);

        map_json_set_hex(map, object, "gpa", place->gpa);
        map_json_set(map, object, "path", path_of(map, &place->path));
        map_json_set(map, object, "range", range_of(map, place));
        map_json_set(map, object, "slot", slot_of(map, place->slot));
    }
    return places;
}

static json_t *host_of(struct map_json *map, const struct addr_host *host)
{
    json_t *object = json_object(), *page = json_object();
    const RAMBlock *block = host->block;

    map_json_set_text(map, page, "state", pagemap_state_name(host->page.state));
    if (host->page.state == PAGEMAP_PRESENT) {
        map_json_set_hex(map, page, "hpa", host->page.hpa);
    } else {
        map_json_set_text(map, page, "reason", pagemap_why(&host->page));
    }
    map_json_set_hex(map, object, "hva", host->hva);
    map_json_set_text(map, object, "ram-block", block->name);
    map_json_set_hex(map, object, "offset", host->offset);
    map_json_set_text(map, object, "backing", map_backing_name(block->backing));
    if (block->fd >= 0) {
        map_json_set_hex(map, object, "file-offset", block->fd_offset + host->offset);
    }
    map_json_set(map, object, "page", page);
    return object;
}

json_t *addr_chain_json(const struct addr_chain *chain)
{
    struct map_json map = {.failed = false}; /* no array: its parts are set where they belong */
    json_t *object = json_object();

    map_json_set_text(&map, object, "format", "acre-addr");
    map_json_set(&map, object, "version", json_integer(MAP_JSON_VERSION));
    map_json_set_text(&map, object, "space", addr_space_name(chain->request.space));
    map_json_set_hex(&map, object, "address", chain->request.addr);
    if (chain->request.space == ADDR_GVA) {
        map_json_set(&map, object, "cpu", json_integer(chain->request.cpu));
        map_json_set(&map, object, "linear", linear_of(&map, &chain->linear));
    }
    map_json_set(&map, object, "places", places_of(&map, chain));
    if (chain->request.space != ADDR_HVA && chain->place_num == 1) {
        map_json_set(&map, object, "why",
                     map_json_why(board_memory(chain->machine->board), chain->places[0].gpa,
                                  WHY_MEMORY_SIZE_MAX, &chain->machine->slots));
    }
    if (chain->host.block) {
        map_json_set(&map, object, "host", host_of(&map, &chain->host));
    }
    if (map.failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}
