/*
 * board_parts.c - the nodes that are no devices: memory, buses, containers, aliases, ROMs, and the
 * space of the interrupt controllers that KVM itself serves.
 */
#include "vmm/board_build.h"

#include <errno.h>
#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static void finish_region(void *state)
{
    memory_region_unref(state);
}

int board_region_new(struct board *board, const struct part_class *part_class,
                     const struct site *site, char *name, struct part **part_out, struct error *err)
{
    struct part *part = board_part_new(board, part_class, site->node);
    int num, ret;

    if (!part) {
        return -ENOMEM;
    }
    num = board_place(board, part, site, err);
    if (num < 0) {
        return num;
    }
    if (num != 1) {
        return tree_error(&board->tree, site->node, "reg", err, "%d entries, one is possible", num);
    }
    ret = board_region_name(board, site->node, name, err);
    part->mounts[0].region = (void *)part->state;
    part->mount_num = 1;
    *part_out = part;
    return ret;
}

/* For the kinds whose region is ready right after its init. */
static int region_ready(const struct board *board, struct part *part, int ret)
{
    MemoryRegion *mr = part->mounts[0].region;

    if (ret < 0) {
        part->mount_num = 0;
        return ret;
    }
    part->initialised = true;
    part->target = mr;
    return board_set_readonly(board, part->node, mr);
}

int board_set_readonly(const struct board *board, int node, MemoryRegion *mr)
{
    return fdt_getprop(board->tree.fdt, node, "read-only", NULL)
               ? memory_region_set_readonly(mr, true)
               : 0;
}

static int new_block(struct board *board, int node, const char *name, uint64_t size,
                     RAMBlock **block, struct error *err)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size};
    int ret;

    if (size > (UINT64_C(1) << 62) || size % 4096 != 0) {
        return tree_error(&board->tree, node, "reg", err, "memory comes in pages of 4096 bytes");
    }
    ret = ram_block_new(board->core, name, &config, block);
    if (ret < 0) {
        (void)tree_error(&board->tree, node, "reg", err, "%llu KiB of memory: %s",
                         (unsigned long long)(size >> 10), strerror(-ret));
    }
    return ret;
}

/* Memory: one block; in one piece it is mounted itself, else each piece is an alias of it. */
struct memory_part {
    MemoryRegion ram;
    MemoryRegion pieces[TREE_REGS_MAX];
};

static void finish_memory(void *state)
{
    struct memory_part *memory = state;
    unsigned i;

    for (i = 0; i < TREE_REGS_MAX; i++) {
        memory_region_unref(&memory->pieces[i]);
    }
    memory_region_unref(&memory->ram);
}

/* Memory in several pieces: each shows its part of the block, where `reg` has it. */
static int make_pieces(struct part *part, unsigned num, const char *name)
{
    struct memory_part *memory = (void *)part->state;
    char piece[PART_NAME_SIZE + 12];
    uint64_t offset = 0;
    unsigned i;
    int ret = 0;

    for (i = 0; i < num && ret == 0; i++) {
        part->mounts[i].region = &memory->ram;
        if (num > 1) {
            (void)snprintf(piece, sizeof(piece), "%s%u", name, i);
            ret = memory_region_init_alias(&memory->pieces[i], NULL, piece, &memory->ram, offset,
                                           part->mounts[i].size);
            part->mounts[i].region = &memory->pieces[i];
        }
        offset += part->mounts[i].size;
    }
    return ret;
}

/* Of `num` mounts, UINT64_MAX at most. */
static uint64_t total_size(const struct part *part, int num)
{
    uint64_t size = 0;
    int i;

    for (i = 0; i < num; i++) {
        if (__builtin_add_overflow(size, part->mounts[i].size, &size)) {
            size = UINT64_MAX;
        }
    }
    return size;
}

