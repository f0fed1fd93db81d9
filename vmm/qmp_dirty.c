/*
 * qmp_dirty.c - acre-dirty: which pages of a RAM block were written since they were last asked for,
 * as a client of its own of memory/dirty.h. Who starts twice stops twice; the pages are given once,
 * to whoever asks first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/monitor_commands.h"

/* What one look takes, and after how many ranges the rest waits for the next command. */
enum { CHUNK_PAGES = 1 << 17, WORD_PAGES = 64, RANGES_MAX = 1 << 16 };

/* ---- the region of a block ---- */

struct search {
    const char *name;
    MemoryRegion *mr; /* referenced; NULL: not found */
};

static void look(void *opaque, const MemoryTreeNode *node)
{
    struct search *search = opaque;
    const RAMBlock *block = memory_region_info(node->mr).block;

    if (!search->mr && block && strcmp(block->name, search->name) == 0) {
        search->mr = memory_region_ref(node->mr);
    }
}

static MemoryRegion *find_region(struct machine *machine, const char *name)
{
    static const MemoryTreeVisitor visitor = {.region = look, .disabled = true};
    struct search search = {.name = name};

    memory_walk_trees(&machine->core, &visitor, &search);
    return search.mr;
}

/* ---- taking pages ---- */

/* Takes one chunk's bits; what they say is added to the list. */
struct taker {
    MemoryRegion *mr;
    uint64_t *bitmap;
    json_t *ranges;     /* NULL: nobody wants to know */
    uint64_t run, last; /* a range that may go on: its pages; the page behind it */
    uint64_t pages;
};

static void end_run(struct taker *taker)
{
    if (taker->run > 0 && taker->ranges) {
        (void)json_array_append_new(
            taker->ranges, json_pack("{s:I, s:I}", "offset",
                                     (json_int_t)((taker->last - taker->run) * DIRTY_PAGE_SIZE),
                                     "length", (json_int_t)(taker->run * DIRTY_PAGE_SIZE)));
    }
    taker->run = 0;
}

static void take_chunk(struct taker *taker, uint64_t first, uint64_t pages)
{
    uint64_t page, num;

    if (!ram_block_test_dirty(taker->mr->ram_block, first * DIRTY_PAGE_SIZE,
                              pages * DIRTY_PAGE_SIZE, DIRTY_MEMORY_MONITOR)) {
        return; /* as of the sync before; spares reading the logs again */
    }
    num = memory_region_snapshot_and_clear_dirty(taker->mr, first * DIRTY_PAGE_SIZE, pages,
                                                 DIRTY_MEMORY_MONITOR, taker->bitmap);
    taker->pages += num;
    for (page = 0; page < pages && num > 0; page++) {
        if (!(taker->bitmap[page / WORD_PAGES] >> page % WORD_PAGES & 1)) {
            continue;
        }
        if (taker->last != first + page) {
            end_run(taker);
        }
        taker->run++;
        taker->last = first + page + 1;
    }
}

/* Returns: how many pages of the block were looked at. */
static uint64_t take(struct taker *taker, uint64_t block_pages)
{
    uint64_t first = 0;

    memory_region_sync_dirty_bitmap(taker->mr);
    while (first < block_pages && json_array_size(taker->ranges) < RANGES_MAX) {
        uint64_t left = block_pages - first, pages = left < CHUNK_PAGES ? left : CHUNK_PAGES;

        take_chunk(taker, first, pages);
        first += pages;
    }
    end_run(taker);
    return first;
}

/* ---- the actions ---- */

static bool is_started(const MemoryRegion *mr)
{
    return (memory_region_info(mr).dirty_log_mask >> DIRTY_MEMORY_MONITOR & 1) != 0;
}

static json_t *start(struct taker *taker, uint64_t pages, struct error *err)
{
    bool before = is_started(taker->mr);
    int ret = memory_region_set_log(taker->mr, true, DIRTY_MEMORY_MONITOR);

    if (ret < 0) {
        (void)error_set_errno(err, -ret, "acre-dirty start");
        return NULL;
    }
    if (!before) { /* all bits are set, and say nothing */
        (void)take(taker, pages);
    }
    return json_object();
}

