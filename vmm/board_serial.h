/*
 * board_serial.h - which nodes are the board's serial ports, and adding the ones it lacks.
 *
 * Port N (0 is COM1) is what the alias serialN names; ports without an alias take the numbers that
 * are free, in document order. The console is the port of /chosen stdout-path, else the first one.
 */
#ifndef ACRE_VMM_BOARD_SERIAL_H
#define ACRE_VMM_BOARD_SERIAL_H

#include "vmm/board.h"
#include "vmm/board_tree.h"

/* @nodes  BOARD_SERIALS entries: -1 where the board has no such port. */
void tree_serials(const struct board_tree *tree, int *nodes);

/* Bytes that tree_edit_serials() needs free in the tree, at most; 0: it would do nothing. */
size_t tree_serials_room(const struct board_config *config);
/*
 * Adds the ports and the debug console that `config` gives back ends to, where a PC has them on
 * the ISA bus, and writes the back ends down.
 * @tree  one that can be written, with room.
 * Returns: 0; -EINVAL no ISA bus to add a port to, or no room for it there.
 */
int tree_edit_serials(struct board_tree *tree, const struct board_config *config, struct error *err)
    __attribute__((warn_unused_result));

/* `acre,backend` of a node; NULL: none. Returns: 0; -EINVAL not one that a tree may name. */
int tree_backend(const struct board_tree *tree, int node, const char **word, struct error *err)
    __attribute__((warn_unused_result));

#endif
