/*
 * board_tree.c - reading. Offsets into the blob stay valid since nothing writes to it after
 * tree_open(); every cell is read through libfdt, which checks lengths.
 */
#include "vmm/board_tree.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tree_phandle {
    uint32_t phandle;
    int node;
};

/* What a tree holds may be anything, and a message is one line. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text >= ' ' && *text <= '~' ? *text : '?';
    }
}

bool tree_is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

int tree_error(const struct board_tree *tree, int node, const char *property, struct error *err,
               const char *format, ...)
{
    char path[160], text[256];
    va_list ap;

    if (fdt_get_path(tree->fdt, node, path, sizeof(path)) < 0) {
        (void)snprintf(path, sizeof(path), "node at %d", node);
    }
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    make_printable(text);
    return error_set(err, EINVAL, "%s: %s: %s%s%s", tree->label, path, property ? property : "",
                     property ? ": " : "", text);
}

static int cells(const struct board_tree *tree, int node, const char *property, int otherwise,
                 int max, int *value, struct error *err)
{
    uint32_t num;
    int ret = tree_u32(tree, node, property, (uint32_t)otherwise, &num, err);

    if (ret < 0) {
        return ret;
    }
    if (num > (uint32_t)max) {
        return tree_error(tree, node, property, err, "%u is more than %d", num, max);
    }
    *value = (int)num;
    return 0;
}

int tree_bus_init(const struct board_tree *tree, const struct tree_bus *up, int node, bool isa,
                  struct tree_bus *bus, struct error *err)
{
    int ret;

    *bus = (struct tree_bus){.up = up, .node = node, .isa = isa};
    ret = cells(tree, node, "#address-cells", 2, 2, &bus->address_cells, err);
    if (ret == 0) {
        ret = cells(tree, node, "#size-cells", 1, 2, &bus->size_cells, err);
    }
    if (ret == 0 && isa && (bus->address_cells != 2 || bus->size_cells != 1)) {
        return tree_error(tree, node, "#address-cells", err,
                          "an isa bus has 2, and 1 in #size-cells");
    }
    return ret;
}

static uint64_t read_cells(const fdt32_t *cell, int num)
{
    uint64_t value = 0;
    int i;

    for (i = 0; i < num; i++) {
        value = value << 32 | fdt32_ld(cell + i);
    }
    return value;
}

/* One step up through `ranges`. */
static int translate(const struct board_tree *tree, const struct tree_bus *bus, int node,
                     struct tree_reg *reg, struct error *err)
{
    int len, entry_cells, i;
    uint64_t addr;
    const fdt32_t *ranges = fdt_getprop(tree->fdt, bus->node, "ranges", &len);
    int step = bus->address_cells + bus->up->address_cells + bus->size_cells;

    if (!ranges) {
        return tree_error(tree, bus->node, "ranges", err,
                          "missing, so that what is inside has no address outside");
    }
    if (len == 0) {
        return 0; /* one to one */
    }
    entry_cells = len / 4;
    /* No cells at all: buses without addresses, one in the other. */
    if (step == 0 || len % 4 != 0 || entry_cells % step != 0) {
        return tree_error(tree, bus->node, "ranges", err, "%d bytes, not a multiple of %d", len,
                          4 * step);
    }
    for (i = 0; i < entry_cells; i += step) {
        const fdt32_t *entry = ranges + i;
        uint64_t child = read_cells(entry, bus->address_cells);
        uint64_t parent = read_cells(entry + bus->address_cells, bus->up->address_cells);
        uint64_t size = read_cells(entry + step - bus->size_cells, bus->size_cells);

        if (reg->addr >= child && reg->addr - child < size &&
            reg->size <= size - (reg->addr - child)) {
            if (__builtin_add_overflow(parent, reg->addr - child, &addr)) {
                break;
            }
            reg->addr = addr;
            return 0;
        }
    }
    return tree_error(tree, node, "reg", err, "0x%llx is in none of its bus's ranges",
                      (unsigned long long)reg->addr);
}

