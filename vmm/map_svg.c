/*
 * map_svg.c - collect boxes (regions, ranges, slots), let map_svg_layout.c place them, then draw.
 */
#include "vmm/map_svg_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOX_MAX = 5000,
    LANE_WIDTH = 150,
    LANE_GAP = 10, /* of that, between boxes that are not in each other */
    AXIS_WIDTH = 150,
    VIEW_WIDTH = 230,
    SLOT_WIDTH = 210,
    GAP = 36,
    LEGEND_WIDTH = 960,
    TEXT_MARGIN = 6,
    CHARACTER_WIDTH = 66, /* tenths, about; what is wider is cut off at the box's edge */
};

static struct svg_box *add_box(struct svg *svg, enum svg_column column, hwaddr first, hwaddr last)
{
    struct svg_box *boxes = svg->boxes;

    if (svg->box_num == BOX_MAX) {
        svg->result = -E2BIG;
        return NULL;
    }
    if (svg->box_num == svg->box_max) {
        svg->box_max = svg->box_max ? 2 * svg->box_max : 64;
        boxes = reallocarray(boxes, svg->box_max, sizeof(*boxes));
        if (!boxes) {
            svg->box_max = svg->box_num;
            svg->result = -ENOMEM;
            return NULL;
        }
        svg->boxes = boxes;
    }
    boxes[svg->box_num] = (struct svg_box){.column = column, .first = first, .last = last};
    return &boxes[svg->box_num++];
}

/* ---- what is drawn ---- */

static void begin_tree(void *opaque, const MemoryTree *tree)
{
    struct svg *svg = opaque;
    const AddressSpace *as = tree->as;

    while (as && as != svg->as) {
        as = memory_next_space(as);
    }
    svg->in_tree = as != NULL;
}

static const char *style_of(const MemoryRegion *mr, bool readonly)
{
    switch (memory_region_info(mr).kind) {
    case MEMORY_REGION_RAM:
        return readonly ? "rom" : "ram";
    case MEMORY_REGION_ROM_DEVICE:
        return "romd";
    case MEMORY_REGION_RAM_DEVICE:
        return "ramd";
    case MEMORY_REGION_IO:
        return "io";
    case MEMORY_REGION_RESERVATION:
        return "reserved";
    case MEMORY_REGION_IOMMU:
        return "iommu";
    case MEMORY_REGION_ALIAS:
        return "alias";
    case MEMORY_REGION_CONTAINER:
        break;
    }
    return "container";
}

static void add_region(void *opaque, const MemoryTreeNode *node)
{
    struct svg *svg = opaque;
    MemoryRegionInfo info = memory_region_info(node->mr);
    struct svg_box *box;

    if (!svg->in_tree || node->depth == 0 || info.size == 0) {
        return; /* the root is all there is */
    }
    box = add_box(svg, SVG_TREE, node->first, node->first + range_last(0, info.size));
    if (!box) {
        return;
    }
    if (box->last < box->first) {
        box->last = UINT64_MAX; /* it wraps: what is beyond the end shows nothing */
    }
    box->depth = node->depth;
    box->name = info.name;
    box->style = node->live ? style_of(node->mr, info.readonly) : "disabled";
    if (info.alias) {
        box->alias = true;
        (void)snprintf(box->note, sizeof(box->note), "%.40s @0x%" PRIx64,
                       memory_region_name(info.alias), info.alias_offset);
    } else if (!node->live) {
        (void)snprintf(box->note, sizeof(box->note), "disabled");
    } else if (info.priority != 0) {
        (void)snprintf(box->note, sizeof(box->note), "prio %" PRId32, info.priority);
    }
}

static bool add_range(const FlatRange *range, void *opaque)
{
    struct svg *svg = opaque;
    struct svg_box *box = add_box(svg, SVG_VIEW, range->first, range->last);

    if (box) {
        box->style = style_of(range->mr, range->readonly);
        box->name = memory_region_name(range->mr);
        if (range->offset_in_region) {
            (void)snprintf(box->note, sizeof(box->note), "@0x%" PRIx64, range->offset_in_region);
        }
    }
    return svg->result != 0;
}

