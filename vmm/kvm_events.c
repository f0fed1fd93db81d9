/*
 * kvm_events.c - each of a commit's four lists is a row of steps; apply counts them and a roll-back
 * walks the count down again.
 */
#include "vmm/kvm_events.h"

#include <errno.h>
#include <sys/eventfd.h>

enum { PRIORITY = 11 /* after the slots */ };

static int eventfd_set(struct kvm_events *events, const MemoryEventfd *eventfd, bool add)
{
    struct kvm_ioeventfd request = {
        .datamatch = eventfd->data,
        .addr = eventfd->addr,
        .len = eventfd->size,
        .fd = eventfd->fd,
        .flags = (add ? 0U : KVM_IOEVENTFD_FLAG_DEASSIGN) |
                 (eventfd->match_data ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0U) |
                 (events->pio ? KVM_IOEVENTFD_FLAG_PIO : 0U),
    };

    return kvm_ioeventfd(events->kvm, &request);
}

/* Zones are an optimisation: a KVM without them just exits more often. */
static int zone_set(struct kvm_events *events, const MemoryCoalescedZone *zone, bool add)
{
    uint64_t size = range_size(zone->first, zone->last);
    struct kvm_coalesced_mmio_zone request = {
        .addr = zone->first,
        .size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
        .pio = events->pio,
    };

    return events->zones ? kvm_coalesced_zone(events->kvm, &request, add) : 0;
}

/* Step n of a commit, forwards or back. Returns: 1 when there is no such step. */
static int step(struct kvm_events *events, const MemoryCommit *commit, size_t n, bool forward)
{
    if (n < commit->eventfd_del_num) {
        return eventfd_set(events, &commit->eventfd_del[n], !forward);
    }
    n -= commit->eventfd_del_num;
    if (n < commit->coalesced_del_num) {
        return zone_set(events, &commit->coalesced_del[n], !forward);
    }
    n -= commit->coalesced_del_num;
    if (n < commit->eventfd_add_num) {
        return eventfd_set(events, &commit->eventfd_add[n], forward);
    }
    n -= commit->eventfd_add_num;
    return n < commit->coalesced_add_num ? zone_set(events, &commit->coalesced_add[n], forward) : 1;
}

static int roll_back(struct kvm_events *events, const MemoryCommit *commit)
{
    int result = 0;

    while (events->done > 0 && result == 0) {
        result = step(events, commit, events->done - 1, false);
        events->done -= result == 0;
    }
    return result;
}

static int apply(MemoryListener *listener, const MemoryCommit *commit)
{
    struct kvm_events *events = listener->opaque;
    int result = 0, undo_result;

    events->done = 0;
    while (!events->forgetting && (result = step(events, commit, events->done, true)) == 0) {
        events->done++;
    }
    if (result >= 0) {
        return 0;
    }
    undo_result = roll_back(events, commit);
    if (undo_result != 0) {
        memory_core_break(commit->as->core, result, undo_result);
    }
    return result;
}

static int undo(MemoryListener *listener, const MemoryCommit *commit)
{
    return roll_back(listener->opaque, commit);
}

int kvm_events_init(struct kvm_events *events, struct kvm *kvm, AddressSpace *as, bool pio)
{
    int result;

    *events = (struct kvm_events){
        .listener = {.name = pio ? "kvm-events-io" : "kvm-events",
                     .priority = PRIORITY,
                     .opaque = events,
                     .apply = apply,
                     .undo = undo},
        .kvm = kvm,
        .pio = pio,
        .zones = kvm_has(kvm, pio ? KVM_HAS_COALESCED_PIO : KVM_HAS_COALESCED_MMIO) > 0,
    };
    result = memory_listener_register(&events->listener, as);
    events->registered = result == 0;
    return result;
}

void kvm_events_finish(struct kvm_events *events, bool forget)
{
    if (events->registered) {
        events->forgetting = forget;
        memory_listener_unregister(&events->listener);
    }
    *events = (struct kvm_events){0};
}

void kvm_events_signal(void *opaque, int fd)
{
    (void)opaque;
    (void)eventfd_write(fd, 1); /* a full counter is signalled already */
}
