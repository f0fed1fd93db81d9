/*
 * board_edit.c - opening a tree, and the command line's edits to it. A built-in tree without edits
 * is used in place; else edits are made in a copy with room.
 */
#include "vmm/board_fw_cfg.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/board_serial.h"
#include "vmm/board_source.h"

/* RAM from here on moves to 4 GiB, so that a PC's devices have room below. */
#define RAM_HOLE_FIRST (UINT64_C(3) << 30)
#define RAM_HIGH_FIRST (UINT64_C(4) << 30)
enum { EDIT_ROOM = 512, EDIT_ROOM_PER_CPU = 96 };

static bool is_file_name(const char *name)
{
    const char *end = strrchr(name, '.');

    return strchr(name, '/') || board_source_is_text(name) ||
           (end && end != name && strcmp(end, ".dtb") == 0);
}

static int find_tree(struct board_tree *tree, const char *name, struct error *err)
{
    int ret;

    tree->fdt = board_blob(name, &tree->size);
    if (tree->fdt) {
        return 0;
    }
    if (!is_file_name(name)) {
        return error_set(err, ENOENT,
                         "%s: unknown board (--board help lists them; a file ends in .dtb or .dts)",
                         name);
    }
    ret = board_source_read(name, &tree->owned, &tree->size, err);
    if (ret < 0) {
        tree->owned = NULL;
    }
    tree->fdt = tree->owned;
    return ret;
}

static bool is_cpu(const struct board_tree *tree, int node)
{
    const char *name = fdt_get_name(tree->fdt, node, NULL);

    return name && strncmp(name, "cpu@", 4) == 0;
}

unsigned tree_cpu_num(const struct board_tree *tree)
{
    int cpus = fdt_path_offset(tree->fdt, "/cpus"), node;
    unsigned num = 0;

    if (cpus >= 0) {
        fdt_for_each_subnode(node, tree->fdt, cpus)
        {
            num += is_cpu(tree, node) && tree_is_okay(tree, node);
        }
    }
    return num > 0 ? num : 1;
}

static int find_memory(const struct board_tree *tree, int *num)
{
    int node, found = -1;

    *num = 0;
    fdt_for_each_subnode(node, tree->fdt, 0)
    {
        if (tree_is_memory(tree, node) && tree_is_okay(tree, node)) {
            found = found < 0 ? node : found;
            (*num)++;
        }
    }
    return found;
}

static int append_cells(fdt32_t *cell, int num, uint64_t value)
{
    if (num == 1 && value > UINT32_MAX) {
        return -FDT_ERR_BADNCELLS;
    }
    if (num == 2) {
        fdt32_st(cell++, (uint32_t)(value >> 32));
    }
    fdt32_st(cell, (uint32_t)value);
    return 0;
}

static int edit_memory(struct board_tree *tree, uint64_t ram_size, struct error *err)
{
    struct tree_reg regs[TREE_REGS_MAX];
    struct tree_bus bus;
    fdt32_t cells[8];
    uint64_t base, piece[2][2];
    int node, num, i, step, ret, pieces = 1;

    node = find_memory(tree, &num);
    if (num != 1) {
        return error_set(err, EINVAL, "%s: -m: the tree has %d memory nodes, not one", tree->label,
                         num);
    }
    ret = tree_bus_init(tree, NULL, 0, false, &bus, err);
    if (ret == 0) {
        ret = tree_regs(tree, &bus, node, regs, err);
    }
    if (ret < 0) {
        return ret;
    }
    base = regs[0].addr;
    piece[0][0] = base;
    piece[0][1] = ram_size;
    if (base < RAM_HOLE_FIRST && ram_size > RAM_HOLE_FIRST - base) {
        piece[0][1] = RAM_HOLE_FIRST - base;
        piece[1][0] = RAM_HIGH_FIRST;
        piece[1][1] = ram_size - piece[0][1];
        pieces = 2;
    }
    step = bus.address_cells + bus.size_cells;
    for (i = 0, ret = 0; i < pieces && ret == 0; i++) {
        ret = append_cells(cells + i * step, bus.address_cells, piece[i][0]);
        if (ret == 0) {
            ret = append_cells(cells + i * step + bus.address_cells, bus.size_cells, piece[i][1]);
        }
    }
    if (ret == 0) {
        ret = fdt_setprop(tree->owned, node, "reg", cells, 4 * pieces * step);
    }
    return ret == 0 ? 0
                    : tree_error(tree, node, "reg", err, "-m: %s",
                                 ret == -FDT_ERR_BADNCELLS ? "needs two cells" : fdt_strerror(ret));
}

