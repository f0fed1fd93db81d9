/*
 * gdb_state.c - registers by ioctls on the vCPU's own thread; memory page by page through its
 * tables.
 */
#include "vmm/gdb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/vcpu_paging.h"
#include "vmm/watch.h"

#define MSR_KERNEL_GS_BASE UINT32_C(0xc0000102)
#define PAGE_MASK UINT64_C(0xfff)

/* Something to be done on one vCPU's thread. */
struct errand {
    unsigned cpu;
    int result; /* -ESRCH until it was done: the thread may be gone */
    unsigned changed;
    struct gdb_registers *registers;
    struct vcpu_paging *paging;
};

static struct x86_msrs msr_of(uint64_t value)
{
    return (struct x86_msrs){.nmsrs = 1, .entries = {{.index = MSR_KERNEL_GS_BASE, .data = value}}};
}

/*
 * KVM_GET_FPU and KVM_SET_FPU leave MXCSR out.
 * Source: Intel SDM vol. 1 13.4.1 "Legacy Region of an XSAVE Area", 13.4.2 "XSAVE Header".
 */
enum { XSAVE_MXCSR = 24 / 4, XSAVE_STATE_BV = 512 / 4, XSAVE_STATE_SSE = 1 << 1 };

static int read_mxcsr(struct vcpu *vcpu, uint32_t *mxcsr)
{
    struct kvm_xsave xsave;
    int result = kvm_get_xsave(vcpu->group->config.kvm, vcpu->fd, &xsave);

    if (result == 0) {
        *mxcsr = xsave.region[XSAVE_MXCSR];
    }
    return result;
}

static int write_mxcsr(struct vcpu *vcpu, uint32_t mxcsr)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_xsave xsave;
    int result = kvm_get_xsave(kvm, vcpu->fd, &xsave);

    if (result == 0) {
        xsave.region[XSAVE_MXCSR] = mxcsr;
        xsave.region[XSAVE_STATE_BV] |= XSAVE_STATE_SSE;
        result = kvm_set_xsave(kvm, vcpu->fd, &xsave);
    }
    return result;
}

static void call_read(void *opaque, struct vcpu *vcpu)
{
    struct errand *errand = opaque;
    struct kvm *kvm = vcpu->group->config.kvm;
    struct gdb_registers *registers = errand->registers;
    struct x86_msrs msr = msr_of(0);

    if (vcpu->index != errand->cpu) {
        return;
    }
    errand->result = kvm_get_regs(kvm, vcpu->fd, &registers->regs);
    if (errand->result == 0) {
        errand->result = kvm_get_sregs(kvm, vcpu->fd, &registers->sregs);
    }
    if (errand->result == 0) {
        errand->result = kvm_get_fpu(kvm, vcpu->fd, &registers->fpu);
    }
    if (errand->result == 0) {
        errand->result = read_mxcsr(vcpu, &registers->fpu.mxcsr);
    }
    if (errand->result == 0) {
        (void)kvm_get_msrs(kvm, vcpu->fd, (struct kvm_msrs *)&msr);
        registers->kernel_gs_base = msr.entries[0].data;
    }
}

static void call_write(void *opaque, struct vcpu *vcpu)
{
    struct errand *errand = opaque;
    struct kvm *kvm = vcpu->group->config.kvm;
    const struct gdb_registers *registers = errand->registers;
    struct x86_msrs msr = msr_of(registers->kernel_gs_base);

    if (vcpu->index != errand->cpu) {
        return;
    }
    errand->result = 0;
    if (errand->changed & GDB_CHANGED_SREGS) {
        errand->result = kvm_set_sregs(kvm, vcpu->fd, &registers->sregs);
    }
    if (errand->result == 0 && (errand->changed & GDB_CHANGED_REGS)) {
        errand->result = kvm_set_regs(kvm, vcpu->fd, &registers->regs);
    }
    if (errand->result == 0 && (errand->changed & GDB_CHANGED_FPU)) {
        errand->result = kvm_set_fpu(kvm, vcpu->fd, &registers->fpu);
    }
    if (errand->result == 0 && (errand->changed & GDB_CHANGED_MXCSR)) {
        errand->result = write_mxcsr(vcpu, registers->fpu.mxcsr);
    }
    if (errand->result == 0 && (errand->changed & GDB_CHANGED_KERNEL_GS_BASE) &&
        kvm_set_msrs(kvm, vcpu->fd, (struct kvm_msrs *)&msr) != 1) {
        errand->result = -EINVAL;
    }
}

