/*
 * vcpu_snapshot.h - a vCPU's registers at one moment, for who shows or saves them.
 */
#ifndef ACRE_VMM_VCPU_SNAPSHOT_H
#define ACRE_VMM_VCPU_SNAPSHOT_H

#include "vmm/vcpu_paging.h"

enum { VCPU_FXSAVE_SIZE = 512 };

struct vcpu_snapshot {
    int result; /* 0; -errno of what could not be read; -ESRCH the vCPU's thread has ended */
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct vcpu_paging paging;
    uint64_t kernel_gs_base;
    uint8_t fxsave[VCPU_FXSAVE_SIZE]; /* x87 and SSE, as FXSAVE64 stores them */
};

/*
 * Reads all vCPUs.
 * @snapshots  group->config.num of them.
 * Returns: 0; the first result that is not, each vCPU has its own.
 * Context: not a vCPU, no owner's lock; where the guest runs it goes on meanwhile.
 */
int vcpu_snapshots_take(struct vcpu_group *group, struct vcpu_snapshot *snapshots)
    __attribute__((warn_unused_result));
/* The same when all threads have ended. */
int vcpu_snapshots_take_ended(struct vcpu_group *group, struct vcpu_snapshot *snapshots)
    __attribute__((warn_unused_result));

#endif
