/* profile_json.c - a profile as JSON; its schema is in profile_report.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/history_report.h"
#include "vmm/map_json.h"
#include "vmm/map_json_parts.h"
#include "vmm/profile_report.h"

static void set_number(struct map_json *map, json_t *object, const char *key, uint64_t value)
{
    map_json_set(map, object, key, json_integer((json_int_t)value));
}

static json_t *add_sum(struct map_json *map, const struct profile_report *report,
                       const struct profile_sum *sum)
{
    json_t *object = map_json_add(map, map->array);

    set_number(map, object, "exits", sum->exits);
    set_number(map, object, "ns", profile_ns(report, sum->ticks));
    set_number(map, object, "max-ns", profile_ns(report, sum->ticks_max));
    return object;
}

static json_t *reasons_json(const struct profile_report *report)
{
    struct map_json map = {.array = json_array()};
    json_t *object;
    uint32_t i;

    for (i = 0; i < PROFILE_REASON_NUM; i++) {
        if (report->sum->reasons[i].exits > 0) {
            object = add_sum(&map, report, &report->sum->reasons[i]);
            map_json_set_text(&map, object, "reason", history_reason_name(i));
        }
    }
    return map_json_finish(&map);
}

static json_t *sizes_json(unsigned sizes)
{
    json_t *array = json_array();
    unsigned size;

    for (size = 1; size <= 8; size *= 2) {
        if ((sizes & size) && json_array_append_new(array, json_integer((json_int_t)size)) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static void set_code(struct map_json *map, json_t *object, const struct profile_report *report,
                     uint64_t rip, const char *rip_key, const char *symbol_key)
{
    char symbol[SYMBOLS_TEXT_SIZE];

    map_json_set_hex(map, object, rip_key, rip);
    profile_symbol(report, rip, symbol);
    map_json_set_text(map, object, symbol_key, symbol);
}

static void add_place(struct map_json *map, const struct profile_report *report,
                      const struct profile_place *place)
{
    json_t *object = add_sum(map, report, &place->sum);

    map_json_set_text(map, object, "space", place->reason == KVM_EXIT_IO ? "io" : "memory");
    map_json_set_hex(map, object, "address", place->addr);
    map_json_set_text(map, object, "direction", place->write ? "write" : "read");
    set_number(map, object, "items", place->items);
    map_json_set(map, object, "sizes", sizes_json(place->sizes));
    if (place->region) {
        map_json_set_text(map, object, "region", place->name);
        map_json_set_hex(map, object, "offset", place->offset);
    }
    if (place->has_rip) {
        set_code(map, object, report, place->first_rip, "first-rip", "first");
    }
}

static json_t *places_json(const struct profile_report *report, bool answered)
{
    struct map_json map = {.array = json_array()};
    struct profile_place **list;
    size_t num, i;

    map.failed = profile_sort_places(report->sum, answered, &list, &num) < 0;
    for (i = 0; i < num; i++) {
        add_place(&map, report, list[i]);
    }
    free(list);
    return map_json_finish(&map);
}

static json_t *code_json(const struct profile_report *report)
{
    struct map_json map = {.array = json_array()};
    struct profile_code **list;
    size_t num, i;

    map.failed = profile_sort_code(report->sum, &list, &num) < 0;
    for (i = 0; i < num && list; i++) {
        set_code(&map, add_sum(&map, report, &list[i]->sum), report, list[i]->rip, "rip", "symbol");
    }
    free(list);
    return map_json_finish(&map);
}

static json_t *irqs_json(const struct profile_report *report)
{
    struct map_json map = {.array = json_array()};
    json_t *object;
    size_t i;

    for (i = 0; i < MACHINE_IRQ_NUM; i++) {
        if (report->irqs[i] > 0) {
            object = map_json_add(&map, map.array);
            set_number(&map, object, "gsi", i);
            set_number(&map, object, "rises", report->irqs[i]);
        }
    }
    return map_json_finish(&map);
}

static json_t *cpu_exits_json(const struct profile_report *report)
{
    struct map_json map = {.array = json_array()};
    unsigned i;

    for (i = 0; i < report->cpu_num; i++) {
        map.failed |=
            json_array_append_new(map.array, json_integer((json_int_t)report->cpu_exits[i])) < 0;
    }
    return map_json_finish(&map);
}

json_t *profile_json(const struct profile_report *report)
{
    struct profile_sum total = profile_total(report->sum);

    return json_pack(
        "{s:s, s:i, s:i, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:{s:I, s:I}, s:o,"
        " s:{s:I, s:I, s:I, s:I}, s:O, s:O}",
        "format", "acre-exits", "version", PROFILE_JSON_VERSION, "cpus", (int)report->cpu_num,
        "exits", (json_int_t)total.exits, "cpu-exits", cpu_exits_json(report), "elapsed-ns",
        (json_int_t)report->elapsed_ns, "guest-ns",
        (json_int_t)profile_ns(report, report->sum->guest_ticks), "serving-ns",
        (json_int_t)profile_ns(report, total.ticks), "reasons", reasons_json(report), "places",
        places_json(report, true), "unassigned", places_json(report, false), "code",
        code_json(report), "lost", "places", (json_int_t)report->sum->places_lost, "code",
        (json_int_t)report->sum->code_lost, "interrupts", irqs_json(report), "memory-map",
        "commits", (json_int_t)report->commits, "slot-changes", (json_int_t)report->slot_changes,
        "slot-ioctls", (json_int_t)report->slot_ioctls, "ioctls", (json_int_t)report->ioctls, "kvm",
        report->kvm, "time-line", report->time_line);
}
