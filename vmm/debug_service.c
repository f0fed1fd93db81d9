/*
 * debug_service.c - --debug in a run: the listings on stderr when the map stands, then commits.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/debug.h"
#include "vmm/service.h"

struct debug_state {
    struct debug debug;
    unsigned what; /* enum debug_what */
};

static int open_debug(const struct run_options *options, void **state, struct error *err)
{
    struct debug_state *debug;

    if (options->debug == 0) {
        return 0;
    }
    debug = calloc(1, sizeof(*debug));
    if (!debug) {
        return error_set_errno(err, ENOMEM, "--debug");
    }
    debug->what = options->debug;
    *state = debug;
    return 0;
}

static int start_debug(void *state, struct machine *machine, struct error *err)
{
    struct debug_state *debug = state;
    const struct debug_config config = {
        .what = debug->what,
        .fd = STDERR_FILENO,
        .core = &machine->core,
        .memory = board_memory(machine->board),
        .io = board_io(machine->board),
        .slots = &machine->slots,
    };
    int ret = debug_start(&debug->debug, &config);

    if (ret < 0) {
        debug_finish(&debug->debug);
        return error_set_errno(err, -ret, "--debug commits");
    }
    return 0;
}

static void stop_debug(void *state)
{
    debug_finish(&((struct debug_state *)state)->debug);
}

const struct service debug_service = {
    .open = open_debug,
    .start = start_debug,
    .stop = stop_debug,
    .close = free,
};
