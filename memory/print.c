/*
 * print.c - the region tree and the flat views in the layout of QEMU's `info mtree`.
 * The order is that of walk.c.
 */
#include "memory/print.h"

#include <stdarg.h>
#include <stdio.h>

#include "memory/internal.h"
#include "memory/walk.h"

void memory_sink_printf(struct memory_sink *sink, const char *format, ...)
{
    char line[1024];
    va_list ap;
    int len;

    va_start(ap, format);
    len = vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    if (len > 0) {
        sink->write(sink->opaque, line,
                    (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
    }
}

const char *memory_region_type_name(const MemoryRegion *mr, bool readonly, bool nonvolatile)
{
    static const char *const names[][2] = {
        {"ramd", "nv-ramd"}, {"romd", "nv-romd"}, {"rom", "nv-rom"},
        {"ram", "nv-ram"},   {"i/o", "nv-i/o"},
    };
    int i = 4;

    while (mr->alias) {
        mr = mr->alias;
    }
    if (mr->kind == MEMORY_REGION_RAM_DEVICE) {
        i = 0;
    } else if (memory_region_is_romd(mr)) {
        i = 1;
    } else if (mr->kind == MEMORY_REGION_RAM) {
        i = readonly || mr->state.readonly ? 2 : 3;
    }
    return names[i][nonvolatile || mr->state.nonvolatile];
}

struct tree_print {
    struct memory_sink *sink;
    unsigned flags;
};

static void print_tree_name(void *opaque, const MemoryTree *tree)
{
    const struct tree_print *print = opaque;
    const AddressSpace *as;

    for (as = tree->as; as; as = memory_next_space(as)) {
        memory_sink_printf(print->sink, "address-space: %s\n", as->name);
    }
    if (!tree->as) {
        memory_sink_printf(print->sink, "memory-region: %s\n", tree->root->name);
    }
}

static void print_region(void *opaque, const MemoryTreeNode *node)
{
    const struct tree_print *print = opaque;
    const MemoryRegion *mr = node->mr;
    const struct memory_region_state *state = &mr->state;
    hwaddr first = node->first;
    hwaddr last = state->size ? first + (range_last(0, state->size)) : first;

    memory_sink_printf(print->sink,
                       "%*s%s%016llx-%016llx (prio %d, %s): ", (int)(2 * (node->depth + 1)), "",
                       last < first ? "[DETECTED OVERFLOW!] " : "", (unsigned long long)first,
                       (unsigned long long)last, state->priority,
                       memory_region_type_name(mr, state->readonly, state->nonvolatile));
    if (mr->alias) {
        memory_sink_printf(print->sink, "alias %s @%s %016llx-%016llx", mr->name, mr->alias->name,
                           (unsigned long long)state->alias_offset,
                           (unsigned long long)(state->alias_offset +
                                                (state->size ? range_last(0, state->size) : 0)));
    } else {
        memory_sink_printf(print->sink, "%s", mr->name);
    }
    if ((print->flags & MEMORY_PRINT_OWNER) && mr->owner) {
        memory_sink_printf(print->sink, " owner:{%s}", mr->owner->name);
    }
    memory_sink_printf(print->sink, "%s\n", state->enabled ? "" : " [disabled]");
}

static void print_tree_end(void *opaque)
{
    memory_sink_printf(((const struct tree_print *)opaque)->sink, "\n");
}

void memory_print_tree(struct memory_core *core, struct memory_sink *sink, unsigned flags)
{
    struct tree_print print = {.sink = sink, .flags = flags};
    const MemoryTreeVisitor visitor = {
        .begin = print_tree_name,
        .region = print_region,
        .end = print_tree_end,
        .disabled = (flags & MEMORY_PRINT_DISABLED) != 0,
    };

    memory_walk_trees(core, &visitor, &print);
}

struct flat_print {
    struct memory_sink *sink;
    AddressSpace *as;
    unsigned num;
    void (*note)(void *opaque, AddressSpace *as, const FlatRange *range, struct memory_sink *sink);
    void *opaque;
};

static bool print_range(const FlatRange *range, void *opaque)
{
    struct flat_print *print = opaque;
    const MemoryRegion *mr = range->mr;

    memory_sink_printf(print->sink, "  %016llx-%016llx (prio %d, %s): %s",
                       (unsigned long long)range->first, (unsigned long long)range->last,
                       mr->state.priority,
                       memory_region_type_name(mr, range->readonly, range->nonvolatile), mr->name);
    if (range->offset_in_region) {
        memory_sink_printf(print->sink, " @%016llx", (unsigned long long)range->offset_in_region);
    }
    if (print->note) {
        print->note(print->opaque, print->as, range, print->sink);
    }
    memory_sink_printf(print->sink, "\n");
    return false;
}

static void print_view(struct flat_print *print, unsigned num)
{
    const MemoryRegion *root = print->as->root;

    memory_sink_printf(print->sink, "FlatView #%u\n", num);
    for (const AddressSpace *each = print->as; each; each = memory_next_space(each)) {
        memory_sink_printf(print->sink, " AS \"%s\", root: %s%s%s\n", each->name, root->name,
                           root->alias ? ", alias " : "", root->alias ? root->alias->name : "");
    }
    memory_sink_printf(print->sink, " Root memory region: %s\n", root->name);
    if (!print->as->current_map->num) {
        memory_sink_printf(print->sink, "  No rendered FlatView\n");
    }
    flatview_for_each_range(print->as->current_map, print_range, print);
    memory_sink_printf(print->sink, "\n");
}

static void print_space(void *opaque, AddressSpace *as, bool first)
{
    struct flat_print *print = opaque;

    if (first) {
        print->as = as;
        print_view(print, print->num++);
    }
}

void memory_print_flat(struct memory_core *core, struct memory_sink *sink,
                       void (*note)(void *opaque, AddressSpace *as, const FlatRange *range,
                                    struct memory_sink *sink),
                       void *opaque)
{
    struct flat_print print = {.sink = sink, .note = note, .opaque = opaque};

    memory_walk_spaces(core, print_space, &print);
}