static int read_reg(const struct board_tree *tree, const struct tree_bus *bus, int node,
                    const fdt32_t *cell, struct tree_reg *reg, struct error *err)
{
    const struct tree_bus *at;
    uint64_t last;
    int ret;

    *reg = (struct tree_reg){
        .addr = read_cells(cell, bus->address_cells),
        .size = read_cells(cell + bus->address_cells, bus->size_cells),
    };
    if (reg->size == 0 || __builtin_add_overflow(reg->addr, reg->size - 1, &last)) {
        return tree_error(tree, node, "reg", err, "0x%llx and 0x%llx bytes: not a range",
                          (unsigned long long)reg->addr, (unsigned long long)reg->size);
    }
    if (bus->isa) {
        uint32_t space = fdt32_ld(cell);

        if (space > 1) {
            return tree_error(tree, node, "reg", err,
                              "%u in the first cell (0: memory, 1: I/O port)", space);
        }
        reg->io = space == 1;
        reg->addr = fdt32_ld(cell + 1);
        if (reg->io && reg->addr + (reg->size - 1) > 0xffff) {
            return tree_error(tree, node, "reg", err, "there is no port 0x%llx",
                              (unsigned long long)(reg->addr + (reg->size - 1)));
        }
    }
    for (at = bus; at->up && !reg->io; at = at->up) {
        ret = translate(tree, at, node, reg, err);
        if (ret < 0) {
            return ret;
        }
        if (__builtin_add_overflow(reg->addr, reg->size - 1, &last)) {
            return tree_error(tree, node, "reg", err, "beyond the end of the address space");
        }
    }
    return 0;
}

int tree_regs(const struct board_tree *tree, const struct tree_bus *bus, int node,
              struct tree_reg *regs, struct error *err)
{
    int len, num, i, ret, step = bus->address_cells + bus->size_cells;
    const fdt32_t *prop = fdt_getprop(tree->fdt, node, "reg", &len);

    if (!prop) {
        return tree_error(tree, node, "reg", err, "missing");
    }
    if (bus->size_cells == 0 || bus->address_cells == 0) {
        return tree_error(tree, node, "reg", err, "the bus it is on has no addresses");
    }
    if (len == 0 || len % (4 * step) != 0) {
        return tree_error(tree, node, "reg", err, "%d bytes, not a multiple of %d", len, 4 * step);
    }
    num = len / (4 * step);
    if (num > TREE_REGS_MAX) {
        return tree_error(tree, node, "reg", err, "%d entries, more than %d", num, TREE_REGS_MAX);
    }
    for (i = 0; i < num; i++) {
        ret = read_reg(tree, bus, node, prop + i * step, &regs[i], err);
        if (ret < 0) {
            return ret;
        }
    }
    return num;
}

int tree_u32(const struct board_tree *tree, int node, const char *property, uint32_t otherwise,
             uint32_t *value, struct error *err)
{
    int len;
    const fdt32_t *prop = fdt_getprop(tree->fdt, node, property, &len);

    if (prop && len != 4) {
        return tree_error(tree, node, property, err, "%d bytes, not 4", len);
    }
    *value = prop ? fdt32_ld(prop) : otherwise;
    return 0;
}

int tree_u64(const struct board_tree *tree, int node, const char *property, uint64_t otherwise,
             uint64_t *value, struct error *err)
{
    int len;
    const fdt32_t *prop = fdt_getprop(tree->fdt, node, property, &len);

    if (prop && len != 4 && len != 8) {
        return tree_error(tree, node, property, err, "%d bytes, neither 4 nor 8", len);
    }
    *value = prop ? read_cells(prop, len / 4) : otherwise;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct tree_phandle *left = a, *right = b;

    if (left->phandle != right->phandle) {
        return left->phandle < right->phandle ? -1 : 1;
    }
    return left->node < right->node ? -1 : left->node > right->node;
}

/* Counts the nodes that have one, and notes them where there is room. */
static size_t find_phandles(const void *fdt, struct tree_phandle *phandles)
{
    size_t num = 0;
    int node;

    for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
        uint32_t phandle = fdt_get_phandle(fdt, node);

        if (phandle != 0 && phandles) {
            phandles[num] = (struct tree_phandle){phandle, node};
        }
        num += phandle != 0;
    }
    return num;
}

