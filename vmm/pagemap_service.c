/*
 * pagemap_service.c - the page map of this process, opened for those who ask where a guest's byte
 * lies in the host.
 */
#include <errno.h>
#include <stdlib.h>

#include "vmm/pagemap.h"
#include "vmm/service.h"

struct run_pagemap {
    struct pagemap pagemap;
    struct machine *machine;
};

static int open_pagemap(const struct run_options *options, void **state, struct error *err)
{
    struct run_pagemap *run;

    if (!options->monitor && !options->gdb) {
        return 0;
    }
    run = calloc(1, sizeof(*run));
    if (!run) {
        return error_set_errno(err, ENOMEM, "pagemap");
    }
    pagemap_open(&run->pagemap);
    *state = run;
    return 0;
}

static int start_pagemap(void *state, struct machine *machine, struct error *err)
{
    struct run_pagemap *run = state;

    (void)err;
    run->machine = machine;
    machine->pagemap = &run->pagemap;
    return 0;
}

static void stop_pagemap(void *state)
{
    ((struct run_pagemap *)state)->machine->pagemap = NULL;
}

static void close_pagemap(void *state)
{
    pagemap_close(&((struct run_pagemap *)state)->pagemap);
    free(state);
}

const struct service pagemap_service = {
    .open = open_pagemap,
    .start = start_pagemap,
    .stop = stop_pagemap,
    .close = close_pagemap,
};
