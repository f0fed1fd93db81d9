/*
 * qemu_mtree.c - reads the files, has them worked out and built, and shows acre's flat views, with
 * QEMU's beside them, and what was inferred to get there.
 */
#include "vmm/qemu_mtree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/debug.h"
#include "vmm/qemu_mtree_parts.h"

struct report {
    struct mtree *mtree;
    struct memory_sink *sink;
    size_t views, lines, differing;
};

/* ---- flat views ---- */

static void print_line(struct report *report, char mark, const struct mtree_range *range)
{
    memory_sink_printf(report->sink,
                       "%c %016" PRIx64 "-%016" PRIx64 " (prio %" PRId32 ", %s%s): %s", mark,
                       range->first, range->last, range->priority, range->nonvolatile ? "nv-" : "",
                       mtree_type_name(range->type), range->name);
    if (range->offset) {
        memory_sink_printf(report->sink, " @%016" PRIx64, range->offset);
    }
    memory_sink_printf(report->sink, "\n");
    report->differing += mark != ' ';
}

static bool same_line(const struct mtree_range *a, const struct mtree_range *b)
{
    return a->name == b->name && a->first == b->first && a->last == b->last &&
           a->offset == b->offset && a->priority == b->priority && a->type == b->type &&
           a->nonvolatile == b->nonvolatile;
}

/* A range of acre's as QEMU would list it. */
static struct mtree_range acres_line(const FlatRange *range)
{
    const struct mtree_region *region = mtree_region_of(range->mr);

    return (struct mtree_range){
        .name = region->name,
        .first = range->first,
        .last = range->last,
        .offset = range->offset_in_region,
        .priority = region->priority,
        .type = range->readonly ? MTREE_ROM : region->type,
        .nonvolatile = range->nonvolatile,
    };
}

struct view_printer {
    struct report *report;
    const struct mtree_range *at, *end; /* QEMU's lines that are left */
    bool compare;
};

static bool print_range(const FlatRange *range, void *opaque)
{
    struct view_printer *printer = opaque;
    const struct mtree_range line = acres_line(range);

    while (printer->at < printer->end && printer->at->first <= line.first &&
           !same_line(printer->at, &line)) {
        print_line(printer->report, '-', printer->at++);
    }
    if (printer->at < printer->end && same_line(printer->at, &line)) {
        printer->at++;
        print_line(printer->report, ' ', &line);
    } else {
        print_line(printer->report, printer->compare ? '+' : ' ', &line);
    }
    printer->report->lines++;
    return false;
}

static void print_users(struct report *report, const struct mtree_group *group)
{
    struct memory_sink *sink = report->sink;
    const struct mtree_region *root = group->root;
    bool missing = report->mtree->flat_text && !group->view;
    size_t i;

    for (i = 0; i < group->name_num; i++) {
        memory_sink_printf(sink, "%cAS \"%s\", root: %s", missing ? '+' : ' ', group->names[i],
                           root ? root->name : "(none)");
        memory_sink_printf(sink, root && root->target ? ", alias %s\n" : "\n",
                           root && root->target ? root->target->name : "");
        report->differing += missing;
    }
}

static void print_view(struct report *report, const struct mtree_group *group)
{
    AddressSpace *as = mtree_space_of(report->mtree, group);
    struct view_printer printer = {.report = report, .compare = report->mtree->flat_text != NULL};
    size_t before = report->lines;
    FlatView *view;

    memory_sink_printf(report->sink, "FlatView #%zu\n", report->views++);
    print_users(report, group);
    if (group->view) {
        printer.at = group->view->ranges;
        printer.end = printer.at + group->view->range_num;
    }
    if (as) {
        view = address_space_get_flatview(as);
        flatview_for_each_range(view, print_range, &printer);
        flatview_unref(view);
    }
    if (report->lines == before) {
        memory_sink_printf(report->sink, "  No rendered FlatView\n");
    }
    while (printer.at < printer.end) {
        print_line(report, '-', printer.at++);
    }
    memory_sink_printf(report->sink, "\n");
}

