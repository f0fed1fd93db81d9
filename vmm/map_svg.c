/*
 * map_svg.c - collect boxes (regions, ranges, slots), make the axis of their borders, give boxes of
 * the tree lanes so that none lies on another, then draw.
 */
#include "vmm/map_svg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOX_MAX = 5000,
    LANE_WIDTH = 150,
    AXIS_WIDTH = 150,
    VIEW_WIDTH = 230,
    SLOT_WIDTH = 190,
    GAP = 36,
    TOP = 64,
    PIECE_MIN = 17, /* pixels */
    PIECE_MAX = 64,
    PIECE_USUAL = 30, /* of the median piece */
    TEXT_SIZE = 11,
};

enum column { COLUMN_TREE, COLUMN_VIEW, COLUMN_SLOTS };

struct box {
    enum column column;
    hwaddr first, last;
    unsigned depth, lane;
    const char *style; /* a class of the style sheet */
    const char *name;  /* lives under the core lock; NULL: a slot */
    char note[64];
};

struct cut {
    hwaddr first, last; /* a piece of the axis */
    unsigned y, height;
    bool broken;
};

struct svg {
    AddressSpace *as;
    struct memory_sink *sink;
    struct box *boxes;
    size_t box_num, box_max;
    struct cut *cuts;
    size_t cut_num;
    unsigned lanes;
    bool in_tree; /* the walk is in the tree of `as` */
    int result;
};

static struct box *add_box(struct svg *svg, enum column column, hwaddr first, hwaddr last)
{
    struct box *boxes = svg->boxes;

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
    boxes[svg->box_num] = (struct box){.column = column, .first = first, .last = last};
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
    struct box *box;

    if (!svg->in_tree || node->depth == 0 || info.size == 0) {
        return; /* the root is all there is */
    }
    box = add_box(svg, COLUMN_TREE, node->first, node->first + range_last(0, info.size));
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
        (void)snprintf(box->note, sizeof(box->note), "\xe2\x86\x92 %.30s @%" PRIx64,
                       memory_region_name(info.alias), info.alias_offset);
    } else if (!node->live) {
        (void)snprintf(box->note, sizeof(box->note), "disabled");
    } else if (info.priority != 0) {
        (void)snprintf(box->note, sizeof(box->note), "priority %" PRId32, info.priority);
    }
}

static bool add_range(const FlatRange *range, void *opaque)
{
    struct svg *svg = opaque;
    struct box *box = add_box(svg, COLUMN_VIEW, range->first, range->last);

    if (box) {
        box->style = style_of(range->mr, range->readonly);
        box->name = memory_region_name(range->mr);
        if (range->offset_in_region) {
            (void)snprintf(box->note, sizeof(box->note), "@%" PRIx64, range->offset_in_region);
        }
    }
    return svg->result != 0;
}

static void add_slot(void *opaque, const struct kvm_slot *slot)
{
    struct box *box = add_box(opaque, COLUMN_SLOTS, slot->node.first, slot->node.last);

    if (box) {
        box->style = slot->flags & KVM_MEM_READONLY ? "rom" : "ram";
        (void)snprintf(box->note, sizeof(box->note), "slot %" PRIu32 "%s%s", slot->id,
                       slot->flags & KVM_MEM_READONLY ? ", read-only" : "",
                       slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? ", logged" : "");
    }
}

/* ---- the axis ---- */

static int by_value(const void *a, const void *b)
{
    hwaddr left = *(const hwaddr *)a, right = *(const hwaddr *)b;

    return left < right ? -1 : left > right;
}

/* The bytes of a piece; 2^64 counts as one less. */
static uint64_t bytes_of(const struct cut *cut)
{
    return cut->last - cut->first == UINT64_MAX ? UINT64_MAX : cut->last - cut->first + 1;
}

static bool is_covered(const struct svg *svg, const struct cut *cut)
{
    size_t i;

    for (i = 0; i < svg->box_num; i++) {
        if (svg->boxes[i].column == COLUMN_VIEW && svg->boxes[i].first <= cut->first &&
            svg->boxes[i].last >= cut->first) {
            return true;
        }
    }
    return false;
}

