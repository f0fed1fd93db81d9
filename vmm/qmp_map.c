/*
 * qmp_map.c - the memory map of a running machine: map_json.h's objects, and the one listing that
 * QMP has as text.
 */
#include "vmm/monitor_commands.h"

#include <errno.h>
#include <inttypes.h>

#include "vmm/map_json.h"
#include "vmm/monitor_state.h"
#include "vmm/monitor_text.h"
#include "vmm/why.h"

json_t *qmp_query_memory_size_summary(struct machine *machine, const json_t *arguments,
                                      struct error *err)
{
    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    return json_pack("{s:I, s:i}", "base-memory", (json_int_t)board_ram_size(machine->board),
                     "plugged-memory", 0);
}

static void print_block(void *opaque, const RAMBlock *block)
{
    memory_sink_printf(opaque,
                       "%24s %5" PRIu64 " KiB  0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64
                       " 0x%016" PRIxPTR " %3s\n",
                       block->name, block->page_size >> 10, block->offset, block->used_length,
                       block->max_length, (uintptr_t)block->host, block->readonly ? "ro" : "rw");
}

void monitor_print_blocks(struct machine *machine, struct memory_sink *sink)
{
    memory_sink_printf(sink, "%24s %9s  %18s %18s %18s %18s %3s\n", "Block Name", "PSize", "Offset",
                       "Used", "Total", "HVA", "RO");
    memory_walk_blocks(&machine->core, print_block, sink);
}

json_t *qmp_x_query_ramblock(struct machine *machine, const json_t *arguments, struct error *err)
{
    struct monitor_text text;
    json_t *string;

    if (qmp_check_arguments(arguments, NULL, 0, err) < 0) {
        return NULL;
    }
    monitor_text_init(&text);
    monitor_print_blocks(machine, &text.sink);
    string = monitor_text_finish(&text, 0, err);
    return string ? json_pack("{s:o}", "human-readable-text", string) : NULL;
}

json_t *qmp_acre_query_regions(struct machine *machine, const json_t *arguments, struct error *err)
{
    return qmp_check_arguments(arguments, NULL, 0, err) == 0 ? map_json_trees(&machine->core)
                                                             : NULL;
}

json_t *qmp_acre_query_flatview(struct machine *machine, const json_t *arguments, struct error *err)
{
    return qmp_check_arguments(arguments, NULL, 0, err) == 0
               ? map_json_views(&machine->core, board_memory(machine->board), &machine->slots)
               : NULL;
}

json_t *qmp_acre_query_slots(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {{"hva", JSON_TRUE, true}};
    json_t *slots;

    if (qmp_check_arguments(arguments, wanted, 1, err) < 0) {
        return NULL;
    }
    vcpu_group_pause(&machine->vcpus); /* no CPU changes them meanwhile */
    slots = map_json_slots(&machine->slots, json_is_true(json_object_get(arguments, "hva")));
    vcpu_group_unpark(&machine->vcpus);
    return slots;
}

json_t *qmp_acre_why(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {{"address", JSON_NULL, false}};
    const json_t *address = json_object_get(arguments, "address");
    const char *text = json_string_value(address);
    struct why_place place = {.io = false};
    json_t *why;

    if (qmp_check_arguments(arguments, wanted, 1, err) < 0 ||
        (text ? why_parse(text, &place, err) : qmp_address(address, "address", &place.addr, err)) <
            0) {
        return NULL;
    }
    vcpu_group_pause(&machine->vcpus); /* all of it is of one moment */
    why = place.io ? map_json_why(board_io(machine->board), place.addr, WHY_IO_SIZE_MAX, NULL)
                   : map_json_why(board_memory(machine->board), place.addr, WHY_MEMORY_SIZE_MAX,
                                  &machine->slots);
    vcpu_group_unpark(&machine->vcpus);
    return why;
}
