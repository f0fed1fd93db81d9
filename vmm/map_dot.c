/*
 * map_dot.c - a region's node is named by its address, since names repeat; ranges and slots by
 * where they begin.
 */
#include "vmm/map_dot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { DEPTH_MAX = 512 };

struct numbered {
    const MemoryRegion *mr;
    size_t number;
    bool drawn; /* a region that aliases show may be in a space's tree, too */
};

struct dot {
    struct memory_sink *sink;
    const MemoryRegion *above[DEPTH_MAX]; /* the last region seen at each depth */
    struct numbered *regions;             /* by address, once all are there */
    size_t region_num, region_max;
    bool failed;     /* out of memory */
    bool with_slots; /* the view at hand is that of the slots */
    AddressSpace *memory;
    const struct kvm_slots *slots;
    unsigned tree_num, view_num;
};

static int by_address(const void *a, const void *b)
{
    const struct numbered *left = a, *right = b;

    return left->mr < right->mr ? -1 : left->mr > right->mr;
}

/* Sorts, and leaves of each region one. */
static void index_regions(struct dot *dot)
{
    size_t i, num = 0;

    qsort(dot->regions, dot->region_num, sizeof(*dot->regions), by_address);
    for (i = 0; i < dot->region_num; i++) {
        if (num > 0 && dot->regions[num - 1].mr == dot->regions[i].mr) {
            if (dot->regions[i].number < dot->regions[num - 1].number) {
                dot->regions[num - 1].number = dot->regions[i].number;
            }
        } else {
            dot->regions[num++] = dot->regions[i];
        }
    }
    dot->region_num = num;
}

static void number_region(void *opaque, const MemoryTreeNode *node)
{
    struct dot *dot = opaque;
    struct numbered *regions = dot->regions;

    if (dot->region_num == dot->region_max) {
        dot->region_max = dot->region_max ? 2 * dot->region_max : 64;
        regions = reallocarray(regions, dot->region_max, sizeof(*regions));
        dot->failed |= !regions;
        if (dot->failed) {
            dot->region_max = dot->region_num;
            return;
        }
        dot->regions = regions;
    }
    regions[dot->region_num] = (struct numbered){node->mr, dot->region_num, false};
    dot->region_num++;
}

static struct numbered *find(const struct dot *dot, const MemoryRegion *mr)
{
    const struct numbered key = {.mr = mr};

    return bsearch(&key, dot->regions, dot->region_num, sizeof(key), by_address);
}

static unsigned long long number_of(const struct dot *dot, const MemoryRegion *mr)
{
    return find(dot, mr)->number;
}

/* A name inside of a quoted string. */
static void put_name(struct memory_sink *sink, const char *name)
{
    for (; *name; name++) {
        memory_sink_printf(sink, "%s%c", *name == '"' || *name == '\\' ? "\\" : "",
                           (unsigned char)*name < ' ' ? '?' : *name);
    }
}

static const char *colour(const MemoryRegion *mr, bool readonly)
{
    switch (memory_region_info(mr).kind) {
    case MEMORY_REGION_RAM:
        return readonly ? "#f6d9a8" : "#bfe3bf";
    case MEMORY_REGION_ROM_DEVICE:
        return "#f6d9a8";
    case MEMORY_REGION_RAM_DEVICE:
        return "#cfe8dd";
    case MEMORY_REGION_IO:
        return "#bcd4f0";
    case MEMORY_REGION_RESERVATION:
        return "#d9d9d9";
    case MEMORY_REGION_IOMMU:
        return "#e0ccf0";
    case MEMORY_REGION_CONTAINER:
    case MEMORY_REGION_ALIAS:
        break;
    }
    return "#ffffff";
}

static void begin_tree(void *opaque, const MemoryTree *tree)
{
    struct dot *dot = opaque;
    const AddressSpace *as;

    for (as = tree->as; as; as = memory_next_space(as)) {
        memory_sink_printf(dot->sink, "    \"as%u\" [shape=plaintext, label=\"", dot->tree_num);
        put_name(dot->sink, as->name);
        memory_sink_printf(dot->sink, "\"];\n    \"as%u\" -> r%llu;\n", dot->tree_num,
                           number_of(dot, tree->root));
        dot->tree_num++;
    }
}