/* Bytes for a pixel: the median of what shows something gets the usual height. */
static uint64_t choose_scale(const struct svg *svg)
{
    uint64_t *sizes = calloc(svg->cut_num + 1, sizeof(*sizes)), median;
    size_t i, num = 0;

    for (i = 0; sizes && i < svg->cut_num; i++) {
        if (is_covered(svg, &svg->cuts[i])) {
            sizes[num++] = bytes_of(&svg->cuts[i]);
        }
    }
    if (num == 0) {
        free(sizes);
        return 4096;
    }
    qsort(sizes, num, sizeof(*sizes), by_value);
    median = sizes[num / 2] / PIECE_USUAL;
    free(sizes);
    return median > 0 ? median : 1;
}

static void place_cuts(struct svg *svg)
{
    uint64_t scale = choose_scale(svg);
    unsigned y = TOP;
    size_t i;

    for (i = 0; i < svg->cut_num; i++) {
        struct cut *cut = &svg->cuts[i];
        uint64_t height = bytes_of(cut) / scale;
        uint64_t most = is_covered(svg, cut) ? PIECE_MAX : PIECE_USUAL;

        cut->broken = height < PIECE_MIN || height > most;
        cut->height = height < PIECE_MIN ? PIECE_MIN : (unsigned)(height > most ? most : height);
        cut->y = y;
        y += cut->height;
    }
}

/* The axis from the first border to the last. */
static int make_axis(struct svg *svg)
{
    hwaddr *borders = calloc(2 * svg->box_num + 2, sizeof(*borders));
    size_t i, num = 0;

    svg->cuts = calloc(2 * svg->box_num + 2, sizeof(*svg->cuts));
    if (!borders || !svg->cuts) {
        free(borders);
        return -ENOMEM;
    }
    borders[num++] = 0;
    for (i = 0; i < svg->box_num; i++) {
        borders[num++] = svg->boxes[i].first;
        if (svg->boxes[i].last < UINT64_MAX) {
            borders[num++] = svg->boxes[i].last + 1;
        }
    }
    qsort(borders, num, sizeof(*borders), by_value);
    for (i = 0; i < num; i++) {
        if (i + 1 < num && borders[i] == borders[i + 1]) {
            continue;
        }
        svg->cuts[svg->cut_num++] = (struct cut){
            .first = borders[i], .last = i + 1 < num ? borders[i + 1] - 1 : UINT64_MAX};
    }
    free(borders);
    place_cuts(svg);
    return 0;
}

/* The piece that an address is in. */
static const struct cut *cut_at(const struct svg *svg, hwaddr addr)
{
    size_t low = 0, high = svg->cut_num;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (svg->cuts[middle].first <= addr) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &svg->cuts[low];
}

/* ---- lanes of the tree ---- */

