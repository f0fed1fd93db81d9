/*
 * gdb_means.c - a guest of four instructions is run three times: stepped, with a debug register on
 * an instruction, with one on data. What does not exit as it should is not there.
 */
#include "vmm/gdb_breaks.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/x86.h"

enum { PAGE = 4096, CODE_GPA = 0x1000, RUNS_MAX = 16, DATA_OFFSET = 0x800, NOP_OFFSET = 7 };

struct probe {
    struct kvm kvm;
    uint8_t *memory;
    struct vcpu vcpu;
    struct vcpu_group group;
    size_t run_size;
};

static const uint8_t code[] = {
    0xb8, 0x01, 0x00, 0x00, 0x00, /* mov $1, %eax */
    0x89, 0x07,                   /* mov %eax, (%edi) */
    0x90,                         /* nop */
    0xf4,                         /* hlt */
};

static int make_memory(struct probe *probe)
{
    struct kvm_userspace_memory_region region = {.guest_phys_addr = CODE_GPA, .memory_size = PAGE};
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return -errno;
    }
    probe->memory = memory;
    memcpy(probe->memory, code, sizeof(code));
    region.userspace_addr = (uintptr_t)memory;
    return kvm_set_memory_region(&probe->kvm, &region);
}

static int make_vcpu(struct probe *probe)
{
    int size = kvm_vcpu_mmap_size(&probe->kvm);
    void *run;

    probe->vcpu.fd = size < 0 ? size : kvm_create_vcpu(&probe->kvm, 0);
    if (probe->vcpu.fd < 0) {
        return probe->vcpu.fd;
    }
    probe->run_size = (size_t)size;
    run = mmap(NULL, probe->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, probe->vcpu.fd, 0);
    if (run == MAP_FAILED) {
        return -errno;
    }
    probe->vcpu.run = run;
    probe->vcpu.group = &probe->group;
    probe->group.config.kvm = &probe->kvm;
    return 0;
}

/* Puts the CPU before the instruction at `offset`. */
static int begin(struct probe *probe, unsigned offset, const struct vcpu_debug *debug)
{
    const struct boot_entry entry = {
        .mode = CPU_MODE_PROTECTED32, .rip = CODE_GPA + offset, .rdi = CODE_GPA + DATA_OFFSET};
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    int result = kvm_get_sregs(&probe->kvm, probe->vcpu.fd, &sregs);

    if (result == 0) {
        x86_entry_state(&entry, &regs, &sregs);
        result = kvm_set_sregs(&probe->kvm, probe->vcpu.fd, &sregs);
    }
    result = result < 0 ? result : kvm_set_regs(&probe->kvm, probe->vcpu.fd, &regs);
    return result < 0 ? result : vcpu_set_debug(&probe->vcpu, debug);
}

/*
 * Runs to the first exit that is not an interruption.
 * Returns: it was KVM_EXIT_DEBUG with the CPU before the instruction at `offset`.
 */
static bool stops_at(struct probe *probe, unsigned offset)
{
    unsigned i;

    for (i = 0; i < RUNS_MAX; i++) {
        if (ioctl(probe->vcpu.fd, KVM_RUN, 0) == 0) {
            return probe->vcpu.run->exit_reason == KVM_EXIT_DEBUG &&
                   probe->vcpu.run->debug.arch.pc == CODE_GPA + offset;
        }
        if (errno != EINTR && errno != EAGAIN) {
            break;
        }
    }
    return false;
}

static int try_all(struct probe *probe, struct gdb_means *means)
{
    const struct vcpu_debug step = {.step = true};
    const struct vcpu_debug execute = {
        .breakpoint_num = 1,
        .breakpoints = {{.addr = CODE_GPA + NOP_OFFSET, .type = VCPU_BREAK_EXECUTE, .size = 1}},
    };
    const struct vcpu_debug data = {
        .breakpoint_num = 1,
        .breakpoints = {{.addr = CODE_GPA + DATA_OFFSET, .type = VCPU_BREAK_WRITE, .size = 4}},
    };
    const struct {
        const struct vcpu_debug *debug;
        bool *works;
        unsigned stop;
    } tries[] = {
        {&step, &means->step, 5},
        {&execute, &means->execute, NOP_OFFSET},
        {&data, &means->data, NOP_OFFSET},
    };
    unsigned i;
    int result = 0;

    for (i = 0; i < sizeof(tries) / sizeof(tries[0]) && result == 0; i++) {
        result = begin(probe, 0, tries[i].debug);
        *tries[i].works = result == 0 && stops_at(probe, tries[i].stop);
    }
    return result;
}

static void finish(struct probe *probe)
{
    if (probe->vcpu.run) {
        (void)munmap(probe->vcpu.run, probe->run_size);
    }
    if (probe->vcpu.fd >= 0) {
        (void)close(probe->vcpu.fd);
    }
    (void)close(probe->kvm.vm_fd);
    if (probe->memory) {
        (void)munmap(probe->memory, PAGE);
    }
}

int gdb_means_probe(struct kvm *kvm, struct gdb_means *means, struct error *err)
{
    struct probe probe = {
        .kvm = {.sys_fd = kvm->sys_fd, .vm_fd = -1, .call = kvm->call, .opaque = kvm->opaque},
        .vcpu = {.fd = -1},
    };
    int result = kvm_create_vm(&probe.kvm, false, err);

    *means = (struct gdb_means){.step = false};
    if (result < 0) {
        return result;
    }
    result = make_memory(&probe);
    result = result < 0 ? result : make_vcpu(&probe);
    result = result < 0 ? result : try_all(&probe, means);
    finish(&probe);
    return result < 0 ? error_set_errno(err, -result, "trying KVM's debugging") : 0;
}
