/*
 * print.c - the region tree and the flat views in the layout of QEMU's `info mtree`.
 *
 * Children are listed by address, then by priority, then newest first. Each region that an alias
 * shows is listed once more as a tree of its own, until no new ones turn up.
 */
#include "memory/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct memory_core *core;
    struct memory_sink *sink;
    unsigned flags;
    uint64_t stamp;
    struct memory_vec targets; /* MemoryRegion *, of aliases printed */
};

static int by_place(const void *a, const void *b)
{
    const MemoryRegion *left = *(MemoryRegion *const *)a, *right = *(MemoryRegion *const *)b;

    if (left->state.addr != right->state.addr) {
        return left->state.addr < right->state.addr ? -1 : 1;
    }
    if (left->state.priority != right->state.priority) {
        return left->state.priority > right->state.priority ? -1 : 1;
    }
    return left->state.seq > right->state.seq ? -1 : 1;
}

static void note_target(struct tree_print *print, MemoryRegion *target)
{
    MemoryRegion **slot;

    if (target->visit == print->stamp) {
        return;
    }
    slot = memory_vec_add(print->core, &print->targets, sizeof(MemoryRegion *));
    if (slot) {
        target->visit = print->stamp;
        *slot = target;
    }
}

static void print_region(struct tree_print *print, MemoryRegion *mr, hwaddr base, unsigned level);

static void print_children(struct tree_print *print, MemoryRegion *mr, hwaddr base, unsigned level)
{
    MemoryRegion **list = memory_alloc(print->core, mr->children.num * sizeof(MemoryRegion *));
    struct itree_node *node = itree_first(&mr->children);
    size_t num = 0;

    for (; list && node; node = itree_next(node)) {
        list[num++] = itree_entry(node, MemoryRegion, sibling);
    }
    if (num) {
        qsort(list, num, sizeof(list[0]), by_place);
    }
    for (size_t i = 0; i < num; i++) {
        print_region(print, list[i], base, level);
    }
    free(list);
}

static void print_line(struct tree_print *print, const MemoryRegion *mr, hwaddr first,
                       unsigned level)
{
    const struct memory_region_state *state = &mr->state;
    hwaddr last = state->size ? first + (range_last(0, state->size)) : first;

    memory_sink_printf(print->sink, "%*s%s%016llx-%016llx (prio %d, %s): ", (int)(2 * level), "",
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

static void print_region(struct tree_print *print, MemoryRegion *mr, hwaddr base, unsigned level)
{
    if (!mr->state.enabled && !(print->flags & MEMORY_PRINT_DISABLED)) {
        return; /* and nothing below it is live */
    }
    print_line(print, mr, base + mr->state.addr, level);
    if (mr->alias) {
        note_target(print, mr->alias);
    }
    if (mr->children.num) {
        print_children(print, mr, base + mr->state.addr, level + 1);
    }
}

/* Listings show a root once, under the names of all spaces that have it. */
static bool is_first_of_root(const struct memory_core *core, const AddressSpace *as)
{
    const AddressSpace *first = core->spaces;

    while (first->root != as->root) {
        first = first->next;
    }
    return first == as;
}

static AddressSpace *next_of_root(const AddressSpace *as)
{
    AddressSpace *next = as->next;

    while (next && next->root != as->root) {
        next = next->next;
    }
    return next;
}

static void print_spaces(struct tree_print *print)
{
    for (AddressSpace *as = print->core->spaces; as; as = as->next) {
        if (is_first_of_root(print->core, as)) {
            for (const AddressSpace *each = as; each; each = next_of_root(each)) {
                memory_sink_printf(print->sink, "address-space: %s\n", each->name);
            }
            print_region(print, as->root, 0, 1);
            memory_sink_printf(print->sink, "\n");
        }
    }
}

void memory_print_tree(struct memory_core *core, struct memory_sink *sink, unsigned flags)
{
    struct tree_print print = {.core = core, .sink = sink, .flags = flags};

    pthread_mutex_lock(&core->lock);
    print.stamp = ++core->seq;
    print_spaces(&print);
    for (size_t i = 0; i < print.targets.num; i++) {
        MemoryRegion *target = ((MemoryRegion **)print.targets.items)[i];

        memory_sink_printf(sink, "memory-region: %s\n", target->name);
        print_region(&print, target, 0, 1);
        memory_sink_printf(sink, "\n");
    }
    pthread_mutex_unlock(&core->lock);
    free(print.targets.items);
}

struct flat_print {
    struct memory_sink *sink;
    AddressSpace *as;
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
    for (const AddressSpace *each = print->as; each; each = next_of_root(each)) {
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

void memory_print_flat(struct memory_core *core, struct memory_sink *sink,
                       void (*note)(void *opaque, AddressSpace *as, const FlatRange *range,
                                    struct memory_sink *sink),
                       void *opaque)
{
    struct flat_print print = {.sink = sink, .note = note, .opaque = opaque};
    unsigned num = 0;

    pthread_mutex_lock(&core->lock);
    for (AddressSpace *as = core->spaces; as; as = as->next) {
        if (is_first_of_root(core, as)) {
            print.as = as;
            print_view(&print, num++);
        }
    }
    pthread_mutex_unlock(&core->lock);
}