/* Spaces that QEMU shows a view of and does not list. */
static void print_other_users(struct report *report)
{
    const struct mtree *mtree = report->mtree;
    size_t i;

    for (i = 0; i < mtree->user_num; i++) {
        if (!mtree->users[i].group) {
            memory_sink_printf(report->sink, "-AS \"%s\", root: %s\n", mtree->users[i].name,
                               mtree->users[i].root);
            report->differing++;
        }
    }
}

/* ---- inferences ---- */

static void print_region(struct report *report, const struct mtree_region *region)
{
    const char *what = NULL;

    if (region->type == MTREE_IO && !region->target_name && region->child) {
        what = region->answers == MTREE_YES  ? "answers where its children do not"
               : region->answers == MTREE_NO ? "is a pure container"
               : !report->mtree->flat_text   ? "assumed to be a pure container"
                                             : NULL;
    } else if (region->answers == MTREE_NO) {
        what = region->target_name ? "has size 0" : "is an empty container";
    }
    if (what) {
        memory_sink_printf(report->sink, "  line %u: %s %s\n", region->line, region->name, what);
    }
    if (region->readonly == MTREE_YES && region->type != MTREE_ROM) {
        memory_sink_printf(report->sink, "  line %u: %s is read-only\n", region->line,
                           region->name);
    }
}

/* Siblings that overlap, of which nothing says which is newer. Without the flat listing only. */
static void print_assumed_orders(struct report *report, const struct mtree_region *region)
{
    struct mtree *mtree = report->mtree;
    const struct mtree_region *other;

    for (other = region->next; other && mtree_spend(mtree, 1); other = other->next) {
        if (other->addr < region->addr || other->addr > range_last(region->addr, region->size)) {
            break; /* listed by address */
        }
        if (other->priority == region->priority && other->addr != region->addr && other->enabled &&
            region->enabled) {
            memory_sink_printf(report->sink, "  line %u: %s assumed to be newer than line %u: %s\n",
                               other->line, other->name, region->line, region->name);
        }
    }
}

static void print_inferences(struct report *report)
{
    const struct mtree *mtree = report->mtree;
    size_t i;

    memory_sink_printf(report->sink, "inferences, by lines of %s:\n", mtree->tree_text->path);
    for (i = 0; i < mtree->region_num; i++) {
        if (!mtree->regions[i].same) {
            print_region(report, &mtree->regions[i]);
            if (!mtree->flat_text && mtree->regions[i].parent) {
                print_assumed_orders(report, &mtree->regions[i]);
            }
        }
    }
    for (i = 0; i < mtree->order_num; i++) {
        const struct mtree_order *order = &mtree->orders[i];

        memory_sink_printf(report->sink, "  line %u: %s is newer than line %u: %s\n",
                           order->newer->line, order->newer->name, order->older->line,
                           order->older->name);
    }
    if (mtree->hidden_num) {
        memory_sink_printf(report->sink,
                           "  %u lines lie below a disabled region that is not listed (info mtree "
                           "without -D): not live\n",
                           mtree->hidden_num);
    }
    memory_sink_printf(report->sink, "\n");
}

static int print_report(struct mtree *mtree, struct memory_sink *sink, bool gave_up)
{
    struct report report = {.mtree = mtree, .sink = sink};
    size_t i;

    for (i = 0; i < mtree->group_num; i++) {
        print_view(&report, &mtree->groups[i]);
    }
    print_other_users(&report);
    print_inferences(&report);
    if (!mtree->flat_text) {
        memory_sink_printf(sink, "%zu views, %zu lines\n", report.views, report.lines);
        return QEMU_MTREE_EQUAL;
    }
    if (report.differing == 0) {
        memory_sink_printf(sink, "equal: %zu views, %zu lines\n", report.views, report.lines);
        return QEMU_MTREE_EQUAL;
    }
    memory_sink_printf(sink, "%s: %zu of %zu lines differ\n", gave_up ? "undecided" : "different",
                       report.differing, report.lines);
    return gave_up ? QEMU_MTREE_UNDECIDED : QEMU_MTREE_DIFFERENT;
}

/* ---- all of it ---- */

