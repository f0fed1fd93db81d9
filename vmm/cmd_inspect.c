/*
 * cmd_inspect.c - `acre inspect`: a board's map, or the answer to one question about it.
 */
#include "vmm/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd_board.h"
#include "vmm/cmd_files.h"
#include "vmm/debug.h"
#include "vmm/inspect.h"
#include "vmm/log.h"
#include "vmm/map_diff.h"
#include "vmm/map_dot.h"
#include "vmm/map_json.h"
#include "vmm/map_svg.h"
#include "vmm/qemu_mtree.h"
#include "vmm/why.h"

static int flushed(struct debug_text *out, struct error *err)
{
    int ret = debug_text_flush(out);

    return ret < 0 ? error_set_errno(err, -ret, "stdout") : 0;
}

static int show_text(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    const struct debug_config config = {
        .what = options->debug ? options->debug : DEBUG_TREE | DEBUG_VIEW | DEBUG_SLOTS,
        .fd = STDOUT_FILENO,
        .stable = true,
        .core = &inspect->core,
        .memory = board_memory(inspect->board),
        .io = board_io(inspect->board),
        .slots = &inspect->slots,
    };
    struct debug debug;
    int ret = debug_start(&debug, &config);

    debug_finish(&debug);
    if (ret < 0) {
        return error_set_errno(err, -ret, "commits");
    }
    return flushed(&debug.out, err);
}

/* Writes a value and lets go of it. */
static int print_json(json_t *json, struct error *err)
{
    struct debug_text out;
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

    json_decref(json);
    if (!text) {
        return error_set_errno(err, ENOMEM, "JSON");
    }
    debug_text_init(&out, STDOUT_FILENO);
    out.sink.write(out.sink.opaque, text, strlen(text));
    out.sink.write(out.sink.opaque, "\n", 1);
    free(text);
    return flushed(&out, err);
}

static int show_json(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    (void)options;
    return print_json(
        map_json(&inspect->core, board_memory(inspect->board), &inspect->slots, false), err);
}

static int show_dot(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    struct debug_text out;
    int ret;

    (void)options;
    debug_text_init(&out, STDOUT_FILENO);
    ret = map_dot(&inspect->core, board_memory(inspect->board), &inspect->slots, &out.sink);
    return ret < 0 ? error_set_errno(err, -ret, "--format dot") : flushed(&out, err);
}

static int show_svg(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    AddressSpace *as = options->space_io ? board_io(inspect->board) : board_memory(inspect->board);
    struct debug_text out;
    int ret;

    debug_text_init(&out, STDOUT_FILENO);
    ret = map_svg(&inspect->core, as, options->space_io ? NULL : &inspect->slots, &out.sink);
    if (ret == -E2BIG) {
        return error_set(err, E2BIG, "--format svg: too much for one picture");
    }
    return ret < 0 ? error_set_errno(err, -ret, "--format svg") : flushed(&out, err);
}

/* Returns: 0 they are alike; 1 they differ; -errno. */
static int show_diff(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    struct run_options other_options;
    struct inspect other;
    struct debug_text out;
    json_t *ours, *theirs, *diff;
    int ret, equal;

    inspect_options_of_other(options, &other_options);
    ret = inspect_open(&other, &other_options, err);
    if (ret < 0) {
        return ret;
    }
    ours = map_json(&inspect->core, board_memory(inspect->board), &inspect->slots, false);
    theirs = map_json(&other.core, board_memory(other.board), &other.slots, false);
    diff = ours && theirs ? map_diff(ours, theirs) : NULL;
    json_decref(ours);
    json_decref(theirs);
    inspect_close(&other);
    if (!diff) {
        return error_set_errno(err, ENOMEM, "--diff");
    }
    equal = map_diff_is_equal(diff);
    if (options->format == INSPECT_JSON) {
        ret = print_json(diff, err);
    } else {
        debug_text_init(&out, STDOUT_FILENO);
        map_diff_print(diff, &out.sink);
        json_decref(diff);
        ret = flushed(&out, err);
    }
    return ret < 0 ? ret : !equal;
}

static int show_why(struct inspect *inspect, const struct run_options *options, struct error *err)
{
    AddressSpace *as = options->why.io ? board_io(inspect->board) : board_memory(inspect->board);
    unsigned size_max = options->why.io ? WHY_IO_SIZE_MAX : WHY_MEMORY_SIZE_MAX;
    struct debug_text out;
    int ret;

    if (options->format == INSPECT_JSON) {
        return print_json(
            map_json_why(as, options->why.addr, size_max, options->why.io ? NULL : &inspect->slots),
            err);
    }
    debug_text_init(&out, STDOUT_FILENO);
    ret = why_print(&out.sink, as, options->why.addr, size_max,
                    options->why.io ? NULL : &inspect->slots);
    return ret == -ENOMEM ? error_set_errno(err, ENOMEM, "--why") : flushed(&out, err);
}

static int inspect_board(const struct run_options *options, struct error *err)
{
    static int (*const formats[])(struct inspect * inspect, const struct run_options *options,
                                  struct error *err) = {
        [INSPECT_TEXT] = show_text,
        [INSPECT_JSON] = show_json,
        [INSPECT_DOT] = show_dot,
        [INSPECT_SVG] = show_svg,
    };
    struct inspect inspect;
    int ret = inspect_open(&inspect, options, err);

    if (ret < 0) {
        return ret;
    }
    if (options->why_given) {
        ret = show_why(&inspect, options, err);
    } else if (options->diff_board) {
        ret = show_diff(&inspect, options, err);
    } else {
        ret = formats[options->format](&inspect, options, err);
    }
    inspect_close(&inspect);
    return ret;
}

int cmd_inspect(int argc, char **argv)
{
    struct run_options options;
    struct error err;
    int ret = inspect_options_parse(argc, argv, &options, &err);

    if (ret == 0 && options.help) {
        return cmd_stdout_status(inspect_options_print(STDOUT_FILENO));
    }
    if (ret == 0 && options.board_help) {
        return cmd_stdout_status(cmd_list_boards(STDOUT_FILENO));
    }
    if (ret == 0 && (options.debug & DEBUG_HELP)) {
        return cmd_stdout_status(debug_words_print(STDOUT_FILENO));
    }
    if (ret == 0 && options.qemu_mtree) {
        ret = qemu_mtree_inspect(options.qemu_mtree, options.qemu_flat, STDOUT_FILENO, &err);
    } else if (ret == 0) {
        ret = inspect_board(&options, &err);
    }
    if (ret < 0) {
        log_error("%s", err.text);
        return STATUS_ACRE_FAILED;
    }
    return ret;
}