static int build_memory(struct board *board, const struct part_class *part_class,
                        const struct site *site, struct error *err)
{
    struct part *part = board_part_new(board, part_class, site->node);
    char name[PART_NAME_SIZE] = "ram";
    struct memory_part *memory;
    RAMBlock *block;
    uint64_t size;
    int num, ret = 0;

    if (!part) {
        return -ENOMEM;
    }
    if (site->bus->node != 0) {
        return tree_error(&board->tree, site->node, "device_type", err,
                          "memory is a child of the root (mmio-sram may be anywhere)");
    }
    num = board_place(board, part, site, err);
    if (num >= 0 && fdt_getprop(board->tree.fdt, site->node, "acre,name", NULL)) {
        ret = board_region_name(board, site->node, name, err);
    }
    size = total_size(part, num);
    ret = num < 0 || ret < 0 ? -EINVAL : new_block(board, site->node, name, size, &block, err);
    if (ret < 0) {
        return ret;
    }
    memory = (void *)part->state;
    ret = memory_region_init_ram(&memory->ram, NULL, name, block);
    if (ret < 0) {
        ram_block_unref(block);
        return ret;
    }
    part->initialised = true;
    part->target = &memory->ram;
    ret = board_set_readonly(board, site->node, &memory->ram);
    ret = ret < 0 ? ret : make_pieces(part, (unsigned)num, name);
    part->mount_num = ret < 0 ? 0 : (unsigned)num;
    return ret;
}

static int build_sram(struct board *board, const struct part_class *part_class,
                      const struct site *site, struct error *err)
{
    char name[PART_NAME_SIZE];
    struct part *part;
    RAMBlock *block;
    int ret = board_region_new(board, part_class, site, name, &part, err);

    if (ret == 0) {
        ret = new_block(board, site->node, name, part->mounts[0].size, &block, err);
    }
    if (ret < 0) {
        return ret;
    }
    ret = strcmp(part_class->compatible, "acre,ram-device") == 0
              ? memory_region_init_ram_device((void *)part->state, NULL, name, block)
              : memory_region_init_ram((void *)part->state, NULL, name, block);
    if (ret < 0) {
        ram_block_unref(block);
    }
    return region_ready(board, part, ret);
}

/* Fills a ROM from `acre,data`, over and over to its end. */
static void fill(uint8_t *host, uint64_t size, const void *data, uint64_t len)
{
    uint64_t done;

    for (done = 0; done < size; done += len) {
        memcpy(host + done, data, size - done < len ? size - done : len);
    }
}

/* Fills a ROM from the start of a file; what the file leaves is zero. */
static int fill_from_image(const struct board *board, int node, const char *path, uint8_t *host,
                           uint64_t size, struct error *err)
{
    int fd = board_image_open(board, node, path, size, &size, err);

    return fd < 0 ? fd : board_image_read(board, node, path, fd, host, size, err);
}

int board_rom_block(struct board *board, const struct part *part, const char *name,
                    const char *otherwise, RAMBlock **block, struct error *err)
{
    const struct board_tree *tree = &board->tree;
    uint64_t size = part->mounts[0].size;
    const char *image;
    int len, ret = tree_string(tree, part->node, "acre,image", &image, err);
    const void *data = fdt_getprop(tree->fdt, part->node, "acre,data", &len);

    if (ret < 0) {
        return ret;
    }
    if (!data || len == 0) {
        data = otherwise;
        len = 1;
    }
    if (!image && !data) {
        return tree_error(tree, part->node, "acre,data", err, "missing, and acre,image too");
    }
    if (size > BOARD_IMAGE_MAX) {
        return tree_error(tree, part->node, "reg", err, "a ROM has at most 64 MiB");
    }
    ret = new_block(board, part->node, name, size, block, err);
    if (ret < 0) {
        return ret;
    }
    if (!image) {
        fill((*block)->host, size, data, (uint64_t)len);
        return 0;
    }
    ret = fill_from_image(board, part->node, image, (*block)->host, size, err);
    if (ret < 0) {
        ram_block_unref(*block);
    }
    return ret;
}

static int build_rom(struct board *board, const struct part_class *part_class,
                     const struct site *site, struct error *err)
{
    char name[PART_NAME_SIZE];
    struct part *part;
    RAMBlock *block;
    int ret = board_region_new(board, part_class, site, name, &part, err);

    if (ret == 0) {
        ret = board_rom_block(board, part, name, NULL, &block, err);
    }
    if (ret < 0) {
        return ret;
    }
    ret = memory_region_init_rom((void *)part->state, NULL, name, block);
    if (ret < 0) {
        ram_block_unref(block);
    }
    return region_ready(board, part, ret);
}

