/*
 * tree.h - finds devices in the board's device tree, by libfdt.
 *
 * The board's blob is the module `acre,dtb` (struct boot_info). A search reads the tree from its
 * beginning once; on a KVM that emulates the guest that takes some milliseconds, so find a node
 * once and keep it.
 *
 * Context of all functions: interrupts off, since libfdt is compiled for user space and may keep
 * data below the stack pointer, where an interrupt's frame would go.
 *
 * Sources: Devicetree Specification 0.4, 2.3 and 2.4; the boards' own bindings.
 */
#ifndef ACRE_GUEST_LIB_TREE_H
#define ACRE_GUEST_LIB_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/lib/boot.h"

#define TREE_DEPTH 16

/* A node with those above it; valid as long as the blob. */
struct tree_node {
    const void *dtb;
    int depth;              /* 0: the root */
    int offset[TREE_DEPTH]; /* of the nodes on the way, [depth] its own */
};

struct tree_reg {
    bool io; /* ports, not memory */
    uint64_t addr, size;
};

/*
 * The index-th node in the tree's order with `compatible` among its strings; nodes whose status is
 * not "okay" do not count.
 * Returns: false, with *node as it was: there is no such node, or no usable tree.
 */
bool tree_find(const struct boot_info *boot, const char *compatible, unsigned index,
               struct tree_node *node);
/* The same by the node's name: all of it, or what stands before the @. */
bool tree_find_name(const struct boot_info *boot, const char *name, struct tree_node *node);
/*
 * The index-th entry of `reg` as the CPU sees it: through the `ranges` of the buses above, and
 * relative to the containers above.
 * Returns: false, with *reg undefined: there is no such entry, or a bus above does not pass it on.
 */
bool tree_reg(const struct tree_node *node, unsigned index, struct tree_reg *reg);
/* The index-th number of `interrupts`. Returns: -1 where there is none. */
int tree_irq(const struct tree_node *node, unsigned index);
/* The index-th 32-bit number of a property. Returns: false, with *value as it was: none there. */
bool tree_number(const struct tree_node *node, const char *property, unsigned index,
                 uint32_t *value);

#endif