static bool overlap(const struct box *a, const struct box *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Right of what it is in, and beside nothing that it would lie on. */
static void choose_lane(struct svg *svg, size_t index)
{
    struct box *box = &svg->boxes[index];
    bool again = true;
    size_t i;

    box->lane = box->depth - 1;
    while (again) {
        again = false;
        for (i = 0; i < index && !again; i++) {
            again = svg->boxes[i].column == COLUMN_TREE && svg->boxes[i].lane == box->lane &&
                    overlap(box, &svg->boxes[i]);
        }
        box->lane += again;
    }
    svg->lanes = box->lane + 1 > svg->lanes ? box->lane + 1 : svg->lanes;
}

static void choose_lanes(struct svg *svg)
{
    size_t i;

    svg->lanes = 1;
    for (i = 0; i < svg->box_num; i++) {
        if (svg->boxes[i].column == COLUMN_TREE) {
            choose_lane(svg, i);
        }
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
    "@media(prefers-color-scheme:dark){\n"
    "svg{background:#14181d}text{fill:#e6eaee}.soft{fill:#93a0ad}rect{stroke:#8b98a5}\n"
    "line,path{stroke:#5f6c79}.grid{stroke:#262d35}.ram{fill:#1f4a2b}.rom{fill:#5a4318}\n"
    ".romd{fill:#634018}.ramd{fill:#1d4a44}.io{fill:#1d3d61}.reserved{fill:#343b43}\n"
    ".iommu{fill:#432a5c}.alias{fill:#14181d}.container{fill:#1e242b}\n"
    ".disabled{fill:#14181d;stroke:#59636d}}\n"
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

static unsigned column_x(const struct svg *svg, enum column column)
{
    unsigned x = GAP + svg->lanes * LANE_WIDTH + GAP + AXIS_WIDTH;

    switch (column) {
    case COLUMN_TREE:
        return GAP;
    case COLUMN_VIEW:
        return x;
    case COLUMN_SLOTS:
        break;
    }
    return x + VIEW_WIDTH + GAP;
}

static unsigned box_width(const struct box *box)
{
    switch (box->column) {
    case COLUMN_TREE:
        return LANE_WIDTH - 8;
    case COLUMN_VIEW:
        return VIEW_WIDTH;
    case COLUMN_SLOTS:
        break;
    }
    return SLOT_WIDTH;
}

static void put_box(const struct svg *svg, const struct box *box)
{
    const struct cut *from = cut_at(svg, box->first), *to = cut_at(svg, box->last);
    unsigned x = column_x(svg, box->column) + box->lane * LANE_WIDTH, y = from->y;
    unsigned height = to->y + to->height - y, width = box_width(box);
    bool two_lines = height >= 2 * PIECE_MIN && box->name && box->note[0];

    memory_sink_printf(svg->sink,
                       "<g><title>%016" PRIx64 "-%016" PRIx64 "</title>"
                       "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"2\"/>"
                       "<svg x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"><text x=\"6\" y=\"12\">",
                       box->first, box->last, box->style, x, y + 1, width, height - 2, x, y + 1,
                       width, height - 2);
    svg_put_text(svg->sink, box->name ? box->name : box->note);
    if (box->name && box->note[0]) {
        memory_sink_printf(svg->sink, two_lines ? "</text><text class=\"soft\" x=\"6\" y=\"26\">"
                                                : " <tspan class=\"soft\">");
        svg_put_text(svg->sink, box->note);
        memory_sink_printf(svg->sink, two_lines ? "" : "</tspan>");
    }
    memory_sink_printf(svg->sink, "</text></svg></g>\n");
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
    unsigned x = column_x(svg, COLUMN_VIEW) - 14;
    char text[40];
    size_t i;

    for (i = 0; i < svg->cut_num; i++) {
        const struct cut *cut = &svg->cuts[i];
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
        if (!is_covered(svg, cut)) {
            if (cut->last == UINT64_MAX) {
                (void)snprintf(text, sizeof(text), "to the end");
            } else {
                size_text(bytes_of(cut), text, sizeof(text));
            }
            memory_sink_printf(svg->sink,
                               "<text class=\"soft\" x=\"%u\" y=\"%u\">nothing, %s</text>\n",
                               column_x(svg, COLUMN_VIEW) + 6, middle + 4, text);
        }
    }
}

static void put_head(const struct svg *svg, bool slots)
{
    static const char *const kinds[] = {"ram",      "rom",   "romd",  "ramd",      "io",
                                        "reserved", "iommu", "alias", "container", "disabled"};
    unsigned x = GAP;
    size_t i;

    memory_sink_printf(svg->sink,
                       "<text class=\"head\" x=\"%u\" y=\"50\">regions</text>"
                       "<text class=\"head\" x=\"%u\" y=\"50\">flat view</text>"
                       "<text class=\"head\" x=\"%u\" y=\"50\">%s</text>\n",
                       GAP, column_x(svg, COLUMN_VIEW), column_x(svg, COLUMN_SLOTS),
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
    const struct cut *last = &svg->cuts[svg->cut_num - 1];
    unsigned width = column_x(svg, COLUMN_SLOTS) + SLOT_WIDTH + GAP;
    unsigned height = last->y + last->height + GAP;
    size_t i;

    width = width > 900 ? width : 900; /* the legend */
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
    }
    if (svg.result == 0) {
        svg.result = make_axis(&svg);
    }
    if (svg.result == 0) {
        choose_lanes(&svg);
        put_picture(&svg, slots != NULL);
    }
    flatview_unref(view);
    free(svg.boxes);
    free(svg.cuts);
    return svg.result;
}
