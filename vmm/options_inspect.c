/*
 * options_inspect.c - the options of `acre inspect`.
 */
#include "vmm/options_shared.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

SET_STRING(qemu_mtree)
SET_STRING(qemu_flat)
SET_STRING(diff_board)

static int set_format(void *target, const char *value, struct error *err)
{
    static const char *const names[] = {
        [INSPECT_TEXT] = "text",
        [INSPECT_JSON] = "json",
        [INSPECT_DOT] = "dot",
        [INSPECT_SVG] = "svg",
    };
    struct run_options *options = target;
    size_t i;

    for (i = 0; i < NUM(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->format = (enum inspect_format)i;
            return 0;
        }
    }
    return error_set(err, EINVAL, "%s: not a format (text, json, dot, svg)", value);
}

static int set_space(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    options->space_io = strcmp(value, "io") == 0;
    return options->space_io || strcmp(value, "memory") == 0
               ? 0
               : error_set(err, EINVAL, "%s: not a space (memory, io)", value);
}

static int set_why(void *target, const char *value, struct error *err)
{
    struct run_options *options = target;

    options->why_given = true;
    return why_parse(value, &options->why, err);
}

static const struct option_spec inspect_specs[] = {
    OPTION_RAM,
    OPTION_CPUS,
    OPTION_BOARD,
    OPTION_OVERLAY,
    OPTION_APPEND,
    OPTION_DUMP_DTB,
    OPTION_FW_CFG,
    OPTION_SERIAL,
    OPTION_DEBUGCON,
    OPTION_RTC,
    OPTION_WATCHDOG_ACTION,
    {0, "format", "FORMAT", "text (default), json, dot or svg", set_format},
    {0, "space", "memory|io", "what --format svg draws (default memory)", set_space},
    {0, "why", "ADDR|io:PORT", "who answers there and why, and what accesses do", set_why},
    {0, "diff", "BOARD", "how that board, as it is, differs: status 0 or 1", set_diff_board},
    {0, "debug", "WORDS", "show only tree,view,slots,commits", option_add_debug},
    {0, "qemu-mtree", "FILE", "show what acre makes of QEMU's `info mtree -D`", set_qemu_mtree},
    {0, "qemu-flat", "FILE", "compare with `info mtree -f`: status 0, 1 or 2", set_qemu_flat},
    OPTION_HELP,
};

static int refuse_argument(void *target, const char *arg, struct error *err)
{
    (void)target;
    return error_set(err, EINVAL, "%s: takes options only", arg);
}

static int check_together(const struct run_options *options, struct error *err)
{
    const char *answer = options->why_given ? "--why" : options->diff_board ? "--diff" : NULL;

    if (options->qemu_flat && !options->qemu_mtree) {
        return error_set(err, EINVAL, "--qemu-flat: wants --qemu-mtree, too");
    }
    if (options->why_given && options->diff_board) {
        return error_set(err, EINVAL, "--diff: not together with --why");
    }
    if (answer && (options->format == INSPECT_DOT || options->format == INSPECT_SVG)) {
        return error_set(err, EINVAL, "--format: %s gives text or json", answer);
    }
    if (options->space_io && (answer || options->format != INSPECT_SVG)) {
        return error_set(err, EINVAL, "--space: is for --format svg");
    }
    if (options->debug && (answer || options->format != INSPECT_TEXT)) {
        return error_set(err, EINVAL, "--debug: is for --format text, without --why or --diff");
    }
    return 0;
}

int inspect_options_parse(int argc, char **argv, struct run_options *options, struct error *err)
{
    int ret;

    options_set_defaults(options);
    ret =
        options_parse(inspect_specs, NUM(inspect_specs), argc, argv, options, refuse_argument, err);
    return ret < 0 || options->help || (options->debug & DEBUG_HELP) || options->board_help
               ? ret
               : check_together(options, err);
}

void inspect_options_of_other(const struct run_options *options, struct run_options *other)
{
    options_set_defaults(other);
    other->board = options->diff_board;
}

int inspect_options_print(int fd)
{
    (void)dprintf(fd, "usage: acre inspect [options]\n"
                      "Shows a board's region tree, flat view and memory slots; needs no KVM.\n\n");
    return options_print(fd, inspect_specs, NUM(inspect_specs));
}
