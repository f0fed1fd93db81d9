/*
 * kvm_dirty_ring.c - an entry passes from KVM to us by its DIRTY flag and back by RESET; both carry
 * the rest of the entry with them, hence acquire and release. KVM fills each ring in order, so the
 * first entry without DIRTY ends a harvest.
 */
#include "vmm/kvm_dirty_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* KVM stops a reset early when a signal is pending, and may then have done nothing. */
enum { RESET_TRIES = 16, SLOTS_WHEN_UNKNOWN = 32 };

static size_t ring_bytes(const struct kvm_dirty_rings *rings)
{
    return rings->size * sizeof(struct kvm_dirty_gfn);
}

int kvm_dirty_rings_init(struct kvm_dirty_rings *rings, struct kvm *kvm, uint32_t size,
                         struct error *err)
{
    int slot_num = kvm_has(kvm, KVM_HAS_NR_MEMSLOTS), result;

    *rings = (struct kvm_dirty_rings){.kvm = kvm, .size = size};
    /* Kernels before 6.1 know the other name only; on x86 the two are the same. */
    result = kvm_enable_cap(kvm, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, ring_bytes(rings));
    if (result < 0) {
        result = kvm_enable_cap(kvm, KVM_CAP_DIRTY_LOG_RING, ring_bytes(rings));
    }
    if (result < 0) {
        return error_set(err, ENOTSUP, "this kernel's KVM has no dirty rings of %u entries: %s",
                         size, strerror(-result));
    }
    rings->slot_num = slot_num > 0 ? (unsigned)slot_num : SLOTS_WHEN_UNKNOWN;
    rings->slots = calloc(rings->slot_num, sizeof(*rings->slots));
    if (!rings->slots) {
        return error_set_errno(err, ENOMEM, "dirty rings");
    }
    (void)pthread_mutex_init(&rings->lock, NULL);
    return 0;
}

void kvm_dirty_rings_finish(struct kvm_dirty_rings *rings)
{
    unsigned i;

    if (!rings->slots) {
        return;
    }
    for (i = 0; i < rings->num; i++) {
        (void)munmap(rings->rings[i].entries, ring_bytes(rings));
    }
    free(rings->rings);
    free(rings->taken);
    free(rings->slots);
    (void)pthread_mutex_destroy(&rings->lock);
    *rings = (struct kvm_dirty_rings){0};
}

int kvm_dirty_rings_add(struct kvm_dirty_rings *rings, int vcpu_fd)
{
    struct kvm_dirty_ring *grown =
        reallocarray(rings->rings, rings->num + 1, sizeof(*rings->rings));
    struct kvm_dirty_gfn *taken;
    void *entries;

    if (!grown) {
        return -ENOMEM;
    }
    rings->rings = grown;
    taken = reallocarray(rings->taken, rings->num + 1, ring_bytes(rings));
    if (!taken) {
        return -ENOMEM;
    }
    rings->taken = taken;
    entries = mmap(NULL, ring_bytes(rings), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd,
                   KVM_DIRTY_LOG_PAGE_OFFSET * sysconf(_SC_PAGESIZE));
    if (entries == MAP_FAILED) {
        return -errno;
    }
    rings->rings[rings->num++] = (struct kvm_dirty_ring){.entries = entries};
    return 0;
}

void kvm_dirty_rings_set_slot(struct kvm_dirty_rings *rings, uint32_t id, RAMBlock *block,
                              uint64_t offset, uint64_t pages)
{
    (void)pthread_mutex_lock(&rings->lock);
    if (id < rings->slot_num) {
        rings->slots[id] = (struct kvm_dirty_slot){block, offset, pages};
    }
    (void)pthread_mutex_unlock(&rings->lock);
}

/* Entries of no slot of ours, or past its end, have nothing to mark. */
static void mark(const struct kvm_dirty_rings *rings, uint32_t id, uint64_t page)
{
    const struct kvm_dirty_slot *slot = id < rings->slot_num ? &rings->slots[id] : NULL;

    if (slot && slot->block && page < slot->pages) {
        ram_block_set_dirty(slot->block, slot->offset + page * DIRTY_PAGE_SIZE, DIRTY_PAGE_SIZE);
    }
}

static unsigned harvest_one(const struct kvm_dirty_rings *rings, struct kvm_dirty_ring *ring,
                            struct kvm_dirty_gfn *to)
{
    unsigned taken = 0;

    while (taken < rings->size) {
        struct kvm_dirty_gfn *entry = &ring->entries[ring->next % rings->size];

        if (!(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY)) {
            break;
        }
        to[taken] = *entry;
        __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
        ring->next++;
        taken++;
    }
    return taken;
}

static int reset(const struct kvm_dirty_rings *rings, unsigned taken)
{
    unsigned tries = 0, given = 0;

    while (given < taken) {
        int result = kvm_reset_dirty_rings(rings->kvm);

        if (result < 0 && result != -EINTR) {
            return result;
        }
        if (result <= 0 && ++tries == RESET_TRIES) {
            return -EPROTO;
        }
        given += result > 0 ? (unsigned)result : 0;
    }
    return (int)taken;
}

int kvm_dirty_rings_harvest(struct kvm_dirty_rings *rings)
{
    unsigned taken = 0, i;
    int result;

    (void)pthread_mutex_lock(&rings->lock);
    for (i = 0; i < rings->num; i++) {
        taken += harvest_one(rings, &rings->rings[i], &rings->taken[taken]);
    }
    result = reset(rings, taken);
    for (i = 0; i < taken; i++) {
        mark(rings, rings->taken[i].slot, rings->taken[i].offset);
    }
    (void)pthread_mutex_unlock(&rings->lock);
    return result;
}

void kvm_dirty_rings_mark_all(struct kvm_dirty_rings *rings)
{
    unsigned i;

    (void)pthread_mutex_lock(&rings->lock);
    for (i = 0; i < rings->slot_num; i++) {
        const struct kvm_dirty_slot *slot = &rings->slots[i];

        if (slot->block) {
            ram_block_set_dirty(slot->block, slot->offset, slot->pages * DIRTY_PAGE_SIZE);
        }
    }
    (void)pthread_mutex_unlock(&rings->lock);
}
