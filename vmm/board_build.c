/*
 * board_build.c - from a tree to regions and devices: init in document order, then aliases, then
 * mounts. What was made is in board->parts, so that taking apart needs no second walk.
 */
#include "vmm/board_build.h"
#include "vmm/board_serial.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part *board_part_new(struct board *board, const struct part_class *part_class, int node)
{
    const size_t align = _Alignof(struct part);
    struct part *part;
    size_t size;

    size = (sizeof(*part) + part_class->size + align - 1) & ~(align - 1);
    part = aligned_alloc(align, size);
    if (part) {
        memset(part, 0, size);
        part->class = part_class;
        part->node = node;
        part->shows = -1;
        *board->parts_tail = part;
        board->parts_tail = &part->next;
    }
    return part;
}

void *board_keep(struct board *board, uint64_t size)
{
    struct kept *kept = calloc(1, sizeof(*kept) + size);

    if (!kept) {
        return NULL;
    }
    kept->next = board->kept;
    board->kept = kept;
    return kept->data;
}

int board_place(struct board *board, struct part *part, const struct site *site, struct error *err)
{
    struct tree_reg regs[TREE_REGS_MAX];
    uint32_t priority;
    int num, i, ret;

    num = tree_regs(&board->tree, site->bus, part->node, regs, err);
    if (num < 0) {
        return num;
    }
    ret = tree_u32(&board->tree, part->node, "acre,priority", 0, &priority, err);
    if (ret < 0) {
        return ret;
    }
    for (i = 0; i < num; i++) {
        part->mounts[i] = (struct mount){
            .container = regs[i].io ? &board->io : site->container,
            .addr = regs[i].addr,
            .size = regs[i].size,
            .priority = (int32_t)priority,
        };
    }
    return num;
}

int board_region_name(const struct board *board, int node, char *name, struct error *err)
{
    const char *given, *property;
    int ret = tree_string(&board->tree, node, "acre,name", &given, err);

    if (ret < 0) {
        return ret;
    }
    property = given ? "acre,name" : NULL;
    given = given ? given : fdt_get_name(board->tree.fdt, node, NULL);
    if (*given == '\0' || !tree_is_printable(given)) { /* it goes to terminals and into JSON */
        return tree_error(&board->tree, node, property, err,
                          "a name must be of printable ASCII characters");
    }
    (void)snprintf(name, PART_NAME_SIZE, "%.*s", (int)strcspn(given, "@"), given);
    return 0;
}

static int reg_num(const struct part_class *part_class)
{
    int num = 0;

    while (num < TREE_REGS_MAX && part_class->regs[num] != 0) {
        num++;
    }
    return num;
}

static int reg_min(const struct part_class *part_class)
{
    return part_class->reg_min > 0 ? (int)part_class->reg_min : reg_num(part_class);
}

int board_device_build(struct board *board, const struct part_class *part_class,
                       const struct site *site, struct error *err)
{
    struct part *part = board_part_new(board, part_class, site->node);
    int num, i, ret;

    if (!part) {
        return -ENOMEM;
    }
    num = board_place(board, part, site, err);
    if (num < 0) {
        return num;
    }
    if (num > reg_num(part_class) || num < reg_min(part_class)) {
        return tree_error(&board->tree, site->node, "reg", err, "%d entries, the device has %d",
                          num, reg_num(part_class));
    }
    ret = board_connect_irqs(board, part, err);
    if (ret == 0) {
        ret = part_class->init(board, part, err);
    }
    if (ret < 0) {
        return ret;
    }
    part->initialised = true;
    for (i = 0; i < num; i++) {
        struct mount *mount = &part->mounts[i];

        mount->region = (void *)(part->state + part_class->regs[i] - 1);
        if (memory_region_size(mount->region) != mount->size) {
            return tree_error(&board->tree, site->node, "reg", err,
                              "%llu bytes in entry %d, the device has %llu",
                              (unsigned long long)mount->size, i,
                              (unsigned long long)memory_region_size(mount->region));
        }
    }
    part->target = part->mounts[0].region;
    part->mount_num = (unsigned)num;
    return 0;
}

/* The class of a node by its `compatible`, most specific first; *first is what it asks for. */
static const struct part_class *class_of(const struct board *board, int node, const char **first)
{
    const struct part_class *part_class = NULL;
    const char *name;
    int i;

    *first = NULL;
    if (tree_is_memory(&board->tree, node)) {
        return board_structure_class("memory");
    }
    for (i = 0; !part_class; i++) {
        name = fdt_stringlist_get(board->tree.fdt, node, "compatible", i, NULL);
        if (!name) {
            return NULL;
        }
        *first = i == 0 ? name : *first;
        part_class = board_device_class(name);
        if (!part_class) {
            part_class = board_structure_class(name);
        }
    }
    return part_class;
}

