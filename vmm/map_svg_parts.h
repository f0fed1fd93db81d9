/*
 * map_svg_parts.h - what the map_svg*.c share. Private to them.
 *
 * map_svg.c collects boxes (regions, ranges, slots) and draws, map_svg_layout.c gives them places:
 * an axis of all their borders, and lanes to the boxes of the tree.
 */
#ifndef ACRE_VMM_MAP_SVG_PARTS_H
#define ACRE_VMM_MAP_SVG_PARTS_H

#include "vmm/map_svg.h"

/* Pixels. */
enum {
    SVG_TOP = 64,
    SVG_PIECE_MIN = 17,
    SVG_PIECE_MAX = 64,
    SVG_PIECE_USUAL = 30, /* of the median piece */
};

enum svg_column { SVG_TREE, SVG_VIEW, SVG_SLOTS };

struct svg_box {
    enum svg_column column;
    hwaddr first, last;
    const char *style; /* a class of the style sheet */
    const char *name;  /* lives under the core lock; or what is in `own` */
    char own[16], note[80];
    bool alias; /* the note says of what */
    /* Of the tree, where boxes come in the order of a walk, what is in a region after it. */
    unsigned depth;  /* 1: in the root */
    unsigned lane;   /* from the left */
    unsigned lanes;  /* that it and all in it take up */
    unsigned levels; /* of regions in it */
    hwaddr hull_first,
        hull_last; /* what it and all in it take up: what is in it may go beyond it */
};

struct svg_cut {
    hwaddr first, last; /* a piece of the axis */
    unsigned y, height;
    bool broken;
};

struct svg {
    AddressSpace *as;
    struct memory_sink *sink;
    struct svg_box *boxes;
    size_t box_num, box_max;
    struct svg_cut *cuts;
    size_t cut_num;
    unsigned lanes, levels; /* of the whole tree */
    bool in_tree;           /* the walk is in the tree of `as` */
    int result;
};

/* Makes the axis, from 0 to the end. Returns: 0; -ENOMEM. */
int svg_make_axis(struct svg *svg) __attribute__((warn_unused_result));
/* The piece that an address is in. */
const struct svg_cut *svg_cut_at(const struct svg *svg, hwaddr addr);
uint64_t svg_cut_bytes(const struct svg_cut *cut); /* 2^64 counts as one less */
/* Does any range of the view lie there? */
bool svg_is_covered(const struct svg *svg, const struct svg_cut *cut);
/*
 * Boxes in each other: a region has a lane for its name, and right of that, inside of its box, what
 * is in it; regions that overlap otherwise lie side by side. Returns: 0; -ENOMEM.
 */
int svg_choose_lanes(struct svg *svg) __attribute__((warn_unused_result));

#endif
