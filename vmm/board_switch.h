/* board_switch.h - a bank switch and the nodes that it names. Private to the board. */
#ifndef ACRE_VMM_BOARD_SWITCH_H
#define ACRE_VMM_BOARD_SWITCH_H

#include "vmm/board_build.h"

/*
 * Gives the bank switch in `part` the regions of its `acre,regions`. Context: everything is
 * mounted. Returns: 0; -EINVAL the property, with err filled.
 */
int board_switch_connect(struct board *board, struct part *part, struct error *err)
    __attribute__((warn_unused_result));

#endif
