/*
 * watch_service.c - --watch: watches from the start on, and, for those that a monitor adds later,
 * the kernel's symbols, whose file is opened before privileges go and read when first needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/service.h"
#include "vmm/watch_user.h"

struct watch_state {
    const struct run_options *options;
    struct machine *machine;
    int fd; /* the kernel's; -1: not there (loading it will say why) */
};

static int open_watch(const struct run_options *options, void **state, struct error *err)
{
    struct watch_state *watch;

    if (options->watch_num == 0 && !options->monitor) {
        return 0;
    }
    watch = calloc(1, sizeof(*watch));
    if (!watch) {
        return error_set_errno(err, ENOMEM, "--watch");
    }
    watch->options = options;
    watch->fd = open(options->kernel, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *state = watch;
    return 0;
}

/* A kernel whose symbols cannot be read has none. */
static struct symbols *load_symbols(void *opaque)
{
    const struct watch_state *watch = opaque;
    struct symbols *symbols = NULL;
    struct error err;

    if (watch->fd >= 0 && symbols_load(&symbols, watch->options->kernel, watch->fd, &err) < 0) {
        return NULL;
    }
    return symbols;
}

static int start_watch(void *state, struct machine *machine, struct error *err)
{
    struct watch_state *watch = state;
    int ret = watch_user_set_symbols(machine, load_symbols, watch);
    unsigned i, id;

    watch->machine = machine;
    if (ret < 0) {
        return error_set_errno(err, -ret, "--watch");
    }
    for (i = 0; i < watch->options->watch_num && ret == 0; i++) {
        ret = watch_user_add(machine, &watch->options->watches[i], &id, err);
        if (ret < 0) {
            error_prefix(err, "--watch");
        }
    }
    return ret;
}

static void stop_watch(void *state)
{
    watch_user_sum_up(((struct watch_state *)state)->machine);
}

static void close_watch(void *state)
{
    struct watch_state *watch = state;

    if (watch->fd >= 0) {
        (void)close(watch->fd);
    }
    free(watch);
}

const struct service watch_service = {
    .open = open_watch,
    .start = start_watch,
    .stop = stop_watch,
    .close = close_watch,
};
