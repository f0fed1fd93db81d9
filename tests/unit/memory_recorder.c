/*
 * The recording listener of memory_fixture.h.
 */
#include "tests/unit/memory_fixture.h"

#include <inttypes.h>
#include <stdio.h>

static struct recorder *recorder_of(MemoryListener *listener)
{
    return listener->opaque;
}

static void note(MemoryListener *listener, const char *call)
{
    trace_add(recorder_of(listener)->trace, "%s %s\n", listener->name, call);
}

static void note_section(MemoryListener *listener, const char *call, const char *after,
                         const MemoryRegionSection *section)
{
    char offset[24] = "";

    if (section->offset_within_region) {
        (void)snprintf(offset, sizeof(offset), "@%" PRIx64, section->offset_within_region);
    }
    trace_add(recorder_of(listener)->trace, "%s %s %" PRIx64 "-%" PRIx64 " %s%s%s%s\n",
              listener->name, call, section->offset_within_address_space, section->last,
              memory_region_name(section->mr), offset, section->readonly ? " ro" : "", after);
}

static int on_prepare(MemoryListener *listener, MemoryCommit *commit)
{
    struct recorder *recorder = recorder_of(listener);

    if (recorder->phases) {
        note(listener, "prepare");
    }
    recorder->old_view = commit->old_view;
    recorder->new_view = commit->new_view;
    if (recorder->park) {
        commit->park = true;
    }
    return recorder->prepare_result;
}

static void on_cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)commit;
    if (recorder_of(listener)->phases) {
        note(listener, "cancel");
    }
}

static int on_apply(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)commit;
    if (recorder_of(listener)->phases) {
        note(listener, "apply");
    }
    return recorder_of(listener)->apply_result;
}

static int on_undo(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)commit;
    if (recorder_of(listener)->phases) {
        note(listener, "undo");
    }
    return recorder_of(listener)->undo_result;
}

static void on_begin(MemoryListener *listener)
{
    note(listener, "begin");
}

static void on_del(MemoryListener *listener, const MemoryRegionSection *section)
{
    recorder_of(listener)->del_view = section->fv;
    note_section(listener, "del", "", section);
}

static void on_add(MemoryListener *listener, const MemoryRegionSection *section)
{
    recorder_of(listener)->add_view = section->fv;
    note_section(listener, "add", "", section);
}

static void on_nop(MemoryListener *listener, const MemoryRegionSection *section)
{
    note_section(listener, "nop", "", section);
}

static void on_log_start(MemoryListener *listener, const MemoryRegionSection *section,
                         uint8_t old_mask, uint8_t new_mask)
{
    char masks[16];

    (void)snprintf(masks, sizeof(masks), " %u>%u", old_mask, new_mask);
    note_section(listener, "log_start", masks, section);
}

static void on_log_stop(MemoryListener *listener, const MemoryRegionSection *section,
                        uint8_t old_mask, uint8_t new_mask)
{
    char masks[16];

    (void)snprintf(masks, sizeof(masks), " %u>%u", old_mask, new_mask);
    note_section(listener, "log_stop", masks, section);
}

static void note_eventfd(MemoryListener *listener, const char *call, const MemoryEventfd *eventfd)
{
    trace_add(recorder_of(listener)->trace, "%s %s %" PRIx64 "/%u %s%" PRIx64 " fd%d\n",
              listener->name, call, eventfd->addr, eventfd->size, eventfd->match_data ? "=" : "*",
              eventfd->match_data ? eventfd->data : 0, eventfd->fd);
}

static void on_eventfd_add(MemoryListener *listener, const MemoryEventfd *eventfd)
{
    note_eventfd(listener, "eventfd_add", eventfd);
}

static void on_eventfd_del(MemoryListener *listener, const MemoryEventfd *eventfd)
{
    note_eventfd(listener, "eventfd_del", eventfd);
}

static void note_zone(MemoryListener *listener, const char *call, const MemoryCoalescedZone *zone)
{
    trace_add(recorder_of(listener)->trace, "%s %s %" PRIx64 "-%" PRIx64 "\n", listener->name, call,
              zone->first, zone->last);
}

static void on_coalesced_add(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    note_zone(listener, "coalesced_add", zone);
}

static void on_coalesced_del(MemoryListener *listener, const MemoryCoalescedZone *zone)
{
    note_zone(listener, "coalesced_del", zone);
}

static void on_commit(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)commit;
    note(listener, "commit");
}

void recorder_init(struct recorder *recorder, struct trace *trace, const char *name, int priority)
{
    *recorder = (struct recorder){
        .trace = trace,
        .listener =
            {
                .name = name,
                .priority = priority,
                .opaque = recorder,
                .prepare = on_prepare,
                .cancel = on_cancel,
                .apply = on_apply,
                .undo = on_undo,
                .begin = on_begin,
                .region_del = on_del,
                .region_add = on_add,
                .region_nop = on_nop,
                .log_start = on_log_start,
                .log_stop = on_log_stop,
                .eventfd_add = on_eventfd_add,
                .eventfd_del = on_eventfd_del,
                .coalesced_io_add = on_coalesced_add,
                .coalesced_io_del = on_coalesced_del,
                .commit = on_commit,
            },
    };
}
