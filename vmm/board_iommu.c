/*
 * board_iommu.c - a node's numbers become the device's lines. The space behind it can be made only
 * once all regions are there; the device knows until then where it will be.
 */
#include "vmm/board_iommu.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>

enum {
    PAGE_SHIFT_MIN = 12,
    PAGE_SHIFT_MAX = 30,
    LINE_CELLS = 7, /* offset, target, size: two each; permissions */
    LINES_MAX = 256,
};

static const char page_size_property[] = "acre,page-size";
static const char target_property[] = "acre,target";
static const char lines_property[] = "acre,translations";

static uint64_t two_cells(const fdt32_t *cell)
{
    return (uint64_t)fdt32_ld(cell) << 32 | fdt32_ld(cell + 1);
}

static int read_page_size(const struct board *board, const struct part *part,
                          struct iommu_config *config, struct error *err)
{
    const uint64_t window = part->mounts[0].size;
    uint64_t size;
    int ret = tree_u64(&board->tree, part->node, page_size_property, UINT64_C(1) << PAGE_SHIFT_MIN,
                       &size, err);

    if (ret < 0) {
        return ret;
    }
    for (config->page_shift = PAGE_SHIFT_MIN; UINT64_C(1) << config->page_shift != size;
         config->page_shift++) {
        if (config->page_shift == PAGE_SHIFT_MAX) {
            return tree_error(&board->tree, part->node, page_size_property, err,
                              "0x%llx, not a power of two from 4096 to 1 GiB",
                              (unsigned long long)size);
        }
    }
    if (window % size != 0) {
        return tree_error(&board->tree, part->node, "reg", err,
                          "the window has 0x%llx bytes, not a multiple of its pages' 0x%llx",
                          (unsigned long long)window, (unsigned long long)size);
    }
    if (part->mounts[1].size != 0 && window / size > IOMMU_PAGES_MAX) {
        return tree_error(&board->tree, part->node, page_size_property, err,
                          "the window has %llu pages of 0x%llx bytes; entries can name %u",
                          (unsigned long long)(window / size), (unsigned long long)size,
                          IOMMU_PAGES_MAX);
    }
    config->size = window;
    return 0;
}

/* Line number `num`, whose seven cells these are. */
static int read_line(const struct board *board, const struct part *part, const fdt32_t *cell,
                     const struct iommu_config *config, struct iommu_line *line, unsigned num,
                     struct error *err)
{
    const uint64_t page_mask = (UINT64_C(1) << config->page_shift) - 1;
    const uint64_t offset = two_cells(cell), target = two_cells(cell + 2),
                   size = two_cells(cell + 4);
    const uint32_t perm = fdt32_ld(cell + 6);
    uint64_t last;
    unsigned i;

    if (size == 0 || (offset | target | size) & page_mask) {
        return tree_error(&board->tree, part->node, lines_property, err,
                          "0x%llx to 0x%llx, 0x%llx bytes in line %u: no whole pages of 0x%llx",
                          (unsigned long long)offset, (unsigned long long)target,
                          (unsigned long long)size, num, (unsigned long long)page_mask + 1);
    }
    if (offset >= config->size || size > config->size - offset) {
        return tree_error(&board->tree, part->node, lines_property, err,
                          "line %u ends beyond the window's 0x%llx bytes", num,
                          (unsigned long long)config->size);
    }
    if (__builtin_add_overflow(target, size - 1, &last)) {
        return tree_error(&board->tree, part->node, lines_property, err,
                          "line %u ends beyond the end of the address space", num);
    }
    if (perm < IOMMU_RO || perm > IOMMU_RW) {
        return tree_error(&board->tree, part->node, lines_property, err,
                          "%u at the end of line %u (1: read, 2: write, 3: both)", perm, num);
    }
    *line = (struct iommu_line){offset, offset + (size - 1), target, (IOMMUAccessFlags)perm};
    for (i = 0; i < num; i++) {
        if (line->first <= config->lines[i].last && line->last >= config->lines[i].first) {
            return tree_error(&board->tree, part->node, lines_property, err,
                              "lines %u and %u have a page in common", i, num);
        }
    }
    return 0;
}

