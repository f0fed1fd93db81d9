/*
 * board_overlay.c - overlays, by libfdt. It spoils both trees when it fails, and cannot say how
 * much room it needs: so it is given copies, of a base that grows until they fit.
 */
#include "vmm/board_tree.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/board_source.h"

enum { OVERLAY_ROOM = 1024, OVERLAY_RESULT_MAX = 4 * TREE_SIZE_MAX };

/* One try. Returns: 0 with *result the caller's; -ENOMEM; a libfdt error. */
static int apply(const void *base, const void *overlay, size_t overlay_size, size_t room,
                 void **result, int *fdt_error)
{
    void *copy = malloc(overlay_size);

    *result = malloc(room);
    *fdt_error = 0;
    if (copy && *result) {
        memcpy(copy, overlay, overlay_size);
        *fdt_error = fdt_open_into(base, *result, (int)room);
        if (*fdt_error == 0) {
            *fdt_error = fdt_overlay_apply(*result, copy);
        }
    }
    free(copy);
    if (!copy || !*result || *fdt_error < 0) {
        free(*result);
        *result = NULL;
        return *fdt_error < 0 ? -EINVAL : -ENOMEM;
    }
    return 0;
}

/* The first label that the overlay refers to and the board does not have; NULL: none. */
static const char *missing_label(const void *base, const void *overlay)
{
    int symbols = fdt_path_offset(base, "/__symbols__");
    int fixups = fdt_path_offset(overlay, "/__fixups__"), property;
    const char *name;

    fdt_for_each_property_offset(property, overlay, fixups)
    {
        if (fdt_getprop_by_offset(overlay, property, &name, NULL) &&
            (symbols < 0 || !fdt_getprop(base, symbols, name, NULL))) {
            return name;
        }
    }
    return NULL;
}

/* The first node that the overlay names by its path and the board does not have; NULL: none. */
static const char *missing_target(const void *base, const void *overlay)
{
    const char *path;
    int node, len;

    fdt_for_each_subnode(node, overlay, 0)
    {
        path = fdt_getprop(overlay, node, "target-path", &len);
        if (path && len > 0 && path[len - 1] == '\0' && tree_is_printable(path) &&
            fdt_path_offset(base, path) < 0) {
            return path;
        }
    }
    return NULL;
}

/* libfdt takes a tree without fragments for an overlay that changes nothing. */
static bool has_fragment(const void *overlay)
{
    int node;

    fdt_for_each_subnode(node, overlay, 0)
    {
        if (fdt_subnode_offset(overlay, node, "__overlay__") >= 0) {
            return true;
        }
    }
    return false;
}

static int refuse(const struct board_tree *tree, const char *path, const void *overlay,
                  int fdt_error, struct error *err)
{
    const char *label = missing_label(tree->fdt, overlay);

    if (label && fdt_path_offset(tree->fdt, "/__symbols__") < 0) {
        return error_set(err, EINVAL, "%s: wants &%.64s, and %s was made without labels (dtc -@)",
                         path, label, tree->label);
    }
    if (label) {
        return error_set(err, EINVAL, "%s: wants &%.64s, which %s has not", path, label,
                         tree->label);
    }
    label = missing_target(tree->fdt, overlay);
    if (label) {
        return error_set(err, EINVAL, "%s: wants %.64s, which %s has not", path, label,
                         tree->label);
    }
    return error_set(err, EINVAL, "%s: not an overlay for %s: %s", path, tree->label,
                     fdt_strerror(fdt_error));
}

/* The board is that with this overlay. Returns: 0; -ENOMEM. */
static int add_to_label(struct board_tree *tree, const char *path)
{
    char *label;

    if (asprintf(&label, "%s with %s", tree->label, path) < 0) {
        return -ENOMEM;
    }
    free(tree->label);
    tree->label = label;
    return 0;
}

int tree_overlay(struct board_tree *tree, const char *path, struct error *err)
{
    void *overlay, *result = NULL;
    size_t size, room;
    int fdt_error, ret = board_source_read(path, &overlay, &size, err);

    if (ret < 0) {
        return ret;
    }
    if (!has_fragment(overlay)) {
        free(overlay);
        return error_set(err, EINVAL, "%s: not an overlay: no fragment in it", path);
    }
    room = tree->size + size + OVERLAY_ROOM;
    do {
        ret = apply(tree->fdt, overlay, size, room, &result, &fdt_error);
        room *= 2;
    } while (fdt_error == -FDT_ERR_NOSPACE && room <= OVERLAY_RESULT_MAX);
    if (ret == 0) {
        ret = add_to_label(tree, path);
    }
    if (ret == 0) {
        (void)fdt_pack(result); /* fails for no tree that could be edited */
        free(tree->owned);
        tree->owned = result;
        tree->fdt = result;
        tree->size = fdt_totalsize(result);
    } else if (ret == -ENOMEM) {
        free(result);
        ret = error_set_errno(err, ENOMEM, "%s", path);
    } else {
        ret = refuse(tree, path, overlay, fdt_error, err);
    }
    free(overlay);
    return ret;
}