/* Unless it is there. */
static int add_cpu(struct board_tree *tree, int cpus, unsigned index)
{
    char name[24];
    int node, ret;

    (void)snprintf(name, sizeof(name), "cpu@%x", index);
    if (fdt_subnode_offset(tree->fdt, cpus, name) >= 0) {
        return 0;
    }
    node = fdt_add_subnode(tree->owned, cpus, name);
    if (node < 0) {
        return node;
    }
    ret = fdt_setprop_string(tree->owned, node, "device_type", "cpu");
    return ret < 0 ? ret : fdt_setprop_u32(tree->owned, node, "reg", index);
}

/* Is it one of the first `num`, by its name, and not disabled? */
static bool is_wanted_cpu(const struct board_tree *tree, int node, unsigned num)
{
    const char *name = fdt_get_name(tree->fdt, node, NULL);
    unsigned long index = strtoul(name + 4, NULL, 16);
    char expected[24];

    (void)snprintf(expected, sizeof(expected), "cpu@%lx", index);
    return index < num && strcmp(name, expected) == 0 && tree_is_okay(tree, node);
}

/* The first CPU that is not wanted, or -1. */
static int find_surplus_cpu(const struct board_tree *tree, int cpus, unsigned num)
{
    int node;

    fdt_for_each_subnode(node, tree->fdt, cpus)
    {
        if (is_cpu(tree, node) && !is_wanted_cpu(tree, node, num)) {
            return node;
        }
    }
    return -1;
}

static int edit_cpus(struct board_tree *tree, unsigned cpu_num, struct error *err)
{
    int cpus = fdt_path_offset(tree->fdt, "/cpus"), node, ret = 0;
    unsigned i;

    if (cpus < 0) {
        return error_set(err, EINVAL, "%s: --cpus: the tree has no /cpus", tree->label);
    }
    while (ret == 0 && (node = find_surplus_cpu(tree, cpus, cpu_num)) >= 0) {
        ret = fdt_del_node(tree->owned, node);
    }
    /* A new node comes first among its siblings; so the highest is added first. */
    for (i = cpu_num; i-- > 0 && ret == 0;) {
        ret = add_cpu(tree, cpus, i);
    }
    return ret == 0 ? 0 : error_set(err, EINVAL, "%s: --cpus: %s", tree->label, fdt_strerror(ret));
}

static int edit_bootargs(struct board_tree *tree, const char *bootargs, struct error *err)
{
    int chosen = fdt_path_offset(tree->fdt, "/chosen"), ret;

    if (chosen < 0) {
        chosen = fdt_add_subnode(tree->owned, 0, "chosen");
    }
    ret = chosen < 0
              ? chosen
              : fdt_setprop(tree->owned, chosen, "bootargs", bootargs, (int)strlen(bootargs) + 1);
    return ret == 0 ? 0
                    : error_set(err, EINVAL, "%s: --append: %s", tree->label, fdt_strerror(ret));
}

/* Sets a string in every node of a kind; a tree without one is not what the option was given for.
 */
static int edit_devices(struct board_tree *tree, const char *compatible, const char *property,
                        const char *value, const char *option, struct error *err)
{
    int node = fdt_node_offset_by_compatible(tree->owned, -1, compatible), ret;

    if (node < 0) {
        return error_set(err, EINVAL, "%s: %s: the tree has no '%s'", tree->label, option,
                         compatible);
    }
    for (; node >= 0; node = fdt_node_offset_by_compatible(tree->owned, node, compatible)) {
        ret = fdt_setprop(tree->owned, node, property, value, (int)strlen(value) + 1);
        if (ret < 0) {
            return tree_error(tree, node, property, err, "%s: %s", option, fdt_strerror(ret));
        }
    }
    return 0;
}