int board_walk(struct board *board, const struct tree_bus *bus, MemoryRegion *container, int depth,
               struct error *err)
{
    const struct part_class *part_class;
    const char *compatible = NULL;
    int node, ret;

    if (depth > TREE_DEPTH_MAX) {
        return tree_error(&board->tree, bus->node, NULL, err, "nodes are nested more than %d deep",
                          TREE_DEPTH_MAX);
    }
    fdt_for_each_subnode(node, board->tree.fdt, bus->node)
    {
        const struct site site = {bus, container, node, depth};

        part_class = tree_is_okay(&board->tree, node) ? class_of(board, node, &compatible) : NULL;
        if (part_class) {
            ret = part_class->build(board, part_class, &site, err);
            if (ret < 0) {
                return ret;
            }
        } else if (tree_is_okay(&board->tree, node) &&
                   fdt_getprop(board->tree.fdt, node, "compatible", NULL)) {
            return tree_error(&board->tree, node, "compatible", err, "nothing here is a '%.64s'",
                              compatible ? compatible : "");
        }
    }
    return 0;
}

struct part *board_part_of_node(struct board *board, int node)
{
    struct part *part = board->parts;

    while (part && part->node != node) {
        part = part->next;
    }
    return part;
}

static int mount_all(struct board *board, struct error *err)
{
    struct part *part;
    unsigned i;
    int ret;

    for (part = board->parts; part; part = part->next) {
        for (i = 0; i < part->mount_num; i++) {
            struct mount *mount = &part->mounts[i];

            ret = memory_region_add_subregion_overlap(mount->container, mount->addr, mount->region,
                                                      mount->priority);
            if (ret == -ELOOP) {
                return tree_error(&board->tree, part->node, NULL, err,
                                  "aliases lead back to what holds them");
            }
            if (ret < 0) {
                return tree_error(&board->tree, part->node, NULL, err, "cannot be mounted: %s",
                                  strerror(-ret));
            }
            mount->done = true;
        }
    }
    return 0;
}

/* Devices that know about other nodes' regions find them in place. */
static int tell_mounted(struct board *board, struct error *err)
{
    struct part *part;
    int ret = 0;

    for (part = board->parts; part && ret == 0; part = part->next) {
        ret = part->class->mounted ? part->class->mounted(board, part, err) : 0;
    }
    return ret;
}

static int build_roots(struct board *board)
{
    int ret = memory_region_init(&board->system, board->core, NULL, "system", UINT64_MAX);

    return ret < 0 ? ret : memory_region_init(&board->io, board->core, NULL, "io", 0x10000);
}

static int build_spaces(struct board *board, struct error *err)
{
    int ret = address_space_init(&board->memory_space, board->core, &board->system, "memory",
                                 MEMORY_UNASSIGNED_MEMORY);

    if (ret == 0) {
        ret = address_space_init(&board->io_space, board->core, &board->io, "I/O",
                                 MEMORY_UNASSIGNED_IO);
    }
    switch (ret) {
    case -ELOOP:
        return tree_error(&board->tree, 0, NULL, err,
                          "containers and aliases show each other too deeply");
    case -E2BIG:
        return tree_error(&board->tree, 0, NULL, err,
                          "aliases and containers multiply to too many regions");
    default:
        return ret;
    }
}

/* A clock that stands, for boards that are only looked at. */
static uint64_t no_time(struct device_clock *clock)
{
    (void)clock;
    return 0;
}

static void no_arm(struct device_clock *clock, struct device_timer *timer, uint64_t deadline_ns)
{
    (void)clock;
    (void)timer;
    (void)deadline_ns;
}

static void no_disarm(struct device_clock *clock, struct device_timer *timer)
{
    (void)clock;
    (void)timer;
}

int board_build(struct board *board, struct memory_core *core, const struct board_host *host,
                struct error *err)
{
    struct tree_bus root;
    int ret;

    board->core = core;
    board->host = host ? *host : (struct board_host){.clock = NULL};
    if (!board->host.clock) {
        board->still = (struct device_clock){no_time, no_arm, no_disarm};
        board->host.clock = &board->still;
    }
    if (err) {
        err->text[0] = '\0';
    }
    ret = build_roots(board);
    if (ret == 0) {
        ret = tree_bus_init(&board->tree, NULL, 0, false, &root, err);
    }
    if (ret == 0) {
        ret = board_walk(board, &root, &board->system, 0, err);
    }
    if (ret == 0) {
        ret = board_make_aliases(board, err);
    }
    if (ret == 0) {
        ret = mount_all(board, err);
    }
    if (ret == 0) {
        ret = build_spaces(board, err);
    }
    if (ret == 0) {
        ret = tell_mounted(board, err);
    }
    if (ret == 0) {
        ret = board_check(board);
    }
    if (ret < 0) {
        if (err && err->text[0] == '\0') {
            (void)error_set_errno(err, -ret, "%s", board->tree.label);
        }
        board_unbuild(board);
    }
    return ret;
}

