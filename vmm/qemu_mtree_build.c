/*
 * qemu_mtree_build.c - the regions and spaces in acre's memory API. RAM is never touched: its
 * blocks have an address and no memory, so that terabytes cost nothing. A region whose size is no
 * multiple of the page, which RAM of acre always is, lies in a container of that size.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t nothing_read(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return 0;
}

static void nothing_written(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)data;
    (void)size;
}

/* A ROM device must have callbacks; nobody accesses this one. */
static const MemoryRegionOps rom_device_ops = {.read = nothing_read, .write = nothing_written};

int mtree_build_fail(struct mtree *mtree, const struct mtree_region *region, int err_no)
{
    mtree_fail(mtree->err, mtree->tree_text, region->line, "%s: %s", region->name,
               err_no == ELOOP    ? "contains itself, through aliases"
               : err_no == ENOSPC ? "more RAM than there are addresses"
               : err_no == EINVAL ? "RAM of more than 2^63 bytes"
                                  : strerror(err_no));
    return -err_no;
}

static int init_ram(struct mtree *mtree, struct mtree_node *node, uint64_t size)
{
    const struct mtree_region *region = node->region;
    struct ram_block_config config = {
        .backing = RAM_PTR,
        .size = size,
        .ptr = mtree->stand_in,
    };
    MemoryRegion *mr = &node->mr;
    RAMBlock *block;
    int ret = ram_block_new(&mtree->core, region->name, &config, &block);

    if (ret < 0) {
        return ret;
    }
    switch (region->type) {
    case MTREE_ROM:
        ret = memory_region_init_rom(mr, NULL, region->name, block);
        break;
    case MTREE_ROMD:
        ret = memory_region_init_rom_device(mr, NULL, &rom_device_ops, NULL, region->name, block);
        break;
    case MTREE_RAMD:
        ret = memory_region_init_ram_device(mr, NULL, region->name, block);
        break;
    case MTREE_IO:
    case MTREE_RAM:
    default:
        ret = memory_region_init_ram(mr, NULL, region->name, block);
        break;
    }
    if (ret < 0) {
        ram_block_unref(block);
    }
    return ret;
}

/* What is no alias. */
static int init_plain(struct mtree *mtree, struct mtree_built *built)
{
    const struct mtree_region *region = built->outer.region;
    MemoryRegion *mr = &built->outer.mr;
    bool answers =
        region->answers == MTREE_YES || (region->answers == MTREE_OPEN && !region->child);
    int ret;

    if (region->type == MTREE_IO && answers) {
        return memory_region_init_reservation(mr, &mtree->core, NULL, region->name, region->size);
    }
    if (region->type == MTREE_IO) {
        return memory_region_init(mr, &mtree->core, NULL, region->name, region->size);
    }
    if (region->size % (uint64_t)sysconf(_SC_PAGESIZE) == 0) {
        return init_ram(mtree, &built->outer, region->size);
    }
    ret = memory_region_init(mr, &mtree->core, NULL, region->name, region->size);
    built->inner.region = region;
    ret = ret ? ret : init_ram(mtree, &built->inner, region->size);
    return ret ? ret
               : memory_region_add_subregion_overlap(mr, 0, &built->inner.mr, region->priority);
}

MemoryRegion *mtree_inside(struct mtree_built *built)
{
    return built->inner.mr.core ? &built->inner.mr : &built->outer.mr;
}

int mtree_init_region(struct mtree *mtree, const struct mtree_region *region,
                      struct mtree_built *built, MemoryRegion *target)
{
    int ret;

    built->outer.region = region;
    if (region->target && !target) { /* disabled: nobody sees what it shows */
        ret = memory_region_init(&built->outer.mr, &mtree->core, NULL, region->name, region->size);
    } else if (target) {
        ret = memory_region_init_alias(&built->outer.mr, NULL, region->name, target,
                                       region->alias_offset,
                                       region->answers == MTREE_NO ? 0 : region->size);
    } else {
        ret = init_plain(mtree, built);
    }
    if (ret == 0 && region->nonvolatile) {
        ret = memory_region_set_nonvolatile(mtree_inside(built), true);
    }
    if (ret == 0 && region->readonly == MTREE_YES) {
        ret = memory_region_set_readonly(mtree_inside(built), true);
    }
    if (ret == 0 && !region->enabled) {
        ret = memory_region_set_enabled(&built->outer.mr, false);
    }
    built->done = ret == 0;
    return ret < 0 ? mtree_build_fail(mtree, region, -ret) : 0;
}

/* What an alias shows, when that is there; *target is NULL for what is no alias. */
static bool has_target(const struct mtree_region *region, MemoryRegion **target)
{
    struct mtree_built *built = region->target ? mtree_rep(region->target)->built : NULL;

    *target = built ? &built->outer.mr : NULL;
    return !built || built->done;
}