static int work_out(struct mtree *mtree, struct memory_sink *sink)
{
    int solved = MTREE_FITS, ret = mtree_read_tree(mtree);
    size_t i;

    ret = ret ? ret : mtree_resolve(mtree);
    if (ret == 0 && mtree->flat_text) {
        ret = mtree_read_flat(mtree);
        solved = ret ? ret : mtree_solve(mtree);
        ret = solved < 0 ? solved : ret;
    }
    for (i = 0; i < mtree->group_num && ret == 0; i++) {
        if (!mtree->groups[i].shown) { /* made to see that it is not too much to render */
            ret = mtree_shown_new(mtree, &mtree->groups[i], NULL, &mtree->groups[i].shown);
        }
    }
    ret = ret ? ret : mtree_build(mtree);
    return ret ? ret : print_report(mtree, sink, solved == MTREE_GAVE_UP);
}

static void free_mtree(struct mtree *mtree)
{
    size_t i;

    mtree_unbuild(mtree);
    for (i = 0; i < mtree->group_num; i++) {
        mtree_shown_free(mtree->groups[i].shown);
    }
    mtree_names_free(mtree);
    free(mtree->regions);
    free(mtree->blocks);
    free(mtree->groups);
    free(mtree->space_names);
    free(mtree->views);
    free(mtree->users);
    free(mtree->ranges);
    free(mtree->orders);
    free(mtree->trail);
    free(mtree);
}

int qemu_mtree_compare(const struct qemu_mtree_text *tree, const struct qemu_mtree_text *flat,
                       struct memory_sink *sink, struct error *err)
{
    struct mtree *mtree = calloc(1, sizeof(*mtree));
    int ret;

    if (!mtree) {
        return error_set_errno(err, ENOMEM, "%s", tree->path);
    }
    mtree->tree_text = tree;
    mtree->flat_text = flat;
    mtree->err = err;
    mtree->budget = MTREE_BUDGET;
    ret = work_out(mtree, sink);
    free_mtree(mtree);
    return ret;
}

static int read_all(int fd, const char *path, char **text, size_t *size, struct error *err)
{
    size_t max = 1 << 16;
    char *more;
    ssize_t n;

    *size = 0;
    *text = NULL;
    for (;;) {
        if (!*text || *size == max) {
            max *= *text ? 2 : 1;
            more = max <= 2 * (size_t)QEMU_MTREE_FILE_MAX ? realloc(*text, max) : NULL;
            if (!more) {
                return error_set_errno(err, ENOMEM, "%s", path);
            }
            *text = more;
        }
        n = read(fd, *text + *size, max - *size);
        if (n < 0 && errno != EINTR) {
            return error_set_errno(err, errno, "%s", path);
        }
        if (n == 0) {
            return 0;
        }
        *size += n > 0 ? (size_t)n : 0;
        if (*size > QEMU_MTREE_FILE_MAX) {
            return error_set(err, EINVAL, "%s: larger than %d MiB", path,
                             QEMU_MTREE_FILE_MAX >> 20);
        }
    }
}

/* text->text is the caller's to free, also on failure. */
static int read_text(const char *path, char **buffer, struct qemu_mtree_text *text,
                     struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), ret;

    if (fd < 0) {
        return error_set_errno(err, errno, "%s", path);
    }
    ret = read_all(fd, path, buffer, &text->size, err);
    text->path = path;
    text->text = *buffer;
    close(fd);
    return ret;
}

int qemu_mtree_inspect(const char *tree_path, const char *flat_path, int fd, struct error *err)
{
    struct qemu_mtree_text tree, flat;
    char *tree_buffer = NULL, *flat_buffer = NULL;
    struct debug_text out;
    int ret = read_text(tree_path, &tree_buffer, &tree, err);

    if (ret == 0 && flat_path) {
        ret = read_text(flat_path, &flat_buffer, &flat, err);
    }
    if (ret == 0) {
        debug_text_init(&out, fd);
        memory_thread_register();
        ret = qemu_mtree_compare(&tree, flat_path ? &flat : NULL, &out.sink, err);
        memory_thread_unregister();
        if (debug_text_flush(&out) < 0 && ret >= 0) {
            ret = error_set_errno(err, out.error, "stdout");
        }
    }
    free(tree_buffer);
    free(flat_buffer);
    return ret;
}