/* Moves the tree to storage of our own with room for the edits. */
static int make_room(struct board_tree *tree, const struct board_config *config, struct error *err)
{
    size_t size = tree->size + EDIT_ROOM + EDIT_ROOM_PER_CPU * (size_t)config->cpu_num +
                  (config->bootargs ? strlen(config->bootargs) : 0) + tree_serials_room(config);
    void *copy;
    size_t i;
    int ret;

    for (i = 0; i < config->fw_cfg_num; i++) {
        size += tree_fw_cfg_room(config->fw_cfg[i]);
    }
    copy = calloc(1, size);
    if (!copy) {
        return error_set_errno(err, ENOMEM, "%s", tree->label);
    }
    ret = size > INT32_MAX ? -FDT_ERR_NOSPACE : fdt_open_into(tree->fdt, copy, (int)size);
    if (ret < 0) {
        free(copy);
        return error_set(err, EINVAL, "%s: %s", tree->label, fdt_strerror(ret));
    }
    free(tree->owned);
    tree->owned = copy;
    tree->fdt = copy;
    return 0;
}

static int edit_fw_cfg(struct board_tree *tree, const struct board_config *config,
                       struct error *err)
{
    size_t i;
    int ret = 0;

    for (i = 0; i < config->fw_cfg_num && ret == 0; i++) {
        ret = tree_add_fw_cfg(tree, config, config->fw_cfg[i], err);
    }
    return ret;
}

static int edit(struct board_tree *tree, const struct board_config *config, struct error *err)
{
    bool cpus = config->cpu_num > 0 && config->cpu_num != tree_cpu_num(tree);
    int ret = 0;

    if (config->ram_size == 0 && !cpus && !config->bootargs && config->fw_cfg_num == 0 &&
        tree_serials_room(config) == 0 && !config->rtc_base && !config->watchdog_action) {
        return 0;
    }
    ret = make_room(tree, config, err);
    if (ret == 0 && config->ram_size != 0) {
        ret = edit_memory(tree, config->ram_size, err);
    }
    if (ret == 0 && cpus) {
        ret = edit_cpus(tree, config->cpu_num, err);
    }
    if (ret == 0 && config->bootargs) {
        ret = edit_bootargs(tree, config->bootargs, err);
    }
    if (ret == 0 && config->rtc_base) {
        ret = edit_devices(tree, "motorola,mc146818", "acre,base", config->rtc_base, "--rtc", err);
    }
    if (ret == 0 && config->watchdog_action) {
        ret = edit_devices(tree, "ibase,ib700", "acre,action", config->watchdog_action,
                           "--watchdog-action", err);
    }
    if (ret == 0) {
        ret = edit_fw_cfg(tree, config, err);
    }
    if (ret == 0) {
        ret = tree_edit_serials(tree, config, err);
    }
    if (ret == 0) {
        (void)fdt_pack(tree->owned); /* fails for no tree that could be edited */
        tree->size = fdt_totalsize(tree->owned);
    }
    return ret;
}

int tree_open(struct board_tree *tree, const struct board_config *config, struct error *err)
{
    size_t i;
    int ret;

    *tree = (struct board_tree){.label = strdup(config->name)};
    ret = tree->label ? find_tree(tree, config->name, err)
                      : error_set_errno(err, ENOMEM, "%s", config->name);
    for (i = 0; i < config->overlay_num && ret == 0; i++) {
        ret = tree_overlay(tree, config->overlays[i], err);
    }
    if (ret == 0) {
        ret = edit(tree, config, err);
    }
    if (ret == 0 && tree_index(tree) < 0) {
        ret = error_set_errno(err, ENOMEM, "%s", tree->label);
    }
    if (ret < 0) {
        tree_close(tree);
    }
    return ret;
}

void tree_close(struct board_tree *tree)
{
    free(tree->phandles);
    free(tree->owned);
    free(tree->label);
    *tree = (struct board_tree){.label = NULL};
}
