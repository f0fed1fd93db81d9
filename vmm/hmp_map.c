/* hmp_map.c - the memory map for a person: memory/'s own printers, QEMU's options. */
#include "vmm/monitor_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/monitor_state.h"
#include "vmm/why.h"

/* Behind a range's name: the slots that show it. */
static void note_slots(void *opaque, AddressSpace *as, const FlatRange *range,
                       struct memory_sink *sink)
{
    const struct machine *machine = opaque;
    const struct kvm_slot *slot;
    hwaddr at = range->first;

    if (as != board_memory(machine->board)) {
        return;
    }
    while ((slot = kvm_slots_lookup(&machine->slots, at)) != NULL) {
        memory_sink_printf(sink, " slot %" PRIu32 "%s%s", slot->id,
                           slot->flags & KVM_MEM_READONLY ? ",ro" : "",
                           slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? ",log" : "");
        if (slot->node.last >= range->last) {
            return;
        }
        at = slot->node.last + 1;
    }
}

/* "-f -o", "-fo". Returns: 0; -EINVAL. */
static int parse_flags(const char *arguments, const char *known, char *given, struct error *err)
{
    const char *at = arguments, *end;

    for (; *at; at = end + strspn(end, " \t")) {
        end = at + strcspn(at, " \t");
        if (*at++ != '-' || at == end || strspn(at, known) < (size_t)(end - at)) {
            return error_set(err, EINVAL, "%.*s: takes options of -%s", (int)(end - at + 1), at - 1,
                             known);
        }
        for (; at < end; at++) {
            given[(unsigned char)*at & 0x7f] = 1;
        }
    }
    return 0;
}

int hmp_info_mtree(struct machine *machine, const char *arguments, struct memory_sink *sink,
                   struct error *err)
{
    char given[128] = {0};
    int ret = parse_flags(arguments, "fdoD", given, err);

    if (ret < 0) {
        return ret;
    }
    if (given['f']) {
        memory_print_flat(&machine->core, sink, given['d'] ? note_slots : NULL, machine);
    } else {
        memory_print_tree(&machine->core, sink,
                          (given['D'] ? MEMORY_PRINT_DISABLED : 0) |
                              (given['o'] ? MEMORY_PRINT_OWNER : 0));
    }
    return 0;
}

int hmp_info_ramblock(struct machine *machine, const char *arguments, struct memory_sink *sink,
                      struct error *err)
{
    int ret = hmp_no_arguments(arguments, err);

    if (ret == 0) {
        monitor_print_blocks(machine, sink);
    }
    return ret;
}

int hmp_why(struct machine *machine, const char *arguments, struct memory_sink *sink,
            struct error *err)
{
    struct why_place place;
    int ret = why_parse(arguments, &place, err);

    if (ret < 0) {
        return ret;
    }
    vcpu_group_pause(&machine->vcpus); /* all of it is of one moment */
    if (place.io) {
        ret = why_print(sink, board_io(machine->board), place.addr, WHY_IO_SIZE_MAX, NULL);
    } else {
        ret = why_print(sink, board_memory(machine->board), place.addr, WHY_MEMORY_SIZE_MAX,
                        &machine->slots);
    }
    vcpu_group_unpark(&machine->vcpus);
    return ret == -ENOMEM ? error_set_errno(err, ENOMEM, "why") : 0; /* the text says -E2BIG */
}