static void add_slot(void *opaque, const struct kvm_slot *slot)
{
    struct svg_box *box = add_box(opaque, SVG_SLOTS, slot->node.first, slot->node.last);

    const RAMBlock *block = memory_region_info(slot->mr).block;

    if (box) {
        box->style = slot->flags & KVM_MEM_READONLY ? "rom" : "ram";
        (void)snprintf(box->own, sizeof(box->own), "slot %" PRIu32, slot->id);
        (void)snprintf(box->note, sizeof(box->note), "%.30s+0x%" PRIx64 "%s%s",
                       block ? block->name : "?",
                       block ? slot->hva - (uint64_t)(uintptr_t)block->host : 0,
                       slot->flags & KVM_MEM_READONLY ? ", read-only" : "",
                       slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? ", logged" : "");
    }
}

static void add_trap(void *opaque, const FlatRange *range, hwaddr first, hwaddr last)
{
    struct svg_box *box = add_box(opaque, SVG_SLOTS, first, last);

    if (box) {
        box->style = "trap";
        (void)snprintf(box->own, sizeof(box->own), "no slot");
        (void)snprintf(box->note, sizeof(box->note), "%.30s+0x%" PRIx64 ", traps",
                       memory_region_name(range->mr),
                       range->offset_in_region + (first - range->first));
    }
}

/* ---- drawing ---- */

static const char style_sheet[] =
    "<style>\n"
    "svg{background:#fff;font:11px ui-sans-serif,system-ui,sans-serif;color:#1d2733}\n"
    "text{fill:#1d2733}.mono{font-family:ui-monospace,monospace;font-size:10px}\n"
    ".head{font-size:13px;font-weight:600}.soft{fill:#66717d}\n"
    "rect{stroke:#5b6874;stroke-width:.8}line,path{stroke:#9aa5b1;fill:none}\n"
    ".grid{stroke:#e3e7eb}.ram{fill:#cdeccd}.rom{fill:#f8dfb2}.romd{fill:#f3cfa0}\n"
    ".ramd{fill:#cfe8e0}.io{fill:#c9def5}.reserved{fill:#dcdfe3}.iommu{fill:#e4d4f4}\n"
    ".alias{fill:#fff;stroke-dasharray:4 3}.container{fill:#f3f5f7}\n"
    ".disabled{fill:#fff;stroke:#b8c0c8;stroke-dasharray:1 3}\n"
    ".trap{fill:#fff;stroke:#c2410c;stroke-dasharray:2 2}\n"
    "@media(prefers-color-scheme:dark){\n"
    "svg{background:#14181d}text{fill:#e6eaee}.soft{fill:#93a0ad}rect{stroke:#8b98a5}\n"
    "line,path{stroke:#5f6c79}.grid{stroke:#262d35}.ram{fill:#1f4a2b}.rom{fill:#5a4318}\n"
    ".romd{fill:#634018}.ramd{fill:#1d4a44}.io{fill:#1d3d61}.reserved{fill:#343b43}\n"
    ".iommu{fill:#432a5c}.alias{fill:#14181d}.container{fill:#1e242b}\n"
    ".disabled{fill:#14181d;stroke:#59636d}.trap{fill:#14181d;stroke:#f0883e}}\n"
    "</style>\n";

void svg_put_text(struct memory_sink *sink, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            memory_sink_printf(sink, "&lt;");
            break;
        case '&':
            memory_sink_printf(sink, "&amp;");
            break;
        default:
            memory_sink_printf(sink, "%c", (unsigned char)*text < ' ' ? '?' : *text);
            break;
        }
    }
}

/* At most `max` characters, the last of which says that there are more. */
static void put_cut(struct memory_sink *sink, const char *text, size_t max)
{
    char part[2] = "";

    if (strlen(text) <= max) {
        svg_put_text(sink, text);
        return;
    }
    for (; max > 1; max--) {
        part[0] = *text++;
        svg_put_text(sink, part);
    }
    memory_sink_printf(sink, "\xe2\x80\xa6");
}

static unsigned column_x(const struct svg *svg, enum svg_column column)
{
    unsigned x = GAP + svg->lanes * LANE_WIDTH + GAP + AXIS_WIDTH;

    switch (column) {
    case SVG_TREE:
        return GAP;
    case SVG_VIEW:
        return x;
    case SVG_SLOTS:
        break;
    }
    return x + VIEW_WIDTH + GAP;
}