static int build_container(struct board *board, const struct part_class *part_class,
                           const struct site *site, struct error *err)
{
    char name[PART_NAME_SIZE];
    struct tree_bus bus;
    struct part *part;
    int ret = board_region_new(board, part_class, site, name, &part, err);

    if (ret == 0) {
        ret = tree_bus_init(&board->tree, NULL, site->node, false, &bus, err);
    }
    if (ret == 0) {
        ret =
            memory_region_init((void *)part->state, board->core, NULL, name, part->mounts[0].size);
        ret = region_ready(board, part, ret);
    }
    return ret < 0 ? ret : board_walk(board, &bus, (void *)part->state, site->depth + 1, err);
}

static int build_bus(struct board *board, const struct part_class *part_class,
                     const struct site *site, struct error *err)
{
    bool isa = strcmp(part_class->compatible, "isa") == 0;
    struct tree_bus bus;
    int ret = tree_bus_init(&board->tree, site->bus, site->node, isa, &bus, err);

    return ret < 0 ? ret : board_walk(board, &bus, site->container, site->depth + 1, err);
}

/* Space that nobody answers, or that KVM's own interrupt controllers do. */
struct reserved_part {
    MemoryRegion regions[TREE_REGS_MAX];
};

static void finish_reserved(void *state)
{
    struct reserved_part *reserved = state;
    unsigned i;

    for (i = 0; i < TREE_REGS_MAX; i++) {
        memory_region_unref(&reserved->regions[i]);
    }
}

static int build_reserved(struct board *board, const struct part_class *part_class,
                          const struct site *site, struct error *err)
{
    struct part *part = board_part_new(board, part_class, site->node);
    struct reserved_part *reserved;
    char name[PART_NAME_SIZE];
    int num, i, ret;

    if (!part) {
        return -ENOMEM;
    }
    num = board_place(board, part, site, err);
    ret = num < 0 ? num : board_region_name(board, site->node, name, err);
    if (ret < 0) {
        return ret;
    }
    reserved = (void *)part->state;
    part->initialised = true;
    for (i = 0; i < num; i++) {
        ret = memory_region_init_reservation(&reserved->regions[i], board->core, NULL, name,
                                             part->mounts[i].size);
        if (ret < 0) {
            return ret;
        }
        part->mounts[i].region = &reserved->regions[i];
        part->mount_num++;
    }
    part->target = &reserved->regions[0];
    return 0;
}

/* A node that others point to, and that is nowhere itself. */
static int build_nothing(struct board *board, const struct part_class *part_class,
                         const struct site *site, struct error *err)
{
    (void)board;
    (void)part_class;
    (void)site;
    (void)err;
    return 0;
}

#define REGION(name, function)                                                                     \
    .compatible = (name), .build = (function), .size = sizeof(MemoryRegion), .finish = finish_region
#define RESERVED(name)                                                                             \
    .compatible = (name), .build = build_reserved, .size = sizeof(struct reserved_part),           \
    .finish = finish_reserved

static const struct part_class classes[] = {
    {.compatible = "memory",
     .build = build_memory,
     .size = sizeof(struct memory_part),
     .finish = finish_memory},
    {.compatible = "simple-bus", .build = build_bus},
    {.compatible = "isa", .build = build_bus},
    {.compatible = "fixed-clock", .build = build_nothing},
    {REGION("mmio-sram", build_sram)},
    {REGION("acre,ram-device", build_sram)},
    {REGION("acre,rom", build_rom)},
    {REGION("acre,container", build_container)},
    {REGION("acre,alias", board_alias_build)},
    {RESERVED("acre,reservation")},
    {RESERVED("intel,i8259")},
    {RESERVED("intel,ce4100-ioapic")},
    {RESERVED("intel,ce4100-lapic")},
};

const struct part_class *board_structure_class(const char *compatible)
{
    size_t i;

    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strcmp(classes[i].compatible, compatible) == 0) {
            return &classes[i];
        }
    }
    return NULL;
}
