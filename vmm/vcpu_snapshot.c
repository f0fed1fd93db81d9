/* vcpu_snapshot.c - posted to every vCPU's thread while there are any, else read here. */
#include "vmm/vcpu_snapshot.h"

#include <errno.h>
#include <string.h>

#define MSR_KERNEL_GS_BASE 0xc0000102U

static uint64_t kernel_gs_base(struct kvm *kvm, int fd)
{
    struct { /* struct kvm_msrs with room for one */
        uint32_t nmsrs, pad;
        struct kvm_msr_entry entry;
    } msrs = {.nmsrs = 1, .entry = {.index = MSR_KERNEL_GS_BASE}};

    return kvm_get_msrs(kvm, fd, (struct kvm_msrs *)&msrs) == 1 ? msrs.entry.data : 0;
}

static void take(struct vcpu *vcpu, struct vcpu_snapshot *snapshot)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_xsave xsave;
    int result = kvm_get_regs(kvm, vcpu->fd, &snapshot->regs);

    result = result ? result : kvm_get_sregs(kvm, vcpu->fd, &snapshot->sregs);
    result = result ? result : vcpu_paging_read(vcpu, &snapshot->paging);
    result = result ? result : kvm_get_xsave(kvm, vcpu->fd, &xsave);
    if (result == 0) {
        snapshot->kernel_gs_base = kernel_gs_base(kvm, vcpu->fd);
        memcpy(snapshot->fxsave, xsave.region, sizeof(snapshot->fxsave));
    }
    snapshot->result = result;
}

static void take_own(void *opaque, struct vcpu *vcpu)
{
    vcpu_finish_access(vcpu);
    take(vcpu, (struct vcpu_snapshot *)opaque + vcpu->index);
}

static int first_failure(const struct vcpu_snapshot *snapshots, unsigned num)
{
    unsigned i;
    int result = 0;

    for (i = 0; i < num && result == 0; i++) {
        result = snapshots[i].result;
    }
    return result;
}

int vcpu_snapshots_take(struct vcpu_group *group, struct vcpu_snapshot *snapshots)
{
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        snapshots[i].result = -ESRCH;
    }
    vcpu_group_call(group, take_own, snapshots);
    return first_failure(snapshots, group->config.num);
}

int vcpu_snapshots_take_ended(struct vcpu_group *group, struct vcpu_snapshot *snapshots)
{
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        take(&group->vcpus[i], &snapshots[i]);
    }
    return first_failure(snapshots, group->config.num);
}