/* A region ends a little right of what is in it. */
static unsigned box_width(const struct svg *svg, const struct svg_box *box)
{
    switch (box->column) {
    case SVG_TREE:
        return box->lanes * LANE_WIDTH - LANE_GAP +
               box->levels * (LANE_GAP - 2) / (svg->levels + 1);
    case SVG_VIEW:
        return VIEW_WIDTH;
    case SVG_SLOTS:
        break;
    }
    return SLOT_WIDTH;
}

/* Name and note, in one line or in two, as much of them as there is room for. */
static void put_box_text(const struct svg *svg, const struct svg_box *box, unsigned width,
                         unsigned height)
{
    const char *name = box->name ? box->name : box->own, *arrow = "";
    size_t room = 10 * (width - 2 * TEXT_MARGIN) / CHARACTER_WIDTH, used = strlen(name);
    bool two_lines = height >= 2 * SVG_PIECE_MIN;

    memory_sink_printf(svg->sink, "<text x=\"%d\" y=\"12\">", TEXT_MARGIN);
    put_cut(svg->sink, name, room);
    if (box->alias) {
        arrow = "\xe2\x86\x92 ";
    }
    if (box->note[0] && two_lines) {
        memory_sink_printf(svg->sink, "</text><text class=\"soft\" x=\"%d\" y=\"26\">%s",
                           TEXT_MARGIN, arrow);
        put_cut(svg->sink, box->note, room - (arrow[0] ? 2 : 0));
    } else if (box->note[0] && used + 5 < room) {
        memory_sink_printf(svg->sink, " <tspan class=\"soft\">%s", arrow);
        put_cut(svg->sink, box->note, room - used - (arrow[0] ? 3 : 1));
        memory_sink_printf(svg->sink, "</tspan>");
    }
    memory_sink_printf(svg->sink, "</text>");
}

static void put_box(const struct svg *svg, const struct svg_box *box)
{
    const struct svg_cut *from = svg_cut_at(svg, box->first), *to = svg_cut_at(svg, box->last);
    unsigned x = column_x(svg, box->column) + box->lane * LANE_WIDTH, y = from->y + 1;
    unsigned height = to->y + to->height - from->y - 2, width = box_width(svg, box);
    unsigned room = box->column == SVG_TREE ? LANE_WIDTH - LANE_GAP : width;

    memory_sink_printf(svg->sink, "<g><title>");
    svg_put_text(svg->sink, box->name ? box->name : box->own);
    memory_sink_printf(svg->sink, "\n%016" PRIx64 "-%016" PRIx64 "%s", box->first, box->last,
                       box->note[0] ? "\n" : "");
    svg_put_text(svg->sink, box->note);
    memory_sink_printf(svg->sink,
                       "</title><rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" "
                       "height=\"%u\" rx=\"2\"/>"
                       "<svg x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\">",
                       box->style, x, y, width, height, x, y, room, height);
    put_box_text(svg, box, room, height + 2);
    memory_sink_printf(svg->sink, "</svg></g>\n");
}

/* "64 KiB" where it is a whole number, else hexadecimal. */
static void size_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    unsigned unit = 0;

    while (bytes && bytes % 1024 == 0 && unit < 6) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(text, size, bytes > 99999 ? "0x%" PRIx64 "%s" : "%" PRIu64 "%s", bytes,
                   unit == 0 && bytes <= 99999 ? " B" : units[unit]);
}

