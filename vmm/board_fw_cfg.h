/*
 * board_fw_cfg.h - fw_cfg's files: from the command line into a tree, and from a tree to the
 * device.
 *
 * A file is a child of the `qemu,fw-cfg` node: `acre,file` is its name, `acre,data` its content, or
 * `acre,image` the path of one.
 *
 * Source: QEMU, docs/specs/fw_cfg, "Externally Provided Items": -fw_cfg name=NAME,file=PATH.
 */
#ifndef ACRE_VMM_BOARD_FW_CFG_H
#define ACRE_VMM_BOARD_FW_CFG_H

#include "devices/fw_cfg.h"
#include "vmm/board_build.h"

/* The device and what it borrows beside the tree. */
struct board_fw_cfg {
    struct fw_cfg dev;
    uint8_t e820[TREE_MAP_MAX * 20]; /* the file of that name, in QEMU's format */
};

/*
 * Does `text` say what `--fw-cfg` wants: `[name=]NAME,file=PATH` or `[name=]NAME,string=TEXT`, the
 * parts in any order, `,,` for a comma in them? Returns: 0; -EINVAL.
 */
int fw_cfg_text_check(const char *text, struct error *err) __attribute__((warn_unused_result));

/* Bytes that tree_add_fw_cfg() needs free in the tree, at most. */
size_t tree_fw_cfg_room(const char *text);
/*
 * Adds the file to the tree's first `qemu,fw-cfg` node.
 * @tree    one that can be written, with room.
 * @config  hears of names that are not for users.
 * Returns: 0; -EINVAL the text, or no such node.
 */
int tree_add_fw_cfg(struct board_tree *tree, const struct board_config *config, const char *text,
                    struct error *err) __attribute__((warn_unused_result));

/* The init of board.c's row. The part's state is a struct board_fw_cfg. */
int board_fw_cfg_init(struct board *board, struct part *part, struct error *err)
    __attribute__((warn_unused_result));

#endif
