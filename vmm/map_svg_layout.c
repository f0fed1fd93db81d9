/*
 * map_svg_layout.c - the axis is cut wherever a box begins or ends. Lanes are given from the inside
 * out: each region's children are put beside each other where they overlap, first fit, and then
 * move with it.
 */
#include <errno.h>
#include <stdlib.h>

#include "vmm/map_svg_parts.h"

/* ---- the axis ---- */

static int by_value(const void *a, const void *b)
{
    hwaddr left = *(const hwaddr *)a, right = *(const hwaddr *)b;

    return left < right ? -1 : left > right;
}

/* The bytes of a piece; 2^64 counts as one less. */
uint64_t svg_cut_bytes(const struct svg_cut *cut)
{
    return cut->last - cut->first == UINT64_MAX ? UINT64_MAX : cut->last - cut->first + 1;
}

bool svg_is_covered(const struct svg *svg, const struct svg_cut *cut)
{
    size_t i;

    for (i = 0; i < svg->box_num; i++) {
        if (svg->boxes[i].column == SVG_VIEW && svg->boxes[i].first <= cut->first &&
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
        if (svg_is_covered(svg, &svg->cuts[i])) {
            sizes[num++] = svg_cut_bytes(&svg->cuts[i]);
        }
    }
    if (num == 0) {
        free(sizes);
        return 4096;
    }
    qsort(sizes, num, sizeof(*sizes), by_value);
    median = sizes[num / 2] / SVG_PIECE_USUAL;
    free(sizes);
    return median > 0 ? median : 1;
}

static void place_cuts(struct svg *svg)
{
    uint64_t scale = choose_scale(svg);
    unsigned y = SVG_TOP;
    size_t i;

    for (i = 0; i < svg->cut_num; i++) {
        struct svg_cut *cut = &svg->cuts[i];
        uint64_t height = svg_cut_bytes(cut) / scale;
        uint64_t most = svg_is_covered(svg, cut) ? SVG_PIECE_MAX : SVG_PIECE_USUAL;

        cut->broken = height < SVG_PIECE_MIN || height > most;
        cut->height =
            height < SVG_PIECE_MIN ? SVG_PIECE_MIN : (unsigned)(height > most ? most : height);
        cut->y = y;
        y += cut->height;
    }
}

/* The axis from the first border to the last. */
int svg_make_axis(struct svg *svg)
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
        svg->cuts[svg->cut_num++] = (struct svg_cut){
            .first = borders[i], .last = i + 1 < num ? borders[i + 1] - 1 : UINT64_MAX};
    }
    free(borders);
    place_cuts(svg);
    return 0;
}

/* The piece that an address is in. */
const struct svg_cut *svg_cut_at(const struct svg *svg, hwaddr addr)
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

/* A box of the tree and what it is in. */
struct node {
    struct svg_box *box;
    size_t parent;   /* index + 1; 0: the root */
    unsigned offset; /* in lanes, of what it is in */
};

static bool lie_on_each_other(const struct node *a, const struct node *b)
{
    return a->box->hull_first <= b->box->hull_last && b->box->hull_first <= a->box->hull_last &&
           a->offset < b->offset + b->box->lanes && b->offset < a->offset + a->box->lanes;
}

/* The first place beside those of its siblings that came before it. */
static void choose_offset(struct node *nodes, size_t index)
{
    struct node *node = &nodes[index];
    bool again = true;
    size_t i;

    node->offset = 0;
    while (again) {
        again = false;
        for (i = 0; i < index && !again; i++) {
            if (nodes[i].parent == node->parent && lie_on_each_other(node, &nodes[i])) {
                node->offset = nodes[i].offset + nodes[i].box->lanes;
                again = true;
            }
        }
    }
}

/* Places what is in a node, and makes the node large enough. @parent  index + 1; 0: the root */
static unsigned place_children(struct node *nodes, size_t num, size_t parent)
{
    struct svg_box *box = parent > 0 ? nodes[parent - 1].box : NULL;
    unsigned lanes = 0;
    size_t i;

    for (i = parent; i < num && (!box || nodes[i].box->depth > box->depth); i++) {
        const struct svg_box *child = nodes[i].box;

        if (nodes[i].parent != parent) {
            continue;
        }
        choose_offset(nodes, i);
        lanes = nodes[i].offset + child->lanes > lanes ? nodes[i].offset + child->lanes : lanes;
        if (box) {
            box->levels = child->levels + 1 > box->levels ? child->levels + 1 : box->levels;
            box->hull_first =
                child->hull_first < box->hull_first ? child->hull_first : box->hull_first;
            box->hull_last = child->hull_last > box->hull_last ? child->hull_last : box->hull_last;
        }
    }
    return lanes;
}

/* Returns: how many there are. */
static size_t list_nodes(struct svg *svg, struct node *nodes)
{
    size_t i, num = 0, parent;

    for (i = 0; i < svg->box_num; i++) {
        struct svg_box *box = &svg->boxes[i];

        if (box->column != SVG_TREE) {
            continue;
        }
        box->hull_first = box->first;
        box->hull_last = box->last;
        parent = num; /* the one before it, or what that is in */
        while (parent > 0 && nodes[parent - 1].box->depth >= box->depth) {
            parent = nodes[parent - 1].parent;
        }
        nodes[num++] = (struct node){.box = box, .parent = parent};
    }
    return num;
}

int svg_choose_lanes(struct svg *svg)
{
    struct node *nodes = calloc(svg->box_num + 1, sizeof(*nodes));
    size_t i, num;

    if (!nodes) {
        return -ENOMEM;
    }
    num = list_nodes(svg, nodes);
    for (i = num; i > 0; i--) {
        nodes[i - 1].box->lanes = 1 + place_children(nodes, num, i);
    }
    svg->lanes = place_children(nodes, num, 0);
    svg->lanes = svg->lanes > 0 ? svg->lanes : 1;
    for (i = 0; i < num; i++) {
        struct svg_box *box = nodes[i].box;

        box->lane =
            nodes[i].offset + (nodes[i].parent > 0 ? nodes[nodes[i].parent - 1].box->lane + 1 : 0);
        svg->levels = box->levels > svg->levels ? box->levels : svg->levels;
    }
    free(nodes);
    return 0;
}
