/*
 * core_service.c - --core: the file is made before privileges drop; it is filled when the guest
 * ends as it should not, and stays empty else.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/core_dump.h"
#include "vmm/log.h"
#include "vmm/machine_control.h"
#include "vmm/service.h"

struct core_state {
    const char *path;
    int fd;
    struct machine *machine;
    struct machine_observer observer;
};

/* SIGQUIT ends other programs with a core, too. */
static bool is_wanted(const struct verdict *verdict)
{
    switch (verdict->kind) {
    case VERDICT_IDLE_HANG:
    case VERDICT_PANIC:
    case VERDICT_WATCHDOG:
    case VERDICT_TIMEOUT:
    case VERDICT_TRIPLE_FAULT:
    case VERDICT_INTERNAL_ERROR:
    case VERDICT_ENTRY_FAILURE:
        return true;
    case VERDICT_SIGNAL:
        return verdict->signal == SIGQUIT;
    case VERDICT_NONE:
    case VERDICT_EXIT:
    case VERDICT_POWEROFF:
    case VERDICT_QUIT:
    case VERDICT_RESET:
    case VERDICT_FAULT:
    case VERDICT_KIND_NUM:
        break;
    }
    return false;
}

/* What does not fit into page tables that never end is still there by its physical addresses. */
static void observed(void *opaque, enum machine_event event, const struct verdict *verdict)
{
    struct core_state *core = opaque;
    struct core_dump dump = {
        .fd = core->fd,
        .name = core->path,
        .last = UINT64_MAX,
        .paging = true,
        .cpu = verdict ? verdict->cpu : -1,
        .ended = true,
    };
    struct error err;
    int ret;

    if (event != MACHINE_EVENT_END || !is_wanted(verdict)) {
        return;
    }
    ret = core_dump_write(core->machine, &dump, &err);
    if (ret == -E2BIG) {
        dump.paging = false;
        ret = core_dump_write(core->machine, &dump, &err);
    }
    if (ret < 0) {
        log_error("--core: %s", err.text);
    } else {
        log_note("core written to %s", core->path);
    }
}

static int open_core(const struct run_options *options, void **state, struct error *err)
{
    struct core_state *core;
    int ret;

    if (!options->core) {
        return 0;
    }
    core = calloc(1, sizeof(*core));
    if (!core) {
        return error_set_errno(err, ENOMEM, "--core");
    }
    core->path = options->core;
    ret = cmd_create_file(core->path, &core->fd, err);
    if (ret < 0) {
        free(core);
        error_prefix(err, "--core");
        return ret;
    }
    *state = core;
    return 0;
}

static int start_core(void *state, struct machine *machine, struct error *err)
{
    struct core_state *core = state;

    (void)err;
    core->machine = machine;
    core->observer = (struct machine_observer){.event = observed, .opaque = core};
    machine_observe(machine, &core->observer);
    return 0;
}

static void stop_core(void *state)
{
    struct core_state *core = state;

    machine_unobserve(core->machine, &core->observer);
}

static void close_core(void *state)
{
    struct core_state *core = state;

    (void)close(core->fd);
    free(core);
}

const struct service core_service = {
    .open = open_core,
    .start = start_core,
    .stop = stop_core,
    .close = close_core,
};