/*
 * Aliases of aliases wait for their target. Those that show what holds them get a copy of it, which
 * needs all others, so they wait for the second round; what waits for them, for the third.
 */
static int init_round(struct mtree *mtree, bool loops)
{
    MemoryRegion *target = NULL;
    bool again = true;
    int ret = 0;
    size_t i;

    while (again) {
        again = false;
        for (i = 0; i < mtree->region_num && ret == 0; i++) {
            struct mtree_region *region = &mtree->regions[i];

            if (region->same || region->built->done || region->loops != loops ||
                (!loops && !has_target(region, &target))) {
                continue;
            }
            if (loops) {
                target = NULL;
                ret = region->enabled ? mtree_copy_target(mtree, region, &target) : 0;
            }
            ret = ret ? ret : mtree_init_region(mtree, region, region->built, target);
            again = ret == 0 && !loops;
        }
    }
    return ret;
}

static int init_regions(struct mtree *mtree)
{
    int ret;
    size_t i;

    mtree_find_loops(mtree);
    ret = init_round(mtree, false);
    ret = ret ? ret : init_round(mtree, true);
    ret = ret ? ret : init_round(mtree, false);
    for (i = 0; i < mtree->region_num && ret == 0; i++) {
        if (!mtree->regions[i].same && !mtree->regions[i].built->done) {
            ret = mtree_build_fail(mtree, &mtree->regions[i], ELOOP);
        }
    }
    return ret;
}

/* Roots that lie nowhere in what is listed keep their own address: a space begins with it. */
static int make_spaces(struct mtree *mtree)
{
    size_t i;
    int ret = 0;

    for (i = 0; i < mtree->group_num && ret == 0; i++) {
        struct mtree_group *group = &mtree->groups[i];
        struct mtree_region *root = group->root ? mtree_rep(group->root) : NULL;

        if (!root) {
            continue;
        }
        if (!root->mounted) {
            ret = memory_region_set_address(&root->built->outer.mr, root->addr);
        }
        if (ret == 0) {
            ret = address_space_init(&mtree->spaces[i], &mtree->core, &root->built->outer.mr,
                                     group->names[0], MEMORY_UNASSIGNED_MEMORY);
        }
        if (ret < 0) {
            return mtree_build_fail(mtree, root, -ret);
        }
    }
    return ret;
}

int mtree_build(struct mtree *mtree)
{
    const struct memory_core_config config = {.opaque = NULL};
    size_t i, num = 0;
    int ret = -ENOMEM;

    for (i = 0; i < mtree->region_num; i++) {
        num += !mtree->regions[i].same;
    }
    mtree->built = calloc(num + 1, sizeof(mtree->built[0]));
    mtree->spaces = calloc(mtree->group_num + 1, sizeof(mtree->spaces[0]));
    mtree->stand_in = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mtree->built && mtree->spaces && mtree->stand_in != MAP_FAILED) {
        ret = memory_core_init(&mtree->core, &config);
    }
    if (ret < 0) {
        return error_set_errno(mtree->err, -ret, "%s", mtree->tree_text->path);
    }
    mtree->has_core = true;
    for (i = 0; i < mtree->region_num; i++) {
        if (!mtree->regions[i].same) {
            mtree->regions[i].built = &mtree->built[mtree->built_num++];
        }
    }
    ret = init_regions(mtree);
    ret = ret ? ret : mtree_mount_all(mtree);
    return ret ? ret : make_spaces(mtree);
}

AddressSpace *mtree_space_of(struct mtree *mtree, const struct mtree_group *group)
{
    AddressSpace *as = &mtree->spaces[group - mtree->groups];

    return as->core ? as : NULL;
}

const struct mtree_region *mtree_region_of(MemoryRegion *mr)
{
    return itree_entry(mr, struct mtree_node, mr)->region;
}

static void unref_built(struct mtree_built *built)
{
    memory_region_unref(&built->inner.mr);
    memory_region_unref(&built->outer.mr);
}

void mtree_unbuild(struct mtree *mtree)
{
    struct mtree_built *copy;
    size_t i;

    for (i = 0; mtree->has_core && i < mtree->group_num; i++) {
        address_space_finish(&mtree->spaces[i]);
    }
    for (i = 0; i < mtree->built_num; i++) {
        unref_built(&mtree->built[i]);
    }
    for (copy = mtree->copies; copy; copy = copy->next) {
        unref_built(copy);
    }
    if (mtree->has_core) {
        memory_core_finish(&mtree->core);
    }
    while ((copy = mtree->copies) != NULL) {
        mtree->copies = copy->next;
        free(copy);
    }
    if (mtree->stand_in && mtree->stand_in != MAP_FAILED) {
        munmap(mtree->stand_in, 1);
    }
    free(mtree->built);
    free(mtree->spaces);
}