static void unmount(struct part *part)
{
    unsigned i;

    for (i = 0; i < part->mount_num; i++) {
        struct mount *mount = &part->mounts[i];

        /* Cannot be refused: no view shows it any more. */
        if (mount->done && memory_region_del_subregion(mount->container, mount->region) == 0) {
            mount->done = false;
        }
    }
}

void board_unbuild(struct board *board)
{
    struct part *part;
    unsigned i;

    if (!board || !board->core) {
        return;
    }
    address_space_finish(&board->io_space);
    address_space_finish(&board->memory_space);
    for (part = board->parts; part; part = part->next) {
        if (part->initialised && part->class->unmounting) {
            part->class->unmounting(part->state);
        }
    }
    for (part = board->parts; part; part = part->next) {
        unmount(part);
    }
    for (part = board->parts; part; part = part->next) {
        if (part->initialised) {
            part->class->finish(part->state);
            part->initialised = false;
        }
    }
    memory_region_unref(&board->io);
    memory_region_unref(&board->system);
    board_lines_finish(board);
    for (i = 0; i < BOARD_SERIALS; i++) {
        board->ports[i].part = NULL;
    }
    board->core = NULL;
}

/* The serial ports, which of them is the console, and what the tree says of back ends. */
static int find_ports(struct board *board, struct error *err)
{
    int nodes[BOARD_SERIALS], node, ret = 0;
    unsigned i;

    tree_serials(&board->tree, nodes);
    node = tree_stdout(&board->tree);
    board->console = BOARD_SERIALS;
    for (i = BOARD_SERIALS; i-- > 0 && ret == 0;) {
        board->ports[i] = (struct board_port){.board = board, .index = i, .node = nodes[i]};
        if (nodes[i] >= 0) {
            board->console = i; /* the first one, once all are seen */
            ret = tree_backend(&board->tree, nodes[i], &board->ports[i].backend, err);
        }
    }
    for (i = 0; i < BOARD_SERIALS; i++) {
        board->console = nodes[i] >= 0 && nodes[i] == node ? i : board->console;
    }
    node = tree_find_okay(&board->tree, "acre,debugcon");
    if (ret == 0 && node >= 0) {
        ret = tree_backend(&board->tree, node, &board->debugcon_backend, err);
    }
    return ret;
}

int board_open(const struct board_config *config, struct board **board_out, struct error *err)
{
    struct board *board = calloc(1, sizeof(*board));
    int ret;

    if (!board) {
        return error_set_errno(err, ENOMEM, "%s", config->name);
    }
    board->parts_tail = &board->parts;
    board->warn = config->warn;
    board->warn_opaque = config->opaque;
    ret = tree_open(&board->tree, config, err);
    if (ret == 0) {
        ret = board->map_num = tree_map(&board->tree, board->map, &board->ram_size, err);
    }
    if (ret >= 0) {
        ret = tree_bootargs(&board->tree, &board->bootargs, err);
    }
    if (ret == 0) {
        board->pic = tree_find_okay(&board->tree, "intel,i8259");
        ret = find_ports(board, err);
    }
    if (ret < 0) {
        board_free(board);
        return ret;
    }
    *board_out = board;
    return 0;
}

void board_free(struct board *board)
{
    struct part *part, *next;
    struct kept *kept;

    if (!board) {
        return;
    }
    for (part = board->parts; part; part = next) {
        next = part->next;
        free(part);
    }
    while ((kept = board->kept) != NULL) {
        board->kept = kept->next;
        free(kept);
    }
    tree_close(&board->tree);
    free(board);
}

void board_reset(struct board *board)
{
    struct memory_owner_frame frame;
    struct part *part;
    MemoryOwner *owner;

    for (part = board->parts; part; part = part->next) {
        if (!part->class->reset || !part->initialised) {
            continue;
        }
        owner = (void *)(part->state + part->class->owner_offset);
        if (memory_owner_enter(owner, &frame)) {
            part->class->reset(part->state);
            memory_owner_leave(&frame);
        }
    }
}

bool board_needs_irqchip(const struct board *board)
{
    return board->pic >= 0;
}

const char *board_bootargs(const struct board *board)
{
    return board->bootargs;
}

unsigned board_cpu_num(const struct board *board)
{
    return tree_cpu_num(&board->tree);
}

uint64_t board_ram_size(const struct board *board)
{
    return board->ram_size;
}

const struct boot_map_entry *board_map(const struct board *board, size_t *num)
{
    *num = (size_t)board->map_num;
    return board->map;
}

const void *board_dtb(const struct board *board, size_t *size)
{
    *size = board->tree.size;
    return board->tree.fdt;
}

AddressSpace *board_memory(struct board *board)
{
    return &board->memory_space;
}

AddressSpace *board_io(struct board *board)
{
    return &board->io_space;
}
