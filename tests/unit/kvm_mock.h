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

enum { MOCK_SLOTS = 64, MOCK_EVENTS = 32, MOCK_LOG = 16384 };
#define MOCK_PAGES_MAX UINT64_C(0x7fffffff)

struct kvm_mock {
    struct kvm_userspace_memory_region slots[MOCK_SLOTS]; /* memory_size 0: free */
    struct kvm_ioeventfd events[MOCK_EVENTS];
    unsigned event_num;
    struct kvm_coalesced_mmio_zone zones[MOCK_EVENTS];
    unsigned zone_num;
    unsigned calls;      /* that change something */
    unsigned fail_at[2]; /* these calls fail, counted from 1; 0: none */
    int fail_errno;
    char log[MOCK_LOG]; /* "-ID " and "+ID:first-last:flags " */
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
        mock->slots[region->slot] = *region;
    }
    mock_note(mock, text);
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
    for (i = 0; i < mock->zone_num; i++) {
        if (mock->zones[i].addr == zone->addr && mock->zones[i].size == zone->size) {
            mock->zones[i] = mock->zones[--mock->zone_num];
            break;
        }
    }
    return 0;
}

static inline int mock_call(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    struct kvm_mock *mock = kvm->opaque;

    (void)fd;
    if (request == KVM_CHECK_EXTENSION) {
        return (uintptr_t)arg == KVM_CAP_NR_MEMSLOTS ? MOCK_SLOTS : 1;
    }
    mock->calls++;
    if (mock->calls == mock->fail_at[0] || mock->calls == mock->fail_at[1]) {
        return -mock->fail_errno;
    }
    switch (request) {
    case KVM_SET_USER_MEMORY_REGION:
        return mock_set_region(mock, arg);
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
    *mock = (struct kvm_mock){.fail_errno = ENOMEM};
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
