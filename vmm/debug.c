/*
 * debug.c - listings of the memory map. Tree and views are memory/'s own printers; slots and
 * commits are printed here. Commits are heard of through a listener of the lowest priority.
 */
#include "vmm/debug.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

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

static void print_slot(struct debug *debug, const char *mark, const struct kvm_slot *slot)
{
    struct memory_sink *sink = &debug->out.sink;
    uint64_t first = slot->node.first, last = slot->node.last, offset = 0;
    RAMBlock *block;

    memory_sink_printf(sink, "  %s%4" PRIu32 ": %016" PRIx64 "-%016" PRIx64 " size 0x%" PRIx64 " ",
                       mark, slot->id, first, last, last - first + 1);
    if (debug->config.stable) {
        block =
            ram_block_from_host(debug->config.core, (const void *)(uintptr_t)slot->hva, &offset);
        memory_sink_printf(sink, "block %s+0x%" PRIx64, block ? block->name : "?", offset);
        ram_block_unref(block);
    } else {
        memory_sink_printf(sink, "hva 0x%" PRIx64, slot->hva);
    }
    memory_sink_printf(sink, " flags 0x%" PRIx32 " (%s%s) %s\n", slot->flags,
                       slot->flags & KVM_MEM_READONLY ? "ro" : "rw",
                       slot->flags & KVM_MEM_LOG_DIRTY_PAGES ? ",log" : "",
                       memory_region_name(slot->mr));
}

static void print_each_slot(void *opaque, const struct kvm_slot *slot)
{
    print_slot(opaque, "", slot);
}

static void print_slots(struct debug *debug)
{
    memory_sink_printf(&debug->out.sink, "kvm-slots: %s\n", debug->config.memory->name);
    kvm_slots_for_each(debug->config.slots, print_each_slot, debug);
    memory_sink_printf(&debug->out.sink, "\n");
}

static void print_section(struct memory_sink *sink, char mark, const MemoryRegionSection *section)
{
    memory_sink_printf(
        sink, "  %c %016" PRIx64 "-%016" PRIx64 " (%s) %s @%016" PRIx64 "\n", mark,
        section->offset_within_address_space, section->last,
        memory_region_type_name(section->mr, section->readonly, section->nonvolatile),
        memory_region_name(section->mr), section->offset_within_region);
}

static void print_slot_delta(struct debug *debug)
{
    const struct kvm_slots_delta delta = kvm_slots_last_delta(debug->config.slots);
    const struct kvm_slot *slot;

    if (delta.removed_num + delta.added_num + delta.changed_num == 0) {
        return;
    }
    memory_sink_printf(&debug->out.sink, "  slots: %u removed, %u added, %u changed, %u ioctls\n",
                       delta.removed_num, delta.added_num, delta.changed_num, delta.ioctls);
    for (slot = delta.removed; slot; slot = slot->next) {
        print_slot(debug, "- ", slot);
    }
    for (slot = delta.added; slot; slot = slot->next) {
        print_slot(debug, "+ ", slot);
    }
    for (slot = delta.changed; slot; slot = slot->next) {
        print_slot(debug, "~ ", slot);
    }
}

static void committed(MemoryListener *listener, const MemoryCommit *commit)
{
    struct debug *debug = listener->opaque;
    struct memory_sink *sink = &debug->out.sink;
    size_t i;

    debug->commit_num++;
    memory_sink_printf(sink, "commit %u: %s: %zu removed, %zu added, %zu changed",
                       debug->commit_num, commit->as->name, commit->del_num, commit->add_num,
                       commit->log_num);
    if (debug->built) {
        memory_sink_printf(sink, " (the map as built)");
    } else if (commit->cause) {
        memory_sink_printf(sink, " (%s %s)", commit->cause,
                           commit->cause_region ? commit->cause_region : "");
    }
    memory_sink_printf(sink, "\n");
    for (i = 0; i < commit->del_num; i++) {
        print_section(sink, '-', &commit->del[i]);
    }
    for (i = 0; i < commit->add_num; i++) {
        print_section(sink, '+', &commit->add[i]);
    }
    for (i = 0; i < commit->log_num; i++) {
        print_section(sink, '~', &commit->log[i].section);
    }
    if (commit->as == debug->config.memory) {
        print_slot_delta(debug);
    }
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
