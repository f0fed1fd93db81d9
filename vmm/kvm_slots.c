/*
 * kvm_slots.c - prepare plans (kvm_slots_plan.c), apply issues the ioctls and counts how far it
 * came, and a roll-back goes the same way back. The tree of slots always shows what KVM has.
 */
#include "vmm/kvm_slots_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/probes.h"

enum { PRIORITY = 10, SLOTS_WHEN_UNKNOWN = 32 };

void *kvm_slots_alloc(struct kvm_slots *slots, void *old, size_t num, size_t size)
{
    if (slots->fail_alloc && --slots->fail_alloc == 0) {
        return NULL;
    }
    return reallocarray(old, num, size);
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* One ioctl. @size  0: delete. */
static int issue(struct kvm_slots *slots, struct kvm_slot *slot, uint32_t flags, uint64_t size)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot->id,
        .flags = size ? flags : 0,
        .guest_phys_addr = slot->node.first,
        .memory_size = size,
        .userspace_addr = slot->hva,
    };
    uint64_t begun_ns;
    int result;

    if (slots->forgetting) {
        return 0;
    }
    slots->plan->ioctls++;
    begun_ns = now_ns();
    result = kvm_set_memory_region(slots->kvm, &region);
    slot->ioctl_ns = now_ns() - begun_ns;
    slots->plan->ioctl_ns += slot->ioctl_ns;
    PROBE_SLOT(slot->id, slot->node.first, size, flags, slot->ioctl_ns);
    return result;
}

/* What KVM logged goes with the slot: it is read first, with the vCPUs parked. */
static int slot_delete(struct kvm_slots *slots, struct kvm_slot *slot)
{
    int result = kvm_slots_log_read(slots, slot);

    if (result == 0) {
        result = issue(slots, slot, 0, 0);
    }
    if (result == 0) {
        itree_remove(&slots->slots, &slot->node);
        kvm_slots_log_end(slots, slot);
    }
    return result;
}

static int slot_create(struct kvm_slots *slots, struct kvm_slot *slot)
{
    int result;

    kvm_slots_log_place(slots, slot); /* first: nobody needs to be parked, and it may be written */
    result = issue(slots, slot, slot->flags, slot->node.last - slot->node.first + 1);
    if (result == 0) {
        kvm_slots_log_begin(slots, slot);
        itree_insert(&slots->slots, &slot->node);
    } else {
        kvm_slots_log_end(slots, slot);
        slots->refused_first = slot->node.first;
        slots->refused_last = slot->node.last;
    }
    return result;
}

/* Exchanges the flags of a slot, and what belongs to its log, with its copy in the plan. */
static int slot_swap_flags(struct kvm_slots *slots, struct kvm_slot *copy)
{
    struct kvm_slot *slot =
        itree_entry(itree_overlap_first(&slots->slots, copy->node.first, copy->node.last),
                    struct kvm_slot, node);
    uint32_t flags = slot->flags;
    uint64_t *synced = slot->synced;
    int result = kvm_slots_log_read(slots, slot);

    if (result == 0) {
        result = issue(slots, slot, copy->flags, slot->node.last - slot->node.first + 1);
    }
    if (result == 0) {
        slot->flags = copy->flags;
        slot->synced = copy->synced;
        copy->flags = flags;
        copy->synced = synced;
        copy->ioctl_ns = slot->ioctl_ns;
        kvm_slots_log_begin(slots, slot);
    }
    return result;
}

/*
 * The n-th of a list, counted from 1. Roll-backs are rare and their lists short.
 */
static struct kvm_slot *slot_nth(const struct slot_list *list, unsigned n)
{
    struct kvm_slot *slot = list->first;

    while (--n > 0) {
        slot = slot->next;
    }
    return slot;
}

static int roll_back_steps(struct kvm_slots *slots)
{
    struct kvm_slots_plan *plan = slots->plan;
    int result = 0;

    for (; plan->changed_done > 0 && result == 0; plan->changed_done -= result == 0) {
        result = slot_swap_flags(slots, slot_nth(&plan->changed, plan->changed_done));
    }
    for (; plan->added_done > 0 && result == 0; plan->added_done -= result == 0) {
        result = slot_delete(slots, slot_nth(&plan->added, plan->added_done));
    }
    for (; plan->removed_done > 0 && result == 0; plan->removed_done -= result == 0) {
        result = slot_create(slots, slot_nth(&plan->removed, plan->removed_done));
    }
    return result;
}

/*
 * Takes back what apply did. When the commit itself parked nobody (it only added), slots still go
 * away here, so vCPUs are kept out meanwhile; and for good when it fails.
 */
static int roll_back(struct kvm_slots *slots, bool parked)
{
    const struct kvm_slots_config *config = &slots->config;
    bool park = !parked && slots->plan->added_done > 0 && config->park;
    int result;

    if (park) {
        config->park(config->opaque);
    }
    result = roll_back_steps(slots);
    if (park && result == 0) {
        config->unpark(config->opaque);
    }
    return result;
}

static int apply_steps(struct kvm_slots *slots)
{
    struct kvm_slots_plan *plan = slots->plan;
    struct kvm_slot *slot;
    int result = 0;

    for (slot = plan->removed.first; slot && result == 0; slot = slot->next) {
        result = slot_delete(slots, slot);
        plan->removed_done += result == 0;
    }
    for (slot = plan->added.first; slot && result == 0; slot = slot->next) {
        result = slot_create(slots, slot);
        plan->added_done += result == 0;
    }
    for (slot = plan->changed.first; slot && result == 0; slot = slot->next) {
        result = slot_swap_flags(slots, slot);
        plan->changed_done += result == 0;
    }
    return result;
}