int gdb_state_read_registers(void *opaque, unsigned cpu, struct gdb_registers *registers)
{
    struct gdb *gdb = opaque;
    struct errand errand = {.cpu = cpu, .result = -ESRCH, .registers = registers};

    vcpu_group_call(&gdb->machine->vcpus, call_read, &errand);
    return errand.result;
}

int gdb_state_write_registers(void *opaque, unsigned cpu, const struct gdb_registers *registers,
                              unsigned changed)
{
    struct gdb *gdb = opaque;
    struct gdb_registers copy = *registers;
    struct errand errand = {.cpu = cpu, .result = -ESRCH, .changed = changed, .registers = &copy};

    vcpu_group_call(&gdb->machine->vcpus, call_write, &errand);
    gdb->cpus[cpu].pc = gdb_linear_pc(&copy.regs, &copy.sregs);
    return errand.result;
}

static void call_paging(void *opaque, struct vcpu *vcpu)
{
    struct errand *errand = opaque;

    if (vcpu->index == errand->cpu) {
        errand->result = vcpu_paging_read(vcpu, errand->paging);
    }
}

int gdb_state_paging(struct gdb *gdb, unsigned cpu, struct vcpu_paging *paging)
{
    struct errand errand = {.cpu = cpu, .result = -ESRCH, .paging = paging};

    vcpu_group_call(&gdb->machine->vcpus, call_paging, &errand);
    return errand.result;
}

/*
 * Memory alone is looked at: a device's registers may do something when they are read, and nobody
 * would expect that of a debugger's listing.
 */
static int access_memory(struct gdb *gdb, unsigned cpu, bool physical, uint64_t addr, uint8_t *data,
                         size_t len, bool write, size_t *done)
{
    AddressSpace *memory = watch_beneath(gdb->machine);
    const MemTxAttrs attrs = {.memory = true, .debug = true};
    struct vcpu_paging paging;
    int result = physical ? 0 : gdb_state_paging(gdb, cpu, &paging);

    for (*done = 0; result == 0 && *done < len;) {
        uint64_t at = addr + *done, gpa = at;
        uint64_t room = PAGE_MASK + 1 - (at & PAGE_MASK);
        size_t piece = len - *done < room ? len - *done : (size_t)room;
        struct x86_walk walk;

        if (!physical) {
            vcpu_paging_walk(&paging, memory, at, &walk);
            gpa = walk.gpa;
            if (walk.result != X86_WALK_OK) {
                return -EFAULT;
            }
        }
        if (address_space_rw(memory, gpa, attrs, data + *done, piece, write) != MEMTX_OK) {
            return -EFAULT;
        }
        *done += piece;
    }
    return result;
}

int gdb_state_read_memory(void *opaque, unsigned cpu, bool physical, uint64_t addr, void *data,
                          size_t len, size_t *done)
{
    return access_memory(opaque, cpu, physical, addr, data, len, false, done);
}

int gdb_state_write_memory(void *opaque, unsigned cpu, bool physical, uint64_t addr,
                           const void *data, size_t len)
{
    uint8_t copy[GDB_PACKET_MAX];
    size_t done;

    if (len > sizeof(copy)) {
        return -E2BIG;
    }
    memcpy(copy, data, len);
    return access_memory(opaque, cpu, physical, addr, copy, len, true, &done);
}

void gdb_state_describe(void *opaque, unsigned cpu, char *text, size_t size)
{
    static const char *const names[] = {
        [KVM_MP_STATE_RUNNABLE] = "running",          [KVM_MP_STATE_UNINITIALIZED] = "not started",
        [KVM_MP_STATE_INIT_RECEIVED] = "not started", [KVM_MP_STATE_HALTED] = "halted",
        [KVM_MP_STATE_SIPI_RECEIVED] = "starting",
    };
    const struct gdb *gdb = opaque;
    uint32_t state = gdb->cpus[cpu].mp_state;

    (void)snprintf(text, size, "%s",
                   state < sizeof(names) / sizeof(names[0]) ? names[state] : "running");
}