static int read_lines(struct board *board, const struct part *part, struct iommu_config *config,
                      struct error *err)
{
    int len, ret = 0;
    const fdt32_t *cell = fdt_getprop(board->tree.fdt, part->node, lines_property, &len);
    struct iommu_line *lines;
    unsigned i, num;

    if (!cell) {
        return 0;
    }
    num = (unsigned)len / (4 * LINE_CELLS);
    if ((unsigned)len % (4 * LINE_CELLS) != 0 || num > LINES_MAX) {
        return tree_error(&board->tree, part->node, lines_property, err,
                          "%d bytes, not up to %u lines of %u", len, LINES_MAX, 4 * LINE_CELLS);
    }
    lines = board_keep(board, num * sizeof(*lines));
    if (!lines) {
        return -ENOMEM;
    }
    config->lines = lines;
    for (i = 0; i < num && ret == 0; i++) {
        ret = read_line(board, part, cell + LINE_CELLS * i, config, &lines[i], i, err);
    }
    config->line_num = num;
    return ret;
}

int board_iommu_init(struct board *board, struct part *part, struct error *err)
{
    struct board_iommu *iommu = (void *)part->state;
    char name[PART_NAME_SIZE];
    struct iommu_config config = {.name = name};
    int ret = board_region_name(board, part->node, name, err);

    if (ret == 0) {
        ret = read_page_size(board, part, &config, err);
    }
    if (ret == 0) {
        ret = read_lines(board, part, &config, err);
    }
    if (ret == 0 && fdt_getprop(board->tree.fdt, part->node, target_property, NULL)) {
        part->shows = tree_target(&board->tree, part->node, target_property, err);
        ret = part->shows < 0 ? part->shows : 0;
    }
    if (ret < 0) {
        return ret;
    }
    config.target = part->shows < 0 ? &board->memory_space : &iommu->behind;
    return iommu_init(&iommu->dev, board->core, &config);
}

/*
 * Behind an IOMMU may be another one, or an alias of one. Where that has no end, no access could go
 * anywhere; what goes round by way of addresses is the guest's to find.
 */
static int check_chain(struct board *board, const struct part *part, struct error *err)
{
    const struct part *at;
    unsigned hops = 0;

    for (at = part; at; at = at->shows < 0 ? NULL : board_part_of_node(board, at->shows)) {
        hops += at->class == part->class;
        if (hops > IOMMU_HOPS_MAX) {
            return tree_error(&board->tree, part->node, target_property, err,
                              "leads from IOMMU to IOMMU, more than %d of them", IOMMU_HOPS_MAX);
        }
    }
    return 0;
}

int board_iommu_mounted(struct board *board, struct part *part, struct error *err)
{
    struct board_iommu *iommu = (void *)part->state;
    const char *name = memory_region_name(&iommu->dev.mr_window);
    const struct part *target;
    char space[PART_NAME_SIZE + 16];
    int ret;

    if (part->shows < 0) {
        return 0;
    }
    target = board_part_of_node(board, part->shows);
    if (!target || !target->target) {
        return tree_error(&board->tree, part->node, target_property, err,
                          "names a node that has no region");
    }
    ret = check_chain(board, part, err);
    if (ret < 0) {
        return ret;
    }
    (void)snprintf(space, sizeof(space), "behind %s", name);
    ret = memory_region_init(&iommu->root, board->core, NULL, space, UINT64_MAX);
    if (ret == 0) {
        ret = memory_region_init_alias(&iommu->shown, NULL, "target", target->target, 0,
                                       memory_region_size(target->target));
    }
    if (ret == 0) {
        ret = memory_region_add_subregion(&iommu->root, 0, &iommu->shown);
    }
    if (ret == 0) {
        ret = address_space_init(&iommu->behind, board->core, &iommu->root, space,
                                 MEMORY_UNASSIGNED_MEMORY);
    }
    return ret == -ELOOP || ret == -E2BIG
               ? tree_error(&board->tree, part->node, target_property, err,
                            "leads to too many containers and aliases in each other")
               : ret;
}

void board_iommu_unmounting(void *state)
{
    struct board_iommu *iommu = state;

    address_space_finish(&iommu->behind);
    memory_region_unref(&iommu->shown);
    memory_region_unref(&iommu->root);
}