int tree_index(struct board_tree *tree)
{
    size_t num = find_phandles(tree->fdt, NULL);

    tree->phandles = calloc(num ? num : 1, sizeof(*tree->phandles));
    if (!tree->phandles) {
        return -ENOMEM;
    }
    tree->phandle_num = find_phandles(tree->fdt, tree->phandles);
    qsort(tree->phandles, num, sizeof(*tree->phandles), compare);
    return 0;
}

int tree_node_of(const struct board_tree *tree, uint32_t phandle)
{
    size_t low = 0, high = tree->phandle_num, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (tree->phandles[middle].phandle < phandle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < tree->phandle_num && tree->phandles[low].phandle == phandle
               ? tree->phandles[low].node
               : -1;
}

int tree_target(const struct board_tree *tree, int node, const char *property, struct error *err)
{
    uint32_t phandle = 0;
    int ret = tree_u32(tree, node, property, 0, &phandle, err);

    if (ret < 0) {
        return ret;
    }
    ret = tree_node_of(tree, phandle);
    return ret < 0 ? tree_error(tree, node, property, err, "no such node") : ret;
}

int tree_string(const struct board_tree *tree, int node, const char *property, const char **value,
                struct error *err)
{
    int len;
    const char *prop = fdt_getprop(tree->fdt, node, property, &len);

    if (prop && (len == 0 || memchr(prop, '\0', (size_t)len) != prop + len - 1)) {
        return tree_error(tree, node, property, err, "not a string");
    }
    *value = prop;
    return 0;
}

bool tree_is_okay(const struct board_tree *tree, int node)
{
    int len;
    const char *status = fdt_getprop(tree->fdt, node, "status", &len);

    return !status || (len == 5 && !memcmp(status, "okay", 5)) ||
           (len == 3 && !memcmp(status, "ok", 3));
}

int tree_find_okay(const struct board_tree *tree, const char *compatible)
{
    int node = fdt_node_offset_by_compatible(tree->fdt, -1, compatible);

    while (node >= 0 && !tree_is_okay(tree, node)) {
        node = fdt_node_offset_by_compatible(tree->fdt, node, compatible);
    }
    return node < 0 ? -1 : node;
}

int tree_clock_hz(const struct board_tree *tree, int node, uint32_t *hz, struct error *err)
{
    int clock, len;
    const fdt32_t *clocks = fdt_getprop(tree->fdt, node, "clocks", &len);

    if (!clocks || fdt_getprop(tree->fdt, node, "clock-frequency", NULL)) {
        return tree_u32(tree, node, "clock-frequency", 0, hz, err);
    }
    clock = len == 4 ? tree_node_of(tree, fdt32_ld(clocks)) : -1;
    if (clock < 0 || fdt_node_check_compatible(tree->fdt, clock, "fixed-clock") != 0) {
        return tree_error(tree, node, "clocks", err, "not one fixed-clock");
    }
    len = tree_u32(tree, clock, "clock-frequency", 0, hz, err);
    return len < 0 || *hz != 0 ? len
                               : tree_error(tree, clock, "clock-frequency", err, "missing or 0");
}

bool tree_is_memory(const struct board_tree *tree, int node)
{
    int len;
    const char *type = fdt_getprop(tree->fdt, node, "device_type", &len);

    return type && len == 7 && !memcmp(type, "memory", 7);
}

int tree_bootargs(const struct board_tree *tree, const char **bootargs, struct error *err)
{
    int chosen = fdt_path_offset(tree->fdt, "/chosen");

    *bootargs = NULL;
    return chosen < 0 ? 0 : tree_string(tree, chosen, "bootargs", bootargs, err);
}

int tree_stdout(const struct board_tree *tree)
{
    int len, chosen = fdt_path_offset(tree->fdt, "/chosen"), node;
    const char *path = chosen >= 0 ? fdt_getprop(tree->fdt, chosen, "stdout-path", &len) : NULL;
    const char *colon;

    if (!path || len == 0 || path[len - 1] != '\0') {
        return -1;
    }
    colon = strchr(path, ':');
    node = fdt_path_offset_namelen(tree->fdt, path, colon ? (int)(colon - path) : len - 1);
    return node < 0 ? -1 : node;
}