static json_t *sync_pages(struct taker *taker, uint64_t pages, struct error *err)
{
    uint64_t seen;

    (void)err;
    taker->ranges = json_array();
    seen = take(taker, pages);
    return json_pack("{s:I, s:I, s:b, s:o}", "page-size", (json_int_t)DIRTY_PAGE_SIZE, "pages",
                     (json_int_t)taker->pages, "more", seen < pages, "ranges", taker->ranges);
}

static json_t *stop(struct taker *taker, uint64_t pages, struct error *err)
{
    int ret = memory_region_set_log(taker->mr, false, DIRTY_MEMORY_MONITOR);

    (void)pages;
    if (ret < 0) {
        (void)error_set_errno(err, -ret, "acre-dirty stop");
        return NULL;
    }
    return json_object();
}

static const struct {
    const char *name;
    bool started; /* needs a start before */
    json_t *(*run)(struct taker *taker, uint64_t pages, struct error *err);
} actions[] = {
    {"start", false, start},
    {"sync", true, sync_pages},
    {"stop", true, stop},
};

static json_t *act(MemoryRegion *mr, const char *action, struct error *err)
{
    struct taker taker = {.mr = mr, .bitmap = calloc(CHUNK_PAGES / WORD_PAGES, sizeof(uint64_t))};
    uint64_t pages = mr->ram_block->used_length / DIRTY_PAGE_SIZE;
    json_t *result = NULL;
    size_t i = 0;

    while (i < sizeof(actions) / sizeof(actions[0]) && strcmp(actions[i].name, action) != 0) {
        i++;
    }
    if (!taker.bitmap) {
        (void)error_set_errno(err, ENOMEM, "acre-dirty");
    } else if (i == sizeof(actions) / sizeof(actions[0])) {
        (void)error_set(err, EINVAL, "Parameter 'action' must be start, sync or stop");
    } else if (actions[i].started && !is_started(mr)) {
        (void)error_set(err, EINVAL, "acre-dirty %s: was not started for this block", action);
    } else {
        result = actions[i].run(&taker, pages, err);
    }
    free(taker.bitmap);
    return result;
}

static json_t *act_on_block(struct machine *machine, const char *action, const char *name,
                            struct error *err)
{
    MemoryRegion *mr = find_region(machine, name);
    json_t *result;

    if (!mr) {
        (void)error_set(err, ENOENT, "%.64s: no such RAM block (info ramblock lists them)", name);
        return NULL;
    }
    result = act(mr, action, err);
    memory_region_unref(mr);
    return result;
}

json_t *qmp_acre_dirty(struct machine *machine, const json_t *arguments, struct error *err)
{
    static const struct qmp_argument wanted[] = {{"action", JSON_STRING, false},
                                                 {"block", JSON_STRING, false}};

    if (qmp_check_arguments(arguments, wanted, 2, err) < 0) {
        return NULL;
    }
    return act_on_block(machine, json_string_value(json_object_get(arguments, "action")),
                        json_string_value(json_object_get(arguments, "block")), err);
}

int hmp_dirty(struct machine *machine, const char *arguments, struct memory_sink *sink,
              struct error *err)
{
    size_t len = strcspn(arguments, " \t"), i;
    const char *block = arguments + len + strspn(arguments + len, " \t");
    const json_t *range;
    char action[8];
    json_t *result;

    if (len >= sizeof(action) || block[0] == '\0') {
        return error_set(err, EINVAL, "wants start, sync or stop, and a RAM block");
    }
    memcpy(action, arguments, len);
    action[len] = '\0';
    result = act_on_block(machine, action, block, err);
    if (!result) {
        return -EINVAL;
    }
    json_array_foreach(json_object_get(result, "ranges"), i, range)
    {
        uint64_t first = (uint64_t)json_integer_value(json_object_get(range, "offset"));
        uint64_t size = (uint64_t)json_integer_value(json_object_get(range, "length"));

        memory_sink_printf(sink, "%016" PRIx64 "-%016" PRIx64 "\n", first, first + size - 1);
    }
    if (json_is_true(json_object_get(result, "more"))) {
        memory_sink_printf(sink, "and more, by the next sync\n");
    }
    json_decref(result);
    return 0;
}
