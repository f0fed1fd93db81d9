/*
 * board_check.c - what a tree may say and its author may not have meant. Mounts are sorted by where
 * they compete: container, priority, address; then each is compared with the furthest one before.
 */
#include "vmm/board_build.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/kvm_slots_plan.h"

/* Of these lines, so that a tree of any size floods nobody. */
enum { WARNINGS_MAX = 20 };

static void warn(struct board *board, const char *line)
{
    if (board->warnings++ < WARNINGS_MAX) {
        board->warn(board->warn_opaque, line);
    }
}

static void warn_of_more(const struct board *board)
{
    char line[256];

    if (board->warnings > WARNINGS_MAX) {
        (void)snprintf(line, sizeof(line), "%.160s: and %u more warnings", board->tree.label,
                       board->warnings - WARNINGS_MAX);
        board->warn(board->warn_opaque, line);
    }
}

struct place {
    const struct part *part;
    const MemoryRegion *container;
    int32_t priority;
    uint64_t first, last;
};

static int compare(const void *a, const void *b)
{
    const struct place *left = a, *right = b;

    if (left->container != right->container) {
        return (uintptr_t)left->container < (uintptr_t)right->container ? -1 : 1;
    }
    if (left->priority != right->priority) {
        return left->priority < right->priority ? -1 : 1;
    }
    if (left->first != right->first) {
        return left->first < right->first ? -1 : 1;
    }
    return left->part->node < right->part->node ? -1 : left->part->node > right->part->node;
}

static const char *path_of(const struct board *board, int node, char *path, int size)
{
    return fdt_get_path(board->tree.fdt, node, path, size) < 0 ? "?" : path;
}

static void warn_overlap(struct board *board, const struct place *a, const struct place *b)
{
    const struct place *shown = a->part->node > b->part->node ? a : b, *below = shown == a ? b : a;
    char path[160], other[160], line[512];
    uint64_t first = a->first > b->first ? a->first : b->first;
    uint64_t last = a->last < b->last ? a->last : b->last;

    (void)snprintf(line, sizeof(line),
                   "%s: %s: reg: covers 0x%" PRIx64 "-0x%" PRIx64
                   " of %s at the same priority (acre,priority decides)",
                   board->tree.label, path_of(board, shown->part->node, path, sizeof(path)), first,
                   last, path_of(board, below->part->node, other, sizeof(other)));
    warn(board, line);
}

static size_t collect(const struct board *board, struct place *places)
{
    const struct part *part;
    unsigned i;
    size_t num = 0;

    for (part = board->parts; part; part = part->next) {
        for (i = 0; i < part->mount_num; i++) {
            const struct mount *mount = &part->mounts[i];

            if (places) {
                places[num] = (struct place){
                    part,
                    mount->container,
                    mount->priority,
                    mount->addr,
                    range_last(mount->addr, memory_region_size(mount->region)),
                };
            }
            num++;
        }
    }
    return num;
}

static int check_overlaps(struct board *board)
{
    size_t num = collect(board, NULL), i, furthest = 0;
    struct place *places = calloc(num ? num : 1, sizeof(*places));

    if (!places) {
        return -ENOMEM;
    }
    (void)collect(board, places);
    qsort(places, num, sizeof(*places), compare);
    for (i = 1; i < num; i++) {
        const struct place *before = &places[furthest], *place = &places[i];
        bool rivals = before->container == place->container && before->priority == place->priority;

        if (rivals && place->first <= before->last) {
            warn_overlap(board, before, place);
        }
        furthest = rivals && before->last >= place->last ? furthest : i;
    }
    free(places);
    return 0;
}

/* Memory that KVM cannot map, since its pages and the host's do not coincide. */
static bool warn_pages(const FlatRange *range, void *opaque)
{
    const MemoryRegionSection section = flat_range_section(NULL, NULL, range);
    struct board *board = opaque;
    struct slot_piece piece = {.mapped = false};
    uint64_t bytes = range_size(range->first, range->last);
    bool readonly;
    char line[512];

    if (!memory_section_is_slot(&section, &readonly) || memory_region_size(range->mr) == 0) {
        return false;
    }
    if (slot_piece_of_range(range, &piece)) {
        bytes -= range_size(piece.first, piece.last);
    }
    if (bytes != 0) {
        (void)snprintf(line, sizeof(line),
                       "%s: 0x%" PRIx64 "-0x%" PRIx64 ": %" PRIu64
                       " bytes of %s are no whole pages of the host, so that each access exits to "
                       "acre (acre,partial-pages in the root: meant so)",
                       board->tree.label, range->first, range->last, bytes,
                       memory_region_name(range->mr));
        warn(board, line);
    }
    return false;
}

/* Every property of acre's own that a node may have. */
static const char *const properties[] = {
    "acre,action",     "acre,backend",      "acre,base",      "acre,data",
    "acre,erase-size", "acre,file",         "acre,image",     "acre,interrupt-routes",
    "acre,name",       "acre,offset",       "acre,page-size", "acre,partial-pages",
    "acre,priority",   "acre,regions",      "acre,summary",   "acre,target",
    "acre,timer-bits", "acre,translations",
};

static bool is_known(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (strcmp(properties[i], name) == 0) {
            return true;
        }
    }
    return strncmp(name, "acre,", 5) != 0;
}

/* One that is misspelt would silently do nothing. */
static void check_properties(struct board *board)
{
    const void *fdt = board->tree.fdt;
    int node, property;
    const char *name;
    struct error line;

    for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
        fdt_for_each_property_offset(property, fdt, node)
        {
            if (fdt_getprop_by_offset(fdt, property, &name, NULL) && !is_known(name)) {
                (void)tree_error(&board->tree, node, name, &line, "there is no such property");
                warn(board, line.text);
            }
        }
    }
}

int board_check(struct board *board)
{
    FlatView *view;
    int ret;

    /* A built-in tree as it is has been checked by the tests: nothing is spent on it at start. */
    if (!board->warn || !board->tree.owned) {
        return 0;
    }
    check_properties(board);
    ret = check_overlaps(board);
    if (ret == 0 && !fdt_getprop(board->tree.fdt, 0, "acre,partial-pages", NULL)) {
        view = address_space_get_flatview(&board->memory_space);
        (void)flatview_for_each_range(view, warn_pages, board);
        flatview_unref(view);
    }
    warn_of_more(board);
    return ret;
}
