/*
 * commit_json.c - a commit as a JSON object, of the parts that the map's JSON is made of.
 */
#include "vmm/commit_report.h"

#include "vmm/map_json_parts.h"

#define NS_PER_US 1000.0

static void add_section(struct map_json *map, json_t *array, const MemoryRegionSection *section)
{
    json_t *object = map_json_add(map, array);

    map_json_set_hex(map, object, "first", section->offset_within_address_space);
    map_json_set_hex(map, object, "last", section->last);
    map_json_set_text(map, object, "region", memory_region_name(section->mr));
    map_json_set_hex(map, object, "offset", section->offset_within_region);
    map_json_set_text(
        map, object, "type",
        memory_region_type_name(section->mr, section->readonly, section->nonvolatile));
}

static void set_sections(struct map_json *map, json_t *object, const char *key,
                         const MemoryRegionSection *sections, size_t num)
{
    json_t *array = json_array();
    size_t i;

    for (i = 0; i < num; i++) {
        add_section(map, array, &sections[i]);
    }
    map_json_set(map, object, key, array);
}

static void set_changed(struct map_json *map, json_t *object, const MemoryCommit *commit)
{
    json_t *array = json_array();
    size_t i;

    for (i = 0; i < commit->log_num; i++) {
        add_section(map, array, &commit->log[i].section);
    }
    map_json_set(map, object, "changed", array);
}

struct slot_array {
    struct map_json *map;
    json_t *array;
};

static void add_slot(void *opaque, const struct kvm_slot *slot)
{
    const struct slot_array *to = opaque;
    json_t *item = map_json_add(to->map, to->array);

    map_json_set_slot(to->map, item, slot);
    map_json_set(to->map, item, "us", json_real((double)slot->ioctl_ns / NS_PER_US));
}

static json_t *slot_list(struct map_json *map, const struct kvm_slot *slot)
{
    struct slot_array to = {map, json_array()};

    for (; slot; slot = slot->next) {
        add_slot(&to, slot);
    }
    return to.array;
}

static void set_slot_delta(struct map_json *map, json_t *object, const struct commit_report *report)
{
    const struct kvm_slots_delta delta = commit_slots(report);
    struct slot_array added = {map, slot_list(map, delta.added)};
    json_t *part = json_object();

    if (report->built) {
        kvm_slots_for_each(report->slots, add_slot, &added);
    }

    map_json_set(map, part, "ioctls", json_integer(delta.ioctls));
    map_json_set(map, part, "us", json_real((double)delta.ioctl_ns / NS_PER_US));
    map_json_set(map, part, "removed", slot_list(map, delta.removed));
    map_json_set(map, part, "added", added.array);
    map_json_set(map, part, "changed", slot_list(map, delta.changed));
    map_json_set(map, object, "slots", part);
}

json_t *commit_json(const struct commit_report *report)
{
    const MemoryCommit *commit = report->commit;
    json_t *object = json_object();
    struct map_json map = {.array = object};

    map_json_set(&map, object, "commit", json_integer(report->num));
    map_json_set_text(&map, object, "address-space", commit->as->name);
    map_json_set_text(&map, object, "cause", report->built ? NULL : commit->cause);
    map_json_set_text(&map, object, "cause-region", report->built ? NULL : commit->cause_region);
    map_json_set_bool(&map, object, "built", report->built);
    map_json_set_bool(&map, object, "refused", report->refused);
    set_sections(&map, object, "removed", commit->del, commit->del_num);
    set_sections(&map, object, "added", commit->add, commit->add_num);
    set_changed(&map, object, commit);
    if (report->slots) {
        set_slot_delta(&map, object, report);
    }
    return map_json_finish(&map);
}
