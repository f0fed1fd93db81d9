/*
 * kvm_mock.h - a model of the kernel's contract for memory slots, eventfds and zones, in place of
 * KVM in unit tests. It refuses what the kernel refuses (measured on Linux 6.18), records every
 * call, and can make the n-th one fail.
 */
#ifndef ACRE_TESTS_KVM_MOCK_H
#define ACRE_TESTS_KVM_MOCK_H

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vmm/kvm.h"

enum { MOCK_SLOTS = 64, MOCK_EVENTS = 32, MOCK_LOG = 16384, MOCK_DIRTY_WORDS = 8 };
#define MOCK_PAGES_MAX UINT64_C(0x7fffffff)

struct kvm_mock {
    struct kvm_userspace_memory_region slots[MOCK_SLOTS]; /* memory_size 0: free */
    struct kvm_ioeventfd events[MOCK_EVENTS];
    unsigned event_num;
    struct kvm_coalesced_mmio_zone zones[MOCK_EVENTS];
    unsigned zone_num;
    uint64_t dirty[MOCK_SLOTS][MOCK_DIRTY_WORDS];   /* of logged slots, the first 512 pages */
    uint64_t watched[MOCK_SLOTS][MOCK_DIRTY_WORDS]; /* a write will be seen */
    bool no_manual, manual;     /* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: lacking, enabled */
    bool no_ring;               /* KVM_CAP_DIRTY_LOG_RING: lacking */
    struct kvm_dirty_gfn *ring; /* of the one vCPU; the test's memory */
    uint32_t ring_size, ring_put, ring_back; /* entries; 0: bitmaps; ever filled; ever reset */
    uint32_t reset_max;                      /* entries that one reset takes; 0: all */
    void (*created)(unsigned id);            /* a slot is there, or has new flags; may be NULL */
    unsigned calls;                          /* that change something */
    unsigned fail_at[2];                     /* these calls fail, counted from 1; 0: none */
    int fail_errno, fail_errno_2nd;          /* of fail_at[0], [1] */
    /* "-ID ", "+ID:first-last:flags ", "~" the same with new flags; "?ID " log read, "!ID:page+num
     * " log cleared */
    char log[MOCK_LOG];
};

static inline void mock_note(struct kvm_mock *mock, const char *text)
{
    (void)strncat(mock->log, text, sizeof(mock->log) - strlen(mock->log) - 1);
}

static inline bool mock_overlaps(const struct kvm_mock *mock,
                                 const struct kvm_userspace_memory_region *region)
{
    unsigned i;

    for (i = 0; i < MOCK_SLOTS; i++) {
        const struct kvm_userspace_memory_region *other = &mock->slots[i];

        if (i != region->slot && other->memory_size &&
            region->guest_phys_addr < other->guest_phys_addr + other->memory_size &&
            other->guest_phys_addr < region->guest_phys_addr + region->memory_size) {
            return true;
        }
    }
    return false;
}

static inline void mock_watch_all(struct kvm_mock *mock, unsigned id)
{
    memset(mock->dirty[id], 0, sizeof(mock->dirty[id]));
    memset(mock->watched[id], 0xff, sizeof(mock->watched[id]));
}

/* Returns: 0 or -errno, as KVM_SET_USER_MEMORY_REGION. */
static inline int mock_check_region(const struct kvm_mock *mock,
                                    const struct kvm_userspace_memory_region *region)
{
    const struct kvm_userspace_memory_region *old;

    if (region->slot >= MOCK_SLOTS ||
        ((region->guest_phys_addr | region->memory_size | region->userspace_addr) & 4095) != 0 ||
        region->guest_phys_addr + region->memory_size < region->guest_phys_addr ||
        region->memory_size / 4096 > MOCK_PAGES_MAX) {
        return -EINVAL;
    }
    old = &mock->slots[region->slot];
    if (region->memory_size == 0) {
        return old->memory_size ? 0 : -EINVAL;
    }
    if (old->memory_size &&
        (old->memory_size != region->memory_size || old->userspace_addr != region->userspace_addr ||
         ((old->flags ^ region->flags) & KVM_MEM_READONLY))) {
        return -EINVAL;
    }
    return mock_overlaps(mock, region) ? -EEXIST : 0;
}

