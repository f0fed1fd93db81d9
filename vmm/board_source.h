/*
 * board_source.h - device-tree files as blobs: a .dtb or .dtbo as it is, a source through dtc.
 *
 * Context: any thread, with the privileges that reading the file takes; runs a child for sources.
 */
#ifndef ACRE_VMM_BOARD_SOURCE_H
#define ACRE_VMM_BOARD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/error.h"

/* True for names that end in .dts or .dtso: device-tree source. */
bool board_source_is_text(const char *path);

/*
 * Reads a tree or an overlay, which is checked by fdt_check_full() and not nested too deeply.
 * @path  a regular file; what it includes (/include/, /incbin/) is found beside it.
 * @blob  the caller's to free; *size bytes, 1..TREE_SIZE_MAX.
 * Returns: 0; -ENOENT no such file, or no dtc for a source; -EINVAL not a tree (for a source, err
 * has dtc's first message, which names file and line); -errno.
 */
int board_source_read(const char *path, void **blob, size_t *size, struct error *err)
    __attribute__((warn_unused_result));

#endif
