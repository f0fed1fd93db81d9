/*
 * map_diff.c - arrays of ranges are ascending in both maps, so one walk over the two finds what is
 * in one only.
 */
#include "vmm/map_diff.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/map_json_parts.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return strtoull(text_of(object, key), NULL, 16);
}

/* Numbers of slots depend on the order in which they were made. */
static bool is_number_of_slot(const char *key)
{
    return strcmp(key, "slots") == 0 || strcmp(key, "id") == 0;
}

static bool is_same(const json_t *left, const json_t *right)
{
    const json_t *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)left, key, value)
    {
        if (!is_number_of_slot(key) && !json_equal(value, json_object_get(right, key))) {
            return false;
        }
    }
    return true;
}

/* Returns: <0 left comes first, 0 they are the same, >0 right comes first. */
static int order(const json_t *left, const json_t *right)
{
    uint64_t a = left ? number_of(left, "first") : 0, b = right ? number_of(right, "first") : 0;

    if (!left || !right) {
        return left ? -1 : 1;
    }
    if (a != b) {
        return a < b ? -1 : 1;
    }
    return is_same(left, right) ? 0 : -1;
}

/* Adds "removed" and "added" to an object. Returns: how many there are. */
static size_t compare(struct map_json *map, const json_t *old_list, const json_t *new_list,
                      json_t *into)
{
    json_t *removed = json_array(), *added = json_array();
    size_t i = 0, j = 0, num;

    map_json_set(map, into, "removed", removed);
    map_json_set(map, into, "added", added);
    while (i < json_array_size(old_list) || j < json_array_size(new_list)) {
        json_t *left = json_array_get(old_list, i), *right = json_array_get(new_list, j);
        int which = order(left, right);

        if (which < 0) {
            map->failed |= json_array_append(removed, left) < 0;
        } else if (which > 0) {
            map->failed |= json_array_append(added, right) < 0;
        }
        i += which <= 0;
        j += which >= 0;
    }
    num = json_array_size(removed) + json_array_size(added);
    return num;
}

/* The ranges of the view that a space of this name has; NULL: none. */
static const json_t *ranges_of(const json_t *map, const char *space)
{
    const json_t *view, *name;
    size_t i, j;

    json_array_foreach(json_object_get(map, "flat-views"), i, view)
    {
        json_array_foreach(json_object_get(view, "address-spaces"), j, name)
        {
            if (strcmp(json_string_value(name), space) == 0) {
                return json_object_get(view, "ranges");
            }
        }
    }
    return NULL;
}

static bool is_listed(const json_t *spaces, const char *name)
{
    const json_t *space;
    size_t i;

    json_array_foreach(spaces, i, space)
    {
        if (strcmp(text_of(space, "name"), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Compares every space that `map` names and that was not compared yet. */
static void compare_spaces(struct map_json *result, const json_t *map, const json_t *old_map,
                           const json_t *new_map)
{
    const json_t *view, *name;
    size_t i, j;

    json_array_foreach(json_object_get(map, "flat-views"), i, view)
    {
        json_array_foreach(json_object_get(view, "address-spaces"), j, name)
        {
            const char *text = json_string_value(name);

            if (!is_listed(result->array, text)) {
                json_t *space = map_json_add(result, result->array);

                map_json_set_text(result, space, "name", text);
                (void)compare(result, ranges_of(old_map, text), ranges_of(new_map, text), space);
            }
        }
    }
}

/* Takes out the spaces that are alike. */
static void drop_equal(json_t *spaces)
{
    size_t i = json_array_size(spaces);

    while (i-- > 0) {
        const json_t *space = json_array_get(spaces, i);

        if (json_array_size(json_object_get(space, "removed")) == 0 &&
            json_array_size(json_object_get(space, "added")) == 0) {
            (void)json_array_remove(spaces, i);
        }
    }
}

json_t *map_diff(const json_t *old_map, const json_t *new_map)
{
    struct map_json spaces = {.array = json_array()}, slots = {.array = json_object()};
    json_t *space_list, *slot_lists;
    size_t slot_num = compare(&slots, json_object_get(old_map, "slots"),
                              json_object_get(new_map, "slots"), slots.array);

    compare_spaces(&spaces, old_map, old_map, new_map);
    compare_spaces(&spaces, new_map, old_map, new_map);
    drop_equal(spaces.array);
    space_list = map_json_finish(&spaces);
    slot_lists = map_json_finish(&slots);
    return json_pack("{s:s, s:i, s:b, s:o, s:o}", "format", "acre-map-diff", "version",
                     MAP_JSON_VERSION, "equal", slot_num == 0 && json_array_size(space_list) == 0,
                     "spaces", space_list, "slots", slot_lists);
}

bool map_diff_is_equal(const json_t *diff)
{
    return json_is_true(json_object_get(diff, "equal"));
}

static void print_range(struct memory_sink *sink, char sign, const json_t *range)
{
    memory_sink_printf(
        sink, "%c %016llx-%016llx (prio %lld, %s) %s @%016llx\n", sign,
        (unsigned long long)number_of(range, "first"), (unsigned long long)number_of(range, "last"),
        (long long)json_integer_value(json_object_get(range, "priority")), text_of(range, "type"),
        text_of(range, "region"), (unsigned long long)number_of(range, "offset"));
}

static void print_slot(struct memory_sink *sink, char sign, const json_t *slot)
{
    const json_t *flag;
    size_t i;

    memory_sink_printf(sink, "%c %016llx-%016llx %s @%016llx", sign,
                       (unsigned long long)number_of(slot, "first"),
                       (unsigned long long)number_of(slot, "last"), text_of(slot, "ram-block"),
                       (unsigned long long)number_of(slot, "offset"));
    json_array_foreach(json_object_get(slot, "flags"), i, flag)
    {
        memory_sink_printf(sink, " %s", json_string_value(flag));
    }
    memory_sink_printf(sink, "\n");
}

/* Both lists, by address; at one address the old one first. */
static void print_lists(struct memory_sink *sink, const json_t *object,
                        void (*print)(struct memory_sink *sink, char sign, const json_t *item))
{
    const json_t *removed = json_object_get(object, "removed");
    const json_t *added = json_object_get(object, "added");
    size_t i = 0, j = 0;

    while (i < json_array_size(removed) || j < json_array_size(added)) {
        const json_t *left = json_array_get(removed, i), *right = json_array_get(added, j);

        if (left && (!right || number_of(left, "first") <= number_of(right, "first"))) {
            print(sink, '-', left);
            i++;
        } else {
            print(sink, '+', right);
            j++;
        }
    }
}

void map_diff_print(const json_t *diff, struct memory_sink *sink)
{
    const json_t *slots = json_object_get(diff, "slots"), *space;
    size_t i;

    json_array_foreach(json_object_get(diff, "spaces"), i, space)
    {
        memory_sink_printf(sink, "address-space: %s\n", text_of(space, "name"));
        print_lists(sink, space, print_range);
    }
    if (json_array_size(json_object_get(slots, "removed")) > 0 ||
        json_array_size(json_object_get(slots, "added")) > 0) {
        memory_sink_printf(sink, "slots\n");
        print_lists(sink, slots, print_slot);
    }
}
