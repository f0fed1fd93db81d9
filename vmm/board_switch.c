/*
 * board_switch.c - which regions a bank switch may change: the nodes of its `acre,regions`. They
 * have to be mounted when they are named, so this runs when the whole board stands.
 */
#include "vmm/board_switch.h"

#include <errno.h>
#include <libfdt.h>

#include "devices/bank_switch.h"

static const char property[] = "acre,regions";

/* The region of the part with this phandle, as it is mounted. */
static int describe(struct board *board, const struct part *self, uint32_t phandle,
                    struct bank_switch_region *region, struct error *err)
{
    int node = tree_node_of(&board->tree, phandle);
    const struct part *part = node < 0 ? NULL : board_part_of_node(board, node);
    const struct mount *mount = part ? &part->mounts[0] : NULL;
    MemoryRegion *mr = part ? part->target : NULL;

    if (!mr) {
        return tree_error(&board->tree, self->node, property, err,
                          "phandle %u names no node that has a region", phandle);
    }
    if (part->mount_num == 0 || mount->region != mr) {
        return tree_error(&board->tree, self->node, property, err,
                          "phandle %u names memory in several pieces", phandle);
    }
    *region = (struct bank_switch_region){
        .mr = mr,
        .max_size = memory_region_terminates(mr) ? memory_region_size(mr) : UINT64_MAX,
        .initial = {.addr = mount->addr,
                    .size = memory_region_size(mr),
                    .alias_offset = part->alias_offset,
                    .priority = mount->priority,
                    .enabled = true,
                    .readonly = memory_region_is_rom(mr) ||
                                fdt_getprop(board->tree.fdt, node, "read-only", NULL),
                    .romd = memory_region_is_romd(mr)},
    };
    return 0;
}

int board_switch_connect(struct board *board, struct part *part, struct error *err)
{
    struct bank_switch_region regions[BANK_SWITCH_REGIONS_MAX];
    const fdt32_t *phandles;
    int len, i, num, ret;

    phandles = fdt_getprop(board->tree.fdt, part->node, property, &len);
    num = phandles ? len / 4 : 0;
    if (num == 0 || len % 4 != 0 || num > BANK_SWITCH_REGIONS_MAX) {
        return tree_error(&board->tree, part->node, property, err,
                          "wanted: 1 to %d phandles of nodes with a region",
                          BANK_SWITCH_REGIONS_MAX);
    }
    for (i = 0; i < num; i++) {
        ret = describe(board, part, fdt32_ld(&phandles[i]), &regions[i], err);
        if (ret < 0) {
            return ret;
        }
    }
    return bank_switch_set_regions((void *)part->state, regions, (size_t)num);
}
