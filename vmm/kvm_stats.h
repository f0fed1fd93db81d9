/*
 * kvm_stats.h - what KVM itself counts about a VM or a vCPU, from its statistics descriptor.
 *
 * The names and their number are the kernel's. Only counters and gauges of one value are taken;
 * histograms are left out.
 *
 * Source: api.rst 4.134 KVM_GET_STATS_FD.
 */
#ifndef ACRE_VMM_KVM_STATS_H
#define ACRE_VMM_KVM_STATS_H

#include <jansson.h>

#include "vmm/kvm.h"

struct kvm_stats_item {
    char name[48];
    uint32_t offset; /* in the descriptor */
};

struct kvm_stats {
    int fd; /* -1: KVM has none */
    size_t num;
    struct kvm_stats_item *items;
};

/*
 * Reads which values there are. @fd  the VM's or the vCPU's.
 * Returns: 0; -ENOTTY KVM has no statistics (before 5.14); -EPROTO they make no sense; -ENOMEM;
 * -errno. After a failure it is empty, and may be read and finished all the same.
 * Context: a vCPU's before its thread runs, since an ioctl of it waits for KVM_RUN to return.
 */
int kvm_stats_open(struct kvm_stats *stats, struct kvm *kvm, int fd)
    __attribute__((warn_unused_result));
/* Closes it. Accepts a zeroed one only if its fd is -1. */
void kvm_stats_finish(struct kvm_stats *stats);

/*
 * An object of the values that are not 0, by name; {} when there are none.
 * Context: any thread, while the vCPU runs or not. Returns: a new reference; NULL out of memory.
 */
json_t *kvm_stats_json(const struct kvm_stats *stats);

#endif
