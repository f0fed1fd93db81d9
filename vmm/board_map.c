/*
 * board_map.c - the memory map a guest is told. A list of disjoint entries; each reserved range
 * first cuts what is there, then joins the list, which is sorted at the end.
 */
#include "vmm/board_tree.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>

struct map {
    struct boot_map_entry *entries; /* TREE_MAP_MAX */
    int num;
};

static int full(const struct board_tree *tree, struct error *err)
{
    return error_set(err, EINVAL, "%s: more than %d pieces of memory", tree->label, TREE_MAP_MAX);
}

static int add(const struct board_tree *tree, struct map *map, struct boot_map_entry entry,
               struct error *err)
{
    if (map->num == TREE_MAP_MAX) {
        return full(tree, err);
    }
    map->entries[map->num++] = entry;
    return 0;
}

/* Takes [first, last] away from every entry. */
static int cut(const struct board_tree *tree, struct map *map, uint64_t first, uint64_t last,
               struct error *err)
{
    int i, ret = 0;

    for (i = 0; i < map->num && ret == 0; i++) {
        struct boot_map_entry *entry = &map->entries[i];
        struct boot_map_entry tail = *entry;

        if (entry->last < first || entry->first > last) {
            continue;
        }
        if (entry->first < first && entry->last > last) {
            entry->last = first - 1;
            tail.first = last + 1;
            ret = add(tree, map, tail, err);
        } else if (entry->first < first) {
            entry->last = first - 1;
        } else if (entry->last > last) {
            entry->first = last + 1;
        } else {
            *entry = map->entries[--map->num];
            i--;
        }
    }
    return ret;
}

static int reserve(const struct board_tree *tree, struct map *map, uint64_t first, uint64_t last,
                   struct error *err)
{
    int ret = cut(tree, map, first, last, err);

    return ret < 0 ? ret
                   : add(tree, map, (struct boot_map_entry){first, last, BOOT_MAP_RESERVED}, err);
}

static int add_ram(const struct board_tree *tree, struct map *map, const struct tree_bus *root,
                   int node, uint64_t *ram_size, struct error *err)
{
    struct tree_reg regs[TREE_REGS_MAX];
    int num, i, j, ret;

    num = tree_regs(tree, root, node, regs, err);
    for (i = 0; i < num; i++) {
        uint64_t first = regs[i].addr, last = first + (regs[i].size - 1);

        if (first % 4096 != 0 || regs[i].size % 4096 != 0) {
            return tree_error(tree, node, "reg", err, "memory comes in pages of 4096 bytes");
        }
        for (j = 0; j < map->num; j++) {
            if (first <= map->entries[j].last && last >= map->entries[j].first) {
                return tree_error(tree, node, "reg", err, "overlaps other memory");
            }
        }
        if (__builtin_add_overflow(*ram_size, regs[i].size, ram_size)) {
            return tree_error(tree, node, "reg", err, "more memory than an address space has");
        }
        ret = add(tree, map, (struct boot_map_entry){first, last, BOOT_MAP_RAM}, err);
        if (ret < 0) {
            return ret;
        }
    }
    return num < 0 ? num : 0;
}

/* /reserved-memory: children with a reg; those without are for the guest to place. */
static int add_reserved(const struct board_tree *tree, struct map *map, const struct tree_bus *root,
                        struct error *err)
{
    int parent = fdt_path_offset(tree->fdt, "/reserved-memory"), node, num, i, ret = 0;
    struct tree_reg regs[TREE_REGS_MAX];
    struct tree_bus bus;

    if (parent < 0) {
        return 0;
    }
    ret = tree_bus_init(tree, root, parent, false, &bus, err);
    if (ret < 0) {
        return ret;
    }
    fdt_for_each_subnode(node, tree->fdt, parent)
    {
        if (!tree_is_okay(tree, node) || !fdt_getprop(tree->fdt, node, "reg", NULL)) {
            continue;
        }
        num = tree_regs(tree, &bus, node, regs, err);
        for (i = 0, ret = num < 0 ? num : 0; i < num && ret == 0; i++) {
            ret = reserve(tree, map, regs[i].addr, regs[i].addr + (regs[i].size - 1), err);
        }
        if (ret < 0) {
            return ret;
        }
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct boot_map_entry *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

int tree_map(const struct board_tree *tree, struct boot_map_entry *entries, uint64_t *ram_size,
             struct error *err)
{
    struct map map = {.entries = entries};
    struct tree_bus root;
    int node, ret = tree_bus_init(tree, NULL, 0, false, &root, err);

    *ram_size = 0;
    if (ret < 0) {
        return ret;
    }
    fdt_for_each_subnode(node, tree->fdt, 0)
    {
        if (tree_is_memory(tree, node) && tree_is_okay(tree, node)) {
            ret = add_ram(tree, &map, &root, node, ram_size, err);
            if (ret < 0) {
                return ret;
            }
        }
    }
    if (map.num == 0) {
        return tree_error(tree, 0, NULL, err, "no memory node");
    }
    ret = add_reserved(tree, &map, &root, err);
    if (ret == 0) {
        ret = reserve(tree, &map, 0xa0000, 0xfffff, err);
    }
    if (ret == 0) {
        ret = reserve(tree, &map, BOARD_KVM_IDENTITY_ADDR, BOARD_KVM_LAST, err);
    }
    if (ret < 0) {
        return ret;
    }
    qsort(entries, (size_t)map.num, sizeof(*entries), compare);
    return map.num;
}
