/*
 * watch_hits.c - an access that trapped at an overlay: it is made on what lies beneath, and told to
 * the watches whose bytes it touched.
 *
 * A watched write to RAM happens under the watches' lock, so that the old value told is the one it
 * replaced. What may be a device is accessed without: its owner's lock comes before ours.
 */
#include "vmm/watch_parts.h"

#include <string.h>

struct vcpu *watch_this_vcpu(const struct watch_set *set)
{
    pthread_t self = pthread_self();
    unsigned i;

    for (i = 0; set->vcpus && i < set->vcpus->config.num; i++) {
        struct vcpu *vcpu = &set->vcpus->vcpus[i];

        if (vcpu->thread_started && pthread_equal(vcpu->thread, self)) {
            return vcpu;
        }
    }
    return NULL;
}

void watch_fill_cpu(const struct watch_set *set, struct vcpu *vcpu, bool next,
                    struct watch_hit *hit)
{
    struct kvm *kvm = set->vcpus->config.kvm;
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    hit->cpu = (int)vcpu->index;
    if (kvm_get_regs(kvm, vcpu->fd, &regs) == 0 && kvm_get_sregs(kvm, vcpu->fd, &sregs) == 0) {
        hit->has_rip = true;
        hit->rip_next = next;
        hit->rip = sregs.cs.l ? regs.rip : sregs.cs.base + regs.rip;
    }
}

bool watch_is_watched(const struct watch_set *set, hwaddr first, hwaddr last, unsigned access)
{
    struct itree_node *node = itree_overlap_first(&set->watches, first, last);

    for (; node; node = itree_overlap_next(node, first, last)) {
        if (itree_entry(node, struct watch, node)->config.access & access) {
            return true;
        }
    }
    return false;
}

void watch_tell(struct watch_set *set, const struct watch_hit *hit)
{
    hwaddr last = hit->gpa + (hit->size ? hit->size - 1 : 0);
    unsigned access = hit->write ? WATCH_WRITE : WATCH_READ;
    struct itree_node *node = itree_overlap_first(&set->watches, hit->gpa, last);

    for (; node; node = itree_overlap_next(node, hit->gpa, last)) {
        struct watch *watch = itree_entry(node, struct watch, node);

        if (watch->config.access & access) {
            atomic_fetch_add_explicit(&watch->hits, 1, memory_order_relaxed);
            watch->config.hit(watch->config.opaque, hit);
        }
    }
}

static void add_cpu(const struct watch_set *set, struct watch_hit *hit)
{
    struct vcpu *vcpu = watch_this_vcpu(set);

    hit->dma = memory_owner_inside();
    hit->cpu = vcpu ? (int)vcpu->index : -1;
    if (vcpu && !hit->dma) {
        watch_fill_cpu(set, vcpu, hit->write, hit);
    }
}

static void saw_read(const struct watch_layer *layer, hwaddr gpa, unsigned size, uint64_t value)
{
    struct watch_set *set = layer->set;
    struct watch_hit hit = {.gpa = gpa, .size = size, .value = value};
    struct vcpu *vcpu;

    if (layer->piece.ram && set->vcpus && !memory_owner_inside()) {
        vcpu = watch_this_vcpu(set);
        if (vcpu && watch_ask_redo(set, vcpu, gpa, size)) {
            return;
        }
    }
    (void)pthread_mutex_lock(&set->lock);
    if (watch_is_watched(set, gpa, gpa + size - 1, WATCH_READ)) {
        add_cpu(set, &hit);
        watch_tell(set, &hit);
    }
    (void)pthread_mutex_unlock(&set->lock);
}

static MemTxResult layer_read(void *opaque, hwaddr addr, uint64_t *data, unsigned size,
                              MemTxAttrs attrs)
{
    const struct watch_layer *layer = opaque;
    hwaddr gpa = layer->base + addr;
    MemTxResult result;

    *data = 0;
    result = address_space_read(&layer->set->unwatched, gpa, attrs, data, size);
    if (!attrs.debug) {
        saw_read(layer, gpa, size, *data);
    }
    return result;
}

/* A watched write to RAM. Returns: false when it is none, nothing done. */
static bool write_ram(struct watch_set *set, hwaddr gpa, uint64_t data, unsigned size,
                      MemTxAttrs attrs, MemTxResult *result)
{
    struct watch_hit hit = {.gpa = gpa, .size = size, .write = true, .value = data};
    const MemTxAttrs look = {.memory = true, .debug = true};
    bool taken = false;

    attrs.memory = true; /* whatever lies there by now, no device's lock is taken */
    (void)pthread_mutex_lock(&set->lock);
    if (watch_is_watched(set, gpa, gpa + size - 1, WATCH_WRITE)) {
        hit.has_old =
            address_space_read(&set->unwatched, gpa, look, &hit.old_value, size) == MEMTX_OK;
        *result = address_space_write(&set->unwatched, gpa, attrs, &data, size);
        taken = (*result & MEMTX_ACCESS_ERROR) == 0;
        hit.ignored = *result != MEMTX_OK;
        if (taken) {
            add_cpu(set, &hit);
            watch_tell(set, &hit);
        }
    }
    (void)pthread_mutex_unlock(&set->lock);
    return taken;
}

static void saw_write(struct watch_set *set, hwaddr gpa, uint64_t data, unsigned size,
                      MemTxResult result)
{
    struct watch_hit hit = {.gpa = gpa,
                            .size = size,
                            .write = true,
                            .value = data,
                            .ignored = (result & MEMTX_DECODE_ERROR) != 0};

    (void)pthread_mutex_lock(&set->lock);
    if (watch_is_watched(set, gpa, gpa + size - 1, WATCH_WRITE)) {
        add_cpu(set, &hit);
        watch_tell(set, &hit);
    }
    (void)pthread_mutex_unlock(&set->lock);
}

static MemTxResult layer_write(void *opaque, hwaddr addr, uint64_t data, unsigned size,
                               MemTxAttrs attrs)
{
    const struct watch_layer *layer = opaque;
    hwaddr gpa = layer->base + addr;
    MemTxResult result;

    if (layer->piece.ram && !attrs.debug &&
        write_ram(layer->set, gpa, data, size, attrs, &result)) {
        return result;
    }
    result = address_space_write(&layer->set->unwatched, gpa, attrs, &data, size);
    if (!layer->piece.ram && !attrs.debug) {
        saw_write(layer->set, gpa, data, size, result);
    }
    return result;
}

const MemoryRegionOps watch_layer_ops = {
    .read_with_attrs = layer_read,
    .write_with_attrs = layer_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};
