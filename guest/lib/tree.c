/*
 * tree.c - one pass over the nodes, with the way down remembered: libfdt's own search for a parent
 * starts from the root again each time, and each instruction may be emulated.
 */
#include "guest/lib/tree.h"

#include <libfdt.h>

#include "guest/lib/string.h"

#define CELL_SIZE 4 /* bytes */
#define CELLS_MAX 4 /* of one address or size */

/* What a search looks for. */
struct wanted {
    const char *compatible; /* or, where NULL, */
    const char *name;
    unsigned index;
};

static bool disabled(const void *dtb, int offset)
{
    const char *status = fdt_getprop(dtb, offset, "status", NULL);

    return status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0;
}

static bool has_name(const void *dtb, int offset, const char *name)
{
    const char *found = fdt_get_name(dtb, offset, NULL);
    size_t len = strlen(name);

    return found && strlen(found) >= len && memcmp(found, name, len) == 0 &&
           (found[len] == '\0' || found[len] == '@');
}

static bool matches(const void *dtb, int offset, const struct wanted *wanted)
{
    if (!wanted->compatible) {
        return has_name(dtb, offset, wanted->name);
    }
    return fdt_node_check_compatible(dtb, offset, wanted->compatible) == 0 &&
           !disabled(dtb, offset);
}

static bool find(const struct boot_info *boot, struct wanted wanted, struct tree_node *node)
{
    struct tree_node here = {.dtb = boot->dtb};
    int offset = 0;

    if (!boot->dtb || fdt_check_header(boot->dtb) != 0) {
        return false;
    }
    for (; offset >= 0 && here.depth >= 0; offset = fdt_next_node(here.dtb, offset, &here.depth)) {
        if (here.depth >= TREE_DEPTH) {
            continue;
        }
        here.offset[here.depth] = offset;
        if (matches(here.dtb, offset, &wanted) && wanted.index-- == 0) {
            *node = here;
            return true;
        }
    }
    return false;
}

bool tree_find(const struct boot_info *boot, const char *compatible, unsigned index,
               struct tree_node *node)
{
    return find(boot, (struct wanted){.compatible = compatible, .index = index}, node);
}

bool tree_find_name(const struct boot_info *boot, const char *name, struct tree_node *node)
{
    return find(boot, (struct wanted){.name = name}, node);
}

/* One number of `count` cells; what does not fit 64 bits is cut off at the top. */
static uint64_t cells(const fdt32_t *cell, int count)
{
    uint64_t value = 0;

    for (int i = 0; i < count; i++) {
        value = value << 32 | fdt32_to_cpu(cell[i]);
    }
    return value;
}

/* The property's cells from `first` on. Returns: NULL where there are not `count` of them. */
static const fdt32_t *property_cells(const struct tree_node *node, int depth, const char *name,
                                     unsigned first, unsigned count)
{
    int len;
    const fdt32_t *cell = fdt_getprop(node->dtb, node->offset[depth], name, &len);

    return cell && ((uint64_t)first + count) * CELL_SIZE <= (uint64_t)len ? cell + first : NULL;
}

static bool is_compatible(const struct tree_node *node, int depth, const char *compatible)
{
    return fdt_node_check_compatible(node->dtb, node->offset[depth], compatible) == 0;
}

/* #address-cells and #size-cells of a node, which hold for its children. */
struct widths {
    int addr, size;
};

static bool widths_at(const struct tree_node *node, int depth, struct widths *widths)
{
    *widths = (struct widths){
        .addr = fdt_address_cells(node->dtb, node->offset[depth]),
        .size = fdt_size_cells(node->dtb, node->offset[depth]),
    };
    return widths->addr > 0 && widths->addr <= CELLS_MAX && widths->size >= 0 &&
           widths->size <= CELLS_MAX;
}

/* Takes *addr from the children of the node at `depth` to its siblings through `ranges`. */
static bool through_ranges(const struct tree_node *node, int depth, uint64_t *addr)
{
    struct widths child, parent;
    const fdt32_t *entry;
    unsigned step;

    if (!widths_at(node, depth, &child) || !widths_at(node, depth - 1, &parent) ||
        !property_cells(node, depth, "ranges", 0, 0)) {
        return false;
    }
    step = (unsigned)(child.addr + parent.addr + child.size);
    for (unsigned first = 0; (entry = property_cells(node, depth, "ranges", first, step));
         first += step) {
        uint64_t from = cells(entry, child.addr);
        uint64_t to = cells(entry + child.addr, parent.addr);
        uint64_t size = cells(entry + child.addr + parent.addr, child.size);

        if (*addr >= from && *addr - from < size) {
            *addr = *addr - from + to;
            return true;
        }
    }
    return !property_cells(node, depth, "ranges", 0, 1); /* an empty one changes nothing */
}

static bool to_parent(const struct tree_node *node, int depth, uint64_t *addr)
{
    struct widths widths;
    const fdt32_t *base;

    if (!is_compatible(node, depth, "acre,container")) {
        return through_ranges(node, depth, addr);
    }
    if (!widths_at(node, depth - 1, &widths)) {
        return false;
    }
    base = property_cells(node, depth, "reg", 0, (unsigned)widths.addr);
    *addr += base ? cells(base, widths.addr) : 0;
    return base;
}

bool tree_reg(const struct tree_node *node, unsigned index, struct tree_reg *reg)
{
    int depth = node->depth - 1;
    struct widths widths;
    const fdt32_t *entry;
    unsigned step;

    if (depth < 0 || !widths_at(node, depth, &widths)) {
        return false;
    }
    step = (unsigned)(widths.addr + widths.size);
    entry = property_cells(node, node->depth, "reg", index * step, step);
    if (!entry) {
        return false;
    }
    *reg = (struct tree_reg){
        .addr = cells(entry, widths.addr),
        .size = cells(entry + widths.addr, widths.size),
    };
    if (is_compatible(node, depth, "isa") && reg->addr >> 32) {
        reg->io = true; /* the first cell says so; ports are the same all over the machine */
        reg->addr = (uint32_t)reg->addr;
        return true;
    }
    for (; depth > 0; depth--) {
        if (!to_parent(node, depth, &reg->addr)) {
            return false;
        }
    }
    return true;
}

bool tree_number(const struct tree_node *node, const char *property, unsigned index,
                 uint32_t *value)
{
    const fdt32_t *cell = property_cells(node, node->depth, property, index, 1);

    if (cell) {
        *value = fdt32_to_cpu(*cell);
    }
    return cell;
}

int tree_irq(const struct tree_node *node, unsigned index)
{
    uint32_t irq;

    return tree_number(node, "interrupts", index, &irq) ? (int)irq : -1;
}
