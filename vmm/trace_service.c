/*
 * trace_service.c - --trace in a run. With a monitor (gdb has one as well) there is a trace even if
 * none was asked for: its commands may switch events on, which then go to stderr.
 */
#include "vmm/service.h"
#include "vmm/trace.h"

#include <stddef.h>

static int open_trace(const struct run_options *options, void **state, struct error *err)
{
    struct trace_spec specs[RUN_TRACES_MAX];
    struct trace *trace;
    size_t i;
    int ret = 0;

    if (options->trace_num == 0 && !options->monitor && !options->gdb) {
        return 0;
    }
    for (i = 0; i < options->trace_num && ret == 0; i++) {
        ret = trace_spec_parse(options->traces[i], &specs[i], err);
    }
    if (ret == 0) {
        ret = trace_new(specs, options->trace_num, &trace, err);
    }
    if (ret == 0) {
        *state = trace;
    }
    return ret;
}

static int start_trace(void *state, struct machine *machine, struct error *err)
{
    int ret = trace_start(state, machine, err);

    machine->trace = ret == 0 ? state : NULL;
    return ret;
}

static void stop_trace(void *state)
{
    trace_stop(state);
}

static void close_trace(void *state)
{
    trace_free(state);
}

const struct service trace_service = {
    .open = open_trace,
    .start = start_trace,
    .stop = stop_trace,
    .close = close_trace,
};