static void put_axis(const struct svg *svg, unsigned width)
{
    unsigned x = column_x(svg, SVG_VIEW) - 14;
    char text[40];
    size_t i;

    for (i = 0; i < svg->cut_num; i++) {
        const struct svg_cut *cut = &svg->cuts[i];
        unsigned middle = cut->y + cut->height / 2;

        memory_sink_printf(svg->sink,
                           "<line class=\"grid\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>"
                           "<text class=\"mono\" x=\"%u\" y=\"%u\" text-anchor=\"end\">%" PRIx64
                           "</text>\n",
                           GAP, cut->y, width - GAP, cut->y, x - 8, cut->y + 4, cut->first);
        if (cut->broken) {
            memory_sink_printf(svg->sink, "<path d=\"M%u %uV%ul-5 2 10 3 -5 2V%u\"/>\n", x, cut->y,
                               middle - 3, cut->y + cut->height);
        } else {
            memory_sink_printf(svg->sink, "<path d=\"M%u %uV%u\"/>\n", x, cut->y,
                               cut->y + cut->height);
        }
        if (!svg_is_covered(svg, cut)) {
            if (cut->last == UINT64_MAX) {
                (void)snprintf(text, sizeof(text), "to the end");
            } else {
                size_text(svg_cut_bytes(cut), text, sizeof(text));
            }
            memory_sink_printf(svg->sink,
                               "<text class=\"soft\" x=\"%u\" y=\"%u\">nothing, %s</text>\n",
                               column_x(svg, SVG_VIEW) + 6, middle + 4, text);
        }
    }
}

static void put_head(const struct svg *svg, bool slots)
{
    static const char *const kinds[] = {"ram",       "rom",      "romd",  "ramd",
                                        "io",        "reserved", "iommu", "alias",
                                        "container", "disabled", "trap"};
    unsigned x = GAP;
    size_t i;

    memory_sink_printf(svg->sink,
                       "<text class=\"head\" x=\"%u\" y=\"50\">regions</text>"
                       "<text class=\"head\" x=\"%u\" y=\"50\">flat view</text>"
                       "<text class=\"head\" x=\"%u\" y=\"50\">%s</text>\n",
                       GAP, column_x(svg, SVG_VIEW), column_x(svg, SVG_SLOTS),
                       slots ? "KVM slots" : "");
    memory_sink_printf(svg->sink, "<text class=\"head\" x=\"%u\" y=\"24\">", x);
    svg_put_text(svg->sink, svg->as->name);
    memory_sink_printf(svg->sink, "</text>\n");
    x += 90;
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        memory_sink_printf(svg->sink,
                           "<rect class=\"%s\" x=\"%u\" y=\"14\" width=\"12\" height=\"12\"/>"
                           "<text x=\"%u\" y=\"24\">%s</text>\n",
                           kinds[i], x, x + 16, kinds[i]);
        x += 32 + 6 * (unsigned)strlen(kinds[i]);
    }
}

static void put_picture(const struct svg *svg, bool slots)
{
    const struct svg_cut *last = &svg->cuts[svg->cut_num - 1];
    unsigned width = column_x(svg, SVG_SLOTS) + SLOT_WIDTH + GAP;
    unsigned height = last->y + last->height + GAP;
    size_t i;

    width = width > LEGEND_WIDTH ? width : LEGEND_WIDTH;
    memory_sink_printf(svg->sink,
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
                       "viewBox=\"0 0 %u %u\">\n",
                       width, height, width, height);
    svg->sink->write(svg->sink->opaque, style_sheet, sizeof(style_sheet) - 1);
    put_head(svg, slots);
    put_axis(svg, width);
    for (i = 0; i < svg->box_num; i++) {
        put_box(svg, &svg->boxes[i]);
    }
    memory_sink_printf(svg->sink, "</svg>\n");
}

int map_svg(struct memory_core *core, AddressSpace *as, const struct kvm_slots *slots,
            struct memory_sink *sink)
{
    static const MemoryTreeVisitor visitor = {
        .begin = begin_tree, .region = add_region, .disabled = true};
    struct svg svg = {.as = as, .sink = sink};
    FlatView *view;

    memory_walk_trees(core, &visitor, &svg);
    view = address_space_get_flatview(as); /* keeps the names of its regions */
    (void)flatview_for_each_range(view, add_range, &svg);
    if (slots) {
        kvm_slots_for_each(slots, add_slot, &svg);
        kvm_slots_for_each_trap(slots, view, add_trap, &svg);
    }
    if (svg.result == 0) {
        svg.result = svg_make_axis(&svg);
    }
    if (svg.result == 0) {
        svg.result = svg_choose_lanes(&svg);
    }
    if (svg.result == 0) {
        put_picture(&svg, slots != NULL);
    }
    flatview_unref(view);
    free(svg.boxes);
    free(svg.cuts);
    return svg.result;
}
