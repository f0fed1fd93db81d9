/* cmd_board.h - what `run` and `inspect` do alike: the board with the command line's edits. */
#ifndef ACRE_VMM_CMD_BOARD_H
#define ACRE_VMM_CMD_BOARD_H

#include "vmm/board.h"
#include "vmm/options.h"

/*
 * Opens the board that the options name, and writes its tree to --dump-dtb.
 * Returns: 0; -errno, err says what.
 */
int cmd_open_board(const struct run_options *options, struct board **board, struct error *err)
    __attribute__((warn_unused_result));
/* `--board help`: the built-in boards. Returns: 0; -errno of the write that failed. */
int cmd_list_boards(int fd) __attribute__((warn_unused_result));

#endif
