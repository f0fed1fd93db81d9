/*
 * board_tree.h - a board's device tree: where it comes from, the command line's edits, and reading
 * it with errors that name tree, node and property. Knows no device and makes no region.
 *
 * Context: one thread at a time; no locks.
 * Source: Devicetree Specification 0.4 ch. 2 (reg, ranges, status), 3.4 (/memory), 3.5
 * (/reserved-memory), 3.6 (/chosen), 5 (the flattened form); the ISA bus binding (IEEE 1275).
 */
#ifndef ACRE_VMM_BOARD_TREE_H
#define ACRE_VMM_BOARD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/board.h"
#include "vmm/error.h"

enum {
    TREE_SIZE_MAX = 1 << 20,  /* bytes of a file */
    TREE_NODE_DEPTH_MAX = 64, /* nodes in nodes, whatever they are */
    TREE_DEPTH_MAX = 16,      /* buses and containers in each other */
    TREE_REGS_MAX = 16,       /* entries of one reg */
    TREE_MAP_MAX = 128,       /* entries of a memory map */
};

struct board_tree {
    char *label;     /* as messages show it: the names from the command line */
    const void *fdt; /* checked by fdt_check_full */
    void *owned;     /* the storage of fdt, NULL for a built-in one without edits */
    size_t size;
    struct tree_phandle *phandles; /* ascending */
    size_t phandle_num;
};

/* The blob of a built-in board, or NULL. */
const void *board_blob(const char *name, size_t *size);

/*
 * Applies an overlay file (board_source.h), and adds its name to the label. The tree is unchanged
 * when that fails.
 * Returns: 0; as board_source_read(); -EINVAL it does not fit this tree.
 */
int tree_overlay(struct board_tree *tree, const char *path, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Finds the tree by its name or file and applies overlays and edits of `config`, in that order.
 * Returns: as board_open(). On failure nothing is left.
 */
int tree_open(struct board_tree *tree, const struct board_config *config, struct error *err)
    __attribute__((warn_unused_result));
/* Accepts a zeroed tree. */
void tree_close(struct board_tree *tree);

/* "LABEL: /node: property: text" in err; property NULL: without. Returns: -EINVAL. */
int tree_error(const struct board_tree *tree, int node, const char *property, struct error *err,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Finds all phandles, for tree_node_of(). Returns: 0; -ENOMEM. To be freed by tree_close(). */
int tree_index(struct board_tree *tree) __attribute__((warn_unused_result));

/* Of ASCII, no control characters. */
bool tree_is_printable(const char *text);

/* How addresses in the `reg` of a node's children are to be read. On the walker's stack. */
struct tree_bus {
    const struct tree_bus *up; /* NULL: its addresses are those of the region it is in */
    int node;
    bool isa;
    int address_cells, size_cells;
};

/*
 * Reads #address-cells and #size-cells of `node`.
 * @up  NULL for the root and for containers.
 * Returns: 0, -EINVAL.
 */
int tree_bus_init(const struct board_tree *tree, const struct tree_bus *up, int node, bool isa,
                  struct tree_bus *bus, struct error *err) __attribute__((warn_unused_result));

struct tree_reg {
    bool io;       /* a port, not memory */
    uint64_t addr; /* in the region that the outermost bus stands for */
    uint64_t size; /* bytes; 2^64 cannot be said */
};

/*
 * The `reg` of a child of `bus`, translated upwards.
 * @regs  TREE_REGS_MAX entries of room.
 * Returns: how many; -EINVAL none, malformed, empty (size 0) or beyond 2^64.
 */
int tree_regs(const struct board_tree *tree, const struct tree_bus *bus, int node,
              struct tree_reg *regs, struct error *err) __attribute__((warn_unused_result));

/* Returns: 0 with the value, or `otherwise` when the node has no such property; -EINVAL. */
int tree_u32(const struct board_tree *tree, int node, const char *property, uint32_t otherwise,
             uint32_t *value, struct error *err) __attribute__((warn_unused_result));
int tree_u64(const struct board_tree *tree, int node, const char *property, uint64_t otherwise,
             uint64_t *value, struct error *err) __attribute__((warn_unused_result));
/*
 * The node that a phandle names; of several the first in the tree.
 * Returns: its offset; -1 when there is none. Cost: O(log n).
 */
int tree_node_of(const struct board_tree *tree, uint32_t phandle);
/*
 * The node that the property names by its phandle. Returns: its offset; -EINVAL the property is
 * missing, is no cell, or names none.
 */
int tree_target(const struct board_tree *tree, int node, const char *property, struct error *err)
    __attribute__((warn_unused_result));
/* A NUL-terminated string, or NULL when there is none. Returns: 0; -EINVAL not a string. */
int tree_string(const struct board_tree *tree, int node, const char *property, const char **value,
                struct error *err) __attribute__((warn_unused_result));
/*
 * The frequency of a device's input clock: `clock-frequency`, or that of the fixed-clock in
 * `clocks`. Returns: 0 with *hz, which is 0 when the node has neither; -EINVAL.
 */
int tree_clock_hz(const struct board_tree *tree, int node, uint32_t *hz, struct error *err)
    __attribute__((warn_unused_result));
/* The first node with this `compatible` that is not disabled, or -1. */
int tree_find_okay(const struct board_tree *tree, const char *compatible);
/* False for status = "disabled" and the like. */
bool tree_is_okay(const struct board_tree *tree, int node);
bool tree_is_memory(const struct board_tree *tree, int node);
/* CPU nodes; 1 when there are none. */
unsigned tree_cpu_num(const struct board_tree *tree);
/* /chosen bootargs; NULL when the tree has none. Returns: 0; -EINVAL not a string. */
int tree_bootargs(const struct board_tree *tree, const char **bootargs, struct error *err)
    __attribute__((warn_unused_result));
/* The node that /chosen stdout-path names, or -1. */
int tree_stdout(const struct board_tree *tree);

/*
 * The memory map that the guest is told: RAM as the memory nodes say, less what is reserved.
 * @map   TREE_MAP_MAX entries of room.
 * @ram_size  bytes of all memory nodes.
 * Returns: how many entries; -EINVAL.
 */
int tree_map(const struct board_tree *tree, struct boot_map_entry *map, uint64_t *ram_size,
             struct error *err) __attribute__((warn_unused_result));

#endif