static inline int mock_set_region(struct kvm_mock *mock,
                                  const struct kvm_userspace_memory_region *region)
{
    int result = mock_check_region(mock, region);
    char text[96];

    if (result != 0) {
        return result;
    }
    if (region->memory_size == 0) {
        (void)snprintf(text, sizeof(text), "-%u ", region->slot);
        mock->slots[region->slot] = (struct kvm_userspace_memory_region){0};
    } else {
        (void)snprintf(text, sizeof(text), "%c%u:%" PRIx64 "-%" PRIx64 ":%u ",
                       mock->slots[region->slot].memory_size ? '~' : '+', region->slot,
                       (uint64_t)region->guest_phys_addr,
                       (uint64_t)(region->guest_phys_addr + region->memory_size - 1),
                       region->flags);
        if (region->flags & ~mock->slots[region->slot].flags & KVM_MEM_LOG_DIRTY_PAGES) {
            mock_watch_all(mock, region->slot);
        }
        mock->slots[region->slot] = *region;
        if (mock->created) {
            mock->created(region->slot);
        }
    }
    mock_note(mock, text);
    return 0;
}

static inline size_t mock_log_bytes(const struct kvm_mock *mock, unsigned id)
{
    return (size_t)(mock->slots[id].memory_size / 4096 + 63) / 64 * 8;
}

static inline int mock_get_log(struct kvm_mock *mock, const struct kvm_dirty_log *log)
{
    char text[32];

    if (mock->ring_size) {
        return -ENXIO;
    }
    if (log->slot >= MOCK_SLOTS || mock_log_bytes(mock, log->slot) > sizeof(mock->dirty[0])) {
        return -EINVAL;
    }
    if (!(mock->slots[log->slot].flags & KVM_MEM_LOG_DIRTY_PAGES)) {
        return -ENOENT;
    }
    memcpy(log->dirty_bitmap, mock->dirty[log->slot], mock_log_bytes(mock, log->slot));
    if (!mock->manual) {
        mock_watch_all(mock, log->slot);
    }
    (void)snprintf(text, sizeof(text), "?%u ", log->slot);
    mock_note(mock, text);
    return 0;
}

static inline int mock_clear_log(struct kvm_mock *mock, const struct kvm_clear_dirty_log *log)
{
    uint64_t pages = log->slot < MOCK_SLOTS ? mock->slots[log->slot].memory_size / 4096 : 0, i;
    const uint64_t *bitmap = log->dirty_bitmap;
    char text[64];

    if (!mock->manual || log->first_page % 64 || log->first_page > pages ||
        log->num_pages > pages - log->first_page ||
        (log->num_pages < pages - log->first_page && log->num_pages % 64)) {
        return -EINVAL;
    }
    if (!(mock->slots[log->slot].flags & KVM_MEM_LOG_DIRTY_PAGES)) {
        return -ENOENT;
    }
    for (i = 0; i < (log->num_pages + 63) / 64; i++) {
        mock->dirty[log->slot][log->first_page / 64 + i] &= ~bitmap[i];
        mock->watched[log->slot][log->first_page / 64 + i] |= bitmap[i];
    }
    (void)snprintf(text, sizeof(text), "!%u:%" PRIx64 "+%x ", log->slot, (uint64_t)log->first_page,
                   log->num_pages);
    mock_note(mock, text);
    return 0;
}

/* Room is left when the ring counts as full. */
static inline bool mock_ring_full(const struct kvm_mock *mock)
{
    return mock->ring_put - mock->ring_back >= mock->ring_size - 64;
}

static inline void mock_ring_push(struct kvm_mock *mock, unsigned id, uint64_t page)
{
    struct kvm_dirty_gfn *entry = &mock->ring[mock->ring_put++ % mock->ring_size];

    *entry = (struct kvm_dirty_gfn){.slot = id, .offset = page};
    __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_DIRTY, __ATOMIC_RELEASE);
}

/* Takes back, in order, what was harvested, and watches it again where the slot still is. */
static inline int mock_ring_reset(struct kvm_mock *mock)
{
    int num = 0;

    if (!mock->ring_size) {
        return -EINVAL;
    }
    while (mock->ring_back != mock->ring_put && (!mock->reset_max || num < (int)mock->reset_max)) {
        struct kvm_dirty_gfn *entry = &mock->ring[mock->ring_back % mock->ring_size];

        if (!(entry->flags & KVM_DIRTY_GFN_F_RESET)) {
            break;
        }
        entry->flags = 0;
        mock->watched[entry->slot][entry->offset / 64] |= UINT64_C(1) << (entry->offset % 64);
        mock->ring_back++;
        num++;
    }
    return num;
}

/* The guest writes a page: it is logged if it is watched, and then no more. Returns: is there
 * memory that it may write? */
static inline bool mock_guest_write(struct kvm_mock *mock, uint64_t gpa)
{
    unsigned id;

    for (id = 0; id < MOCK_SLOTS; id++) {
        const struct kvm_userspace_memory_region *slot = &mock->slots[id];
        uint64_t page = (gpa - slot->guest_phys_addr) / 4096, bit = UINT64_C(1) << (page % 64);

        if (!slot->memory_size || gpa < slot->guest_phys_addr ||
            gpa - slot->guest_phys_addr >= slot->memory_size || (slot->flags & KVM_MEM_READONLY)) {
            continue;
        }
        if ((slot->flags & KVM_MEM_LOG_DIRTY_PAGES) && (mock->watched[id][page / 64] & bit)) {
            if (mock->ring_size) {
                mock_ring_push(mock, id, page);
            } else {
                mock->dirty[id][page / 64] |= bit;
            }
            mock->watched[id][page / 64] &= ~bit;
        }
        return true;
    }
    return false;
}

