/*
 * board_serial.c - aliases to nodes, and the edits of --serial and --debugcon. Nodes move when the
 * tree is written, so each edit finds its node anew.
 */
#include "vmm/board_serial.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "vmm/console_backend.h"

enum { ROOM_PER_NODE = 384, DEBUGCON_PORT = 0xe9, CLOCK_HZ = 1843200 };

/* Where a PC has them. */
static const struct {
    uint32_t port, irq;
} standard[BOARD_SERIALS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static bool is_serial(const struct board_tree *tree, int node)
{
    return node >= 0 && tree_is_okay(tree, node) &&
           fdt_node_check_compatible(tree->fdt, node, "ns16550a") == 0;
}

static bool is_among(const int *nodes, unsigned num, int node)
{
    unsigned i = 0;

    while (i < num && nodes[i] != node) {
        i++;
    }
    return i < num;
}

static void find_by_alias(const struct board_tree *tree, int *nodes)
{
    const char *path;
    char name[16];
    unsigned i;
    int node;

    for (i = 0; i < BOARD_SERIALS; i++) {
        (void)snprintf(name, sizeof(name), "serial%u", i);
        path = fdt_get_alias(tree->fdt, name);
        node = path ? fdt_path_offset(tree->fdt, path) : -1;
        nodes[i] = is_serial(tree, node) && !is_among(nodes, i, node) ? node : -1;
    }
}

void tree_serials(const struct board_tree *tree, int *nodes)
{
    unsigned i = 0;
    int node = -1;

    find_by_alias(tree, nodes);
    while ((node = fdt_node_offset_by_compatible(tree->fdt, node, "ns16550a")) >= 0) {
        while (i < BOARD_SERIALS && nodes[i] >= 0) {
            i++;
        }
        if (i < BOARD_SERIALS && is_serial(tree, node) && !is_among(nodes, BOARD_SERIALS, node)) {
            nodes[i] = node;
        }
    }
}

size_t tree_serials_room(const struct board_config *config)
{
    size_t size = config->debugcon.given ? ROOM_PER_NODE : 0;
    unsigned i;

    for (i = 0; i < BOARD_SERIALS; i++) {
        size += config->serials[i].given ? ROOM_PER_NODE : 0;
    }
    return size;
}

static int set_string(struct board_tree *tree, int node, const char *name, const char *value)
{
    return fdt_setprop(tree->owned, node, name, value, (int)strlen(value) + 1);
}

/* A device of the ISA bus with `ports` ports from `port` on. Returns: the node; -EINVAL. */
static int add_isa_node(struct board_tree *tree, const char *name, const char *compatible,
                        uint32_t port, uint32_t ports, struct error *err)
{
    const fdt32_t reg[] = {cpu_to_fdt32(1), cpu_to_fdt32(port), cpu_to_fdt32(ports)};
    int node, ret, isa = tree_find_okay(tree, "isa");
    char unit[32];

    if (isa < 0) {
        return error_set(err, EINVAL,
                         "%s: the board has no %s at port 0x%x, and no isa bus for one",
                         tree->label, name, port);
    }
    (void)snprintf(unit, sizeof(unit), "%s@i%x", name, port);
    node = fdt_add_subnode(tree->owned, isa, unit);
    ret = node < 0 ? node : set_string(tree, node, "compatible", compatible);
    if (ret == 0) {
        ret = fdt_setprop(tree->owned, node, "reg", reg, sizeof(reg));
    }
    return ret < 0
               ? tree_error(tree, isa, NULL, err, "%s cannot be added: %s", unit, fdt_strerror(ret))
               : node;
}

/* The interrupt of the standard port, in the PIC's words; a board without one has it polled. */
static int add_interrupt(struct board_tree *tree, int node, uint32_t irq, struct error *err)
{
    int ret, pic = tree_find_okay(tree, "intel,i8259");
    uint32_t phandle, cells;

    if (pic < 0) {
        return 0;
    }
    phandle = fdt_get_phandle(tree->fdt, pic);
    ret = tree_u32(tree, pic, "#interrupt-cells", 1, &cells, err);
    if (ret < 0) {
        return ret;
    }
    ret = fdt_setprop_u32(tree->owned, node, "interrupts", irq);
    if (ret == 0 && cells == 2) {
        ret = fdt_appendprop_u32(tree->owned, node, "interrupts", 0);
    }
    if (ret == 0 && phandle != 0) {
        ret = fdt_setprop_u32(tree->owned, node, "interrupt-parent", phandle);
    }
    return ret == 0 ? 0 : tree_error(tree, node, "interrupts", err, "%s", fdt_strerror(ret));
}

/* The alias keeps the port's number, whatever the order of the nodes. */
static int add_alias(struct board_tree *tree, unsigned index, int node, struct error *err)
{
    char name[16], path[160];
    int aliases, ret = fdt_get_path(tree->fdt, node, path, sizeof(path));

    (void)snprintf(name, sizeof(name), "serial%u", index);
    if (ret == 0) {
        aliases = fdt_path_offset(tree->fdt, "/aliases");
        if (aliases < 0) {
            aliases = fdt_add_subnode(tree->owned, 0, "aliases");
        }
        ret = aliases < 0 ? aliases : set_string(tree, aliases, name, path);
    }
    return ret == 0 ? 0
                    : error_set(err, EINVAL, "%s: /aliases: %s: %s", tree->label, name,
                                fdt_strerror(ret));
}

static int add_port(struct board_tree *tree, unsigned index, struct error *err)
{
    int node = add_isa_node(tree, "serial", "ns16550a", standard[index].port, 8, err);
    int ret, nodes[BOARD_SERIALS];

    if (node < 0) {
        return node;
    }
    ret = fdt_setprop_u32(tree->owned, node, "clock-frequency", CLOCK_HZ);
    if (ret < 0) {
        return tree_error(tree, node, "clock-frequency", err, "%s", fdt_strerror(ret));
    }
    ret = add_interrupt(tree, node, standard[index].irq, err);
    if (ret == 0) {
        ret = add_alias(tree, index, node, err);
    }
    if (ret < 0) {
        return ret;
    }
    tree_serials(tree, nodes);
    return nodes[index];
}

/* A host's path stays out of the tree, which guests get to see; a word goes in. */
static int set_backend(struct board_tree *tree, int node, const char *word, struct error *err)
{
    int ret;

    if (word) {
        ret = set_string(tree, node, "acre,backend", word);
    } else {
        ret = fdt_delprop(tree->owned, node, "acre,backend");
        ret = ret == -FDT_ERR_NOTFOUND ? 0 : ret;
    }
    return ret == 0 ? 0 : tree_error(tree, node, "acre,backend", err, "%s", fdt_strerror(ret));
}

static int edit_port(struct board_tree *tree, unsigned index, const char *word, struct error *err)
{
    int nodes[BOARD_SERIALS], node;

    tree_serials(tree, nodes);
    node = nodes[index] >= 0 ? nodes[index] : add_port(tree, index, err);
    return node < 0 ? node : set_backend(tree, node, word, err);
}

static int edit_debugcon(struct board_tree *tree, const char *word, struct error *err)
{
    int node = tree_find_okay(tree, "acre,debugcon");

    if (node < 0) {
        node = add_isa_node(tree, "debugcon", "acre,debugcon", DEBUGCON_PORT, 1, err);
    }
    return node < 0 ? node : set_backend(tree, node, word, err);
}

int tree_edit_serials(struct board_tree *tree, const struct board_config *config, struct error *err)
{
    int ret = 0;
    unsigned i;

    for (i = 0; i < BOARD_SERIALS && ret == 0; i++) {
        if (config->serials[i].given) {
            ret = edit_port(tree, i, config->serials[i].word, err);
        }
    }
    if (ret == 0 && config->debugcon.given) {
        ret = edit_debugcon(tree, config->debugcon.word, err);
    }
    return ret;
}

int tree_backend(const struct board_tree *tree, int node, const char **word, struct error *err)
{
    struct console_backend backend;
    int ret = tree_string(tree, node, "acre,backend", word, err);

    if (ret < 0 || !*word) {
        return ret;
    }
    ret = console_backend_parse(*word, &backend, NULL);
    if (ret < 0 || !console_backend_word(&backend)) {
        return tree_error(
            tree, node, "acre,backend", err,
            "a tree may say stdio, null or pty; paths are for --serial and --debugcon");
    }
    return 0;
}