static void put_region(void *opaque, const MemoryTreeNode *node)
{
    struct dot *dot = opaque;
    MemoryRegionInfo info = memory_region_info(node->mr);
    struct numbered *numbered = find(dot, node->mr);
    bool drawn = numbered->drawn;

    numbered->drawn = true;
    if (node->depth < DEPTH_MAX) {
        dot->above[node->depth] = node->mr;
    }
    if (drawn) {
        return;
    }
    memory_sink_printf(dot->sink, "    r%llu [style=\"filled%s\", fillcolor=\"%s\", label=\"",
                       number_of(dot, node->mr), info.enabled ? "" : ",dotted",
                       colour(node->mr, info.readonly));
    put_name(dot->sink, info.name);
    memory_sink_printf(dot->sink, "\\n%s, %016" PRIx64 "-%016" PRIx64 "%s\"];\n",
                       info.kind == MEMORY_REGION_RAM && info.readonly
                           ? "rom"
                           : memory_region_kind_name(info.kind),
                       node->first, node->first + (info.size ? range_last(0, info.size) : 0),
                       info.enabled ? "" : ", disabled");
    if (info.alias) {
        memory_sink_printf(dot->sink,
                           "    r%llu -> r%llu [style=dashed, label=\"@%" PRIx64 "\"];\n",
                           number_of(dot, node->mr), number_of(dot, info.alias), info.alias_offset);
    }
    if (node->depth > 0 && node->depth < DEPTH_MAX) {
        memory_sink_printf(dot->sink, "    r%llu -> r%llu",
                           number_of(dot, dot->above[node->depth - 1]), number_of(dot, node->mr));
        if (info.priority != 0) {
            memory_sink_printf(dot->sink, " [label=\"prio %" PRId32 "\"]", info.priority);
        }
        memory_sink_printf(dot->sink, ";\n");
    }
}

static void put_slots(struct dot *dot, const FlatRange *range)
{
    struct itree_node *node = itree_overlap_first(&dot->slots->slots, range->first, range->last);

    for (; node; node = itree_overlap_next(node, range->first, range->last)) {
        const struct kvm_slot *slot = itree_entry(node, struct kvm_slot, node);

        memory_sink_printf(dot->sink,
                           "    \"slot%" PRIu32
                           "\" [shape=box, style=rounded, label=\"slot %" PRIu32 "\\n%016" PRIx64
                           "-%016" PRIx64 "%s\"];\n"
                           "    \"v%u-%" PRIx64 "\" -> \"slot%" PRIu32 "\";\n",
                           slot->id, slot->id, slot->node.first, slot->node.last,
                           slot->flags & KVM_MEM_READONLY ? "\\nread-only" : "", dot->view_num,
                           range->first, slot->id);
    }
}

static bool put_range(const FlatRange *range, void *opaque)
{
    struct dot *dot = opaque;

    memory_sink_printf(
        dot->sink, "    \"v%u-%" PRIx64 "\" [shape=box, style=filled, fillcolor=\"%s\", label=\"",
        dot->view_num, range->first, colour(range->mr, range->readonly));
    put_name(dot->sink, memory_region_name(range->mr));
    if (range->offset_in_region) {
        memory_sink_printf(dot->sink, " @0x%" PRIx64, range->offset_in_region);
    }
    memory_sink_printf(dot->sink, "\\n%016" PRIx64 "-%016" PRIx64 "\"];\n", range->first,
                       range->last);
    return false;
}

/* Outside of the cluster, which would draw the region into itself. */
static bool put_range_edges(const FlatRange *range, void *opaque)
{
    struct dot *dot = opaque;

    memory_sink_printf(dot->sink, "  r%llu -> \"v%u-%" PRIx64 "\" [color=grey, arrowhead=none];\n",
                       number_of(dot, range->mr), dot->view_num, range->first);
    if (dot->with_slots) {
        put_slots(dot, range);
    }
    return false;
}

static void put_view(void *opaque, AddressSpace *as, bool first)
{
    struct dot *dot = opaque;
    FlatView *view;

    if (!first) {
        return;
    }
    view = address_space_get_flatview(as);
    memory_sink_printf(dot->sink, "  subgraph \"cluster-view%u\" {\n    label=\"flat view of ",
                       dot->view_num);
    put_name(dot->sink, as->name);
    memory_sink_printf(dot->sink, "\";\n");
    (void)flatview_for_each_range(view, put_range, dot);
    memory_sink_printf(dot->sink, "  }\n");
    dot->with_slots = as == dot->memory;
    (void)flatview_for_each_range(view, put_range_edges, dot);
    flatview_unref(view);
    dot->view_num++;
}

int map_dot(struct memory_core *core, AddressSpace *memory, const struct kvm_slots *slots,
            struct memory_sink *sink)
{
    static const MemoryTreeVisitor numbering = {.region = number_region, .disabled = true};
    static const MemoryTreeVisitor drawing = {
        .begin = begin_tree, .region = put_region, .disabled = true};
    struct dot dot = {.sink = sink, .memory = memory, .slots = slots};

    memory_walk_trees(core, &numbering, &dot);
    if (!dot.failed) {
        index_regions(&dot);
        memory_sink_printf(sink, "digraph \"memory map\" {\n  rankdir=LR;\n"
                                 "  node [fontname=\"sans-serif\", fontsize=10];\n"
                                 "  edge [fontname=\"sans-serif\", fontsize=9];\n");
        memory_walk_trees(core, &drawing, &dot);
        memory_walk_spaces(core, put_view, &dot);
        memory_sink_printf(sink, "}\n");
    }
    free(dot.regions);
    return dot.failed ? -ENOMEM : 0;
}