static inline int mock_enable_cap(struct kvm_mock *mock, const struct kvm_enable_cap *cap)
{
    if (cap->cap == KVM_CAP_DIRTY_LOG_RING && !mock->no_ring && !mock->ring_size) {
        mock->ring_size = (uint32_t)(cap->args[0] / sizeof(*mock->ring));
        return 0;
    }
    if (cap->cap != KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 || mock->no_manual ||
        cap->args[0] != KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) {
        return -EINVAL;
    }
    mock->manual = true;
    return 0;
}

static inline bool mock_event_same(const struct kvm_ioeventfd *a, const struct kvm_ioeventfd *b)
{
    uint32_t match = KVM_IOEVENTFD_FLAG_DATAMATCH;

    return a->addr == b->addr && a->len == b->len &&
           (!(a->flags & match) || !(b->flags & match) || a->datamatch == b->datamatch);
}

static inline int mock_ioeventfd(struct kvm_mock *mock, const struct kvm_ioeventfd *event)
{
    unsigned i;

    for (i = 0; i < mock->event_num && !mock_event_same(&mock->events[i], event); i++) {
    }
    if (event->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
        if (i == mock->event_num) {
            return -ENOENT;
        }
        mock->events[i] = mock->events[--mock->event_num];
        return 0;
    }
    if (i < mock->event_num) {
        return -EEXIST;
    }
    if (mock->event_num == MOCK_EVENTS) {
        return -ENOSPC;
    }
    mock->events[mock->event_num++] = *event;
    return 0;
}

static inline int mock_zone(struct kvm_mock *mock, const struct kvm_coalesced_mmio_zone *zone,
                            bool add)
{
    unsigned i;

    if (add) {
        if (mock->zone_num == MOCK_EVENTS) {
            return -ENOSPC;
        }
        mock->zones[mock->zone_num++] = *zone;
        return 0;
    }
    /* The kernel's way: every zone that holds the range goes, not only that one. */
    for (i = mock->zone_num; i-- > 0;) {
        const struct kvm_coalesced_mmio_zone *each = &mock->zones[i];

        if (each->pio == zone->pio && zone->addr >= each->addr &&
            zone->addr + zone->size <= each->addr + each->size) {
            mock->zones[i] = mock->zones[--mock->zone_num];
        }
    }
    return 0;
}

static inline int mock_call(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    struct kvm_mock *mock = kvm->opaque;

    (void)fd;
    if (request == KVM_CHECK_EXTENSION) {
        if ((uintptr_t)arg == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) {
            return mock->no_manual ? 0 : 3;
        }
        return (uintptr_t)arg == KVM_CAP_NR_MEMSLOTS ? MOCK_SLOTS : 1;
    }
    mock->calls++;
    if (mock->calls == mock->fail_at[0]) {
        return -mock->fail_errno;
    }
    if (mock->calls == mock->fail_at[1]) {
        return -mock->fail_errno_2nd;
    }
    switch (request) {
    case KVM_SET_USER_MEMORY_REGION:
        return mock_set_region(mock, arg);
    case KVM_GET_DIRTY_LOG:
        return mock_get_log(mock, arg);
    case KVM_CLEAR_DIRTY_LOG:
        return mock_clear_log(mock, arg);
    case KVM_RESET_DIRTY_RINGS:
        return mock_ring_reset(mock);
    case KVM_ENABLE_CAP:
        return mock_enable_cap(mock, arg);
    case KVM_IOEVENTFD:
        return mock_ioeventfd(mock, arg);
    case KVM_REGISTER_COALESCED_MMIO:
        return mock_zone(mock, arg, true);
    case KVM_UNREGISTER_COALESCED_MMIO:
        return mock_zone(mock, arg, false);
    default:
        return -ENOTTY;
    }
}

static inline void mock_init(struct kvm_mock *mock, struct kvm *kvm)
{
    *mock = (struct kvm_mock){.fail_errno = ENOMEM, .fail_errno_2nd = EIO};
    *kvm = (struct kvm){.sys_fd = -1, .vm_fd = -1, .call = mock_call, .opaque = mock};
}

/* Forgets the record and counts anew from 1. */
static inline void mock_restart(struct kvm_mock *mock)
{
    mock->calls = 0;
    mock->log[0] = '\0';
    mock->fail_at[0] = mock->fail_at[1] = 0;
}

#endif
