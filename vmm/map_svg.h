/*
 * map_svg.h - the memory map as one picture: the region tree on the left, the flat view in the
 * middle, KVM's slots on the right, all on one axis of addresses.
 *
 * In the tree a region's box has in it what is in the region, right of its name; what reaches
 * beyond its region sticks out, and regions that overlap stand side by side. Memory without a slot
 * is shown beside the slots.
 *
 * The axis is cut wherever something begins or ends. A piece is drawn to scale if that makes it
 * neither too small to read nor too high; else it gets the least or the greatest height, and its
 * axis is broken, which a zigzag shows. The picture has its own colours for light and dark.
 *
 * Context: any thread registered with memory_thread_register(); the core lock is taken inside.
 * Source: SVG 1.1.
 */
#ifndef ACRE_VMM_MAP_SVG_H
#define ACRE_VMM_MAP_SVG_H

#include "memory/memory.h"
#include "vmm/kvm_slots.h"

/*
 * @as     the space to draw.
 * @slots  of that space; NULL: no slots are drawn.
 * Returns: 0; -ENOMEM; -E2BIG more than 5,000 regions, ranges and slots: nobody could look at it.
 */
int map_svg(struct memory_core *core, AddressSpace *as, const struct kvm_slots *slots,
            struct memory_sink *sink) __attribute__((warn_unused_result));

/* Text with what XML gives a meaning taken out of it; for other pictures as well. */
void svg_put_text(struct memory_sink *sink, const char *text);

#endif
