/*
 * debug.c - listings of the memory map. Tree and views are memory/'s own printers, commits
 * those of commit_report.h. Commits are heard of through a listener of the lowest priority.
 */
#include "vmm/debug.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "vmm/commit_report.h"
#include "vmm/options.h"

int debug_text_flush(struct debug_text *out)
{
    size_t done = 0;
    ssize_t n;

    while (done < out->used && out->error == 0) {
        n = write(out->fd, out->text + done, out->used - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            out->error = n == 0 ? EIO : errno;
        }
    }
    out->used = 0;
    return -out->error;
}

static void add_text(void *opaque, const char *text, size_t len)
{
    struct debug_text *out = opaque;
    size_t part;

    while (len > 0) {
        part = sizeof(out->text) - out->used;
        part = len < part ? len : part;
        memcpy(out->text + out->used, text, part);
        out->used += part;
        text += part;
        len -= part;
        if (out->used == sizeof(out->text)) {
            (void)debug_text_flush(out);
        }
    }
}

void debug_text_init(struct debug_text *out, int fd)
{
    out->sink = (struct memory_sink){.write = add_text, .opaque = out};
    out->fd = fd;
    out->error = 0;
    out->used = 0;
}

static void print_each_slot(void *opaque, const struct kvm_slot *slot)
{
    struct debug *debug = opaque;

    commit_print_slot(&debug->out.sink, "", slot, debug->config.stable ? debug->config.core : NULL);
    memory_sink_printf(&debug->out.sink, "\n");
}

static void print_each_trap(void *opaque, const FlatRange *range, hwaddr first, hwaddr last)
{
    const RAMBlock *block = memory_region_info(range->mr).block;
    struct debug *debug = opaque;

    memory_sink_printf(&debug->out.sink,
                       "  trap: %016" PRIx64 "-%016" PRIx64 " size 0x%" PRIx64
                       " block %s+0x%" PRIx64 " (no whole pages of the host's) %s\n",
                       first, last, last - first + 1, block ? block->name : "?",
                       range->offset_in_region + (first - range->first),
                       memory_region_name(range->mr));
}

static void print_slots(struct debug *debug)
{
    FlatView *view = address_space_get_flatview(debug->config.memory);

    memory_sink_printf(&debug->out.sink, "kvm-slots: %s\n", debug->config.memory->name);
    kvm_slots_for_each(debug->config.slots, print_each_slot, debug);
    kvm_slots_for_each_trap(debug->config.slots, view, print_each_trap, debug);
    flatview_unref(view);
    memory_sink_printf(&debug->out.sink, "\n");
}

static void committed(MemoryListener *listener, const MemoryCommit *commit)
{
    struct debug *debug = listener->opaque;
    const struct commit_report report = {
        .commit = commit,
        .num = ++debug->commit_num,
        .built = debug->built,
        .slots = commit->as == debug->config.memory ? debug->config.slots : NULL,
        .core = debug->config.stable ? debug->config.core : NULL,
    };

    commit_print(&debug->out.sink, &report);
    (void)debug_text_flush(&debug->out);
}

static int watch_commits(struct debug *debug)
{
    AddressSpace *const spaces[] = {debug->config.memory, debug->config.io};
    int ret = 0;
    size_t i;

    debug->built = true; /* a new listener is told of all that stands */
    for (i = 0; i < 2 && ret == 0; i++) {
        debug->listeners[i] = (MemoryListener){
            .name = "debug", .priority = INT_MIN, .opaque = debug, .commit = committed};
        ret = memory_listener_register(&debug->listeners[i], spaces[i]);
    }
    debug->built = false;
    return ret;
}

int debug_start(struct debug *debug, const struct debug_config *config)
{
    memset(debug, 0, sizeof(*debug));
    debug->config = *config;
    debug_text_init(&debug->out, config->fd);
    if (config->what & DEBUG_TREE) {
        memory_print_tree(config->core, &debug->out.sink, 0);
    }
    if (config->what & DEBUG_VIEW) {
        memory_print_flat(config->core, &debug->out.sink, NULL, NULL);
    }
    if (config->what & DEBUG_SLOTS) {
        print_slots(debug);
    }
    (void)debug_text_flush(&debug->out);
    return config->what & DEBUG_COMMITS ? watch_commits(debug) : 0;
}

void debug_finish(struct debug *debug)
{
    size_t i;

    /* The removal's own replay is of no interest to the user. */
    for (i = 0; i < 2; i++) {
        debug->listeners[i].commit = NULL;
        memory_listener_unregister(&debug->listeners[i]);
    }
}