static int prepare(MemoryListener *listener, MemoryCommit *commit)
{
    struct kvm_slots *slots = listener->opaque;
    int result;

    kvm_slots_plan_reset(slots);
    result = kvm_slots_plan(slots, commit);
    if (result == 0 && (slots->plan->removed.num > 0 || slots->plan->stops_log)) {
        commit->park = true;
    }
    return result;
}

static void cancel(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)commit;
    kvm_slots_plan_reset(listener->opaque);
}

static int apply(MemoryListener *listener, const MemoryCommit *commit)
{
    struct kvm_slots *slots = listener->opaque;
    int result = apply_steps(slots);
    int undo_result;

    if (result == 0) {
        return 0;
    }
    undo_result = roll_back(slots, commit->park);
    if (undo_result != 0) {
        memory_core_break(commit->as->core, result, undo_result);
    }
    return result;
}

static int undo(MemoryListener *listener, const MemoryCommit *commit)
{
    return roll_back(listener->opaque, commit->park);
}

/* The same memory now belongs to another region: only listings care. */
static void rename_slots(struct kvm_slots *slots)
{
    const struct slot_pieces *renamed = &slots->plan->renamed;
    struct itree_node *node;
    size_t i;

    for (i = 0; i < renamed->num; i++) {
        hwaddr first = renamed->items[i].first, last = renamed->items[i].last;

        for (node = itree_overlap_first(&slots->slots, first, last); node;
             node = itree_overlap_next(node, first, last)) {
            struct kvm_slot *slot = itree_entry(node, struct kvm_slot, node);

            slot->mr = renamed->items[i].mr;
            kvm_slots_log_place(slots, slot);
        }
    }
}

static void settled(MemoryListener *listener, const MemoryCommit *commit)
{
    struct kvm_slots *slots = listener->opaque;

    slots->plan->applied = true;
    rename_slots(slots);
    kvm_slots_plan_settle(slots);
    PROBE_COMMIT(commit->cause, commit->cause_region, commit->del_num, commit->add_num,
                 slots->plan->ioctls);
}

static void free_all(struct kvm_slots *slots)
{
    struct itree_node *node;

    if (slots->plan) {
        kvm_slots_plan_reset(slots);
    }
    while ((node = itree_first(&slots->slots))) {
        itree_remove(&slots->slots, node);
        kvm_slot_free(itree_entry(node, struct kvm_slot, node));
    }
    kvm_slots_cuts_clear(slots);
    free(slots->ids);
    free(slots->log);
    free(slots->plan);
    *slots = (struct kvm_slots){.refused_first = slots->refused_first,
                                .refused_last = slots->refused_last};
}

int kvm_slots_init(struct kvm_slots *slots, struct kvm *kvm, AddressSpace *as,
                   const struct kvm_slots_config *config)
{
    int max, result;

    *slots = (struct kvm_slots){
        .listener = {.name = "kvm-slots",
                     .priority = PRIORITY,
                     .opaque = slots,
                     .prepare = prepare,
                     .cancel = cancel,
                     .apply = apply,
                     .undo = undo,
                     .log_sync = kvm_slots_log_sync,
                     .log_clear = kvm_slots_log_clear,
                     .commit = settled},
        .kvm = kvm,
    };
    if (config) {
        slots->config = *config;
    }
    max =
        slots->config.slots_max ? (int)slots->config.slots_max : kvm_has(kvm, KVM_HAS_NR_MEMSLOTS);
    slots->id_max = max > 0 ? (unsigned)max : SLOTS_WHEN_UNKNOWN;
    slots->plan = calloc(1, sizeof(*slots->plan));
    if (!slots->plan) {
        return -ENOMEM;
    }
    result = memory_listener_register(&slots->listener, as);
    if (result != 0) {
        free_all(slots);
    }
    return result;
}

void kvm_slots_finish(struct kvm_slots *slots, bool forget)
{
    if (!slots->plan) {
        return;
    }
    slots->forgetting = forget;
    memory_listener_unregister(&slots->listener);
    free_all(slots);
}

const struct kvm_slot *kvm_slots_lookup(const struct kvm_slots *slots, hwaddr gpa)
{
    struct itree_node *node = itree_overlap_first(&slots->slots, gpa, gpa);

    return node ? itree_entry(node, struct kvm_slot, node) : NULL;
}

void kvm_slots_for_each(const struct kvm_slots *slots,
                        void (*each)(void *opaque, const struct kvm_slot *slot), void *opaque)
{
    struct itree_node *node;

    for (node = itree_first(&slots->slots); node; node = itree_next(node)) {
        each(opaque, itree_entry(node, struct kvm_slot, node));
    }
}

size_t kvm_slots_num(const struct kvm_slots *slots)
{
    return slots->slots.num;
}

struct kvm_slots_delta kvm_slots_last_delta(const struct kvm_slots *slots)
{
    const struct kvm_slots_plan *plan = slots->plan;

    return (struct kvm_slots_delta){
        .removed = plan->removed.first,
        .added = plan->added.first,
        .changed = plan->changed.first,
        .removed_num = plan->removed.num,
        .added_num = plan->added.num,
        .changed_num = plan->changed.num,
        .ioctls = plan->ioctls,
        .ioctl_ns = plan->ioctl_ns,
    };
}
