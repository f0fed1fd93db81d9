/*
 * gdb_means.c - a guest of four instructions is run several times: stepped, with a debug register
 * on an instruction, with one on data, with an int3, stepped as an interrupt comes, and stepped
 * over its HLT. What does not exit as it should is not there; nor what does not come back: some
 * KVMs let an int3 through to a guest without a handler, and it spins in there. A timer's signal
 * ends that.
 */
#include "vmm/gdb_breaks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vmm/boot_tables.h"
#include "vmm/x86.h"

#define RFLAGS_IF UINT64_C(0x200)
#define RUN_NS_MAX INT64_C(100000000)

enum { PAGE = 4096, CODE_GPA = 0x1000, DATA_OFFSET = 0x800, INT3 = 0xcc };
enum { STORE_OFFSET = 5, NOP_OFFSET = 7, HLT_OFFSET = 8 };
enum {
    IDT_OFFSET = 0x400,
    VECTOR = 0x20,
    GATE_SIZE = 8,
    GDT_OFFSET = 0x600,
    HANDLER_OFFSET = 0x700, /* a nop and a hlt */
    STACK_OFFSET = 0xff0,
};
enum { KICK_NS = 20000000 /* between two */ };

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
static int begin(struct probe *probe, unsigned offset)
{
    const struct boot_entry entry = {
        .mode = CPU_MODE_PROTECTED32,
        .rip = CODE_GPA + offset,
        .rsp = CODE_GPA + STACK_OFFSET,
        .rdi = CODE_GPA + DATA_OFFSET,
        .gdt = CODE_GPA + GDT_OFFSET,
        .gdt_limit = BOOT_GDT_SIZE - 1,
    };
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    int result = kvm_get_sregs(&probe->kvm, probe->vcpu.fd, &sregs);

    if (result == 0) {
        x86_entry_state(&entry, &regs, &sregs);
        result = kvm_set_sregs(&probe->kvm, probe->vcpu.fd, &sregs);
    }
    return result < 0 ? result : kvm_set_regs(&probe->kvm, probe->vcpu.fd, &regs);
}

static int64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/*
 * Runs to the first exit that is not an interruption; a while at most, if somebody kicks.
 * Returns: it was KVM_EXIT_DEBUG with the CPU before the instruction at `offset`.
 */
static bool stops_at(struct probe *probe, unsigned offset)
{
    const struct kvm_run *run = probe->vcpu.run;
    int64_t until_ns = now_ns() + RUN_NS_MAX;

    do {
        if (ioctl(probe->vcpu.fd, KVM_RUN, 0) == 0) {
            return run->exit_reason == KVM_EXIT_DEBUG && run->debug.arch.pc == CODE_GPA + offset;
        }
    } while ((errno == EINTR || errno == EAGAIN) && now_ns() < until_ns);
    return false;
}

/* A KVM that refuses the wish does not have it. */
static int try_one(struct probe *probe, const struct vcpu_debug *debug, unsigned start,
                   unsigned stop, bool *works)
{
    int result = begin(probe, start);

    *works = result == 0 && vcpu_set_debug(&probe->vcpu, debug) == 0 && stops_at(probe, stop);
    return result;
}

static int try_registers(struct probe *probe, struct gdb_means *means)
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
    int result = try_one(probe, &step, 0, STORE_OFFSET, &means->step);

    if (result == 0) {
        result = try_one(probe, &execute, 0, NOP_OFFSET, &means->execute);
    }
    return result == 0 ? try_one(probe, &data, 0, NOP_OFFSET, &means->data) : result;
}

/* A repeated signal, so that one which comes just before KVM_RUN does no harm. */
static bool start_kicks(timer_t *timer)
{
    const struct itimerspec when = {.it_value = {.tv_nsec = RUN_NS_MAX},
                                    .it_interval = {.tv_nsec = KICK_NS}};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = vcpu_kick_signal()};

    event._sigev_un._tid = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0) {
        return false;
    }
    if (timer_settime(*timer, 0, &when, NULL) != 0) {
        (void)timer_delete(*timer);
        return false;
    }
    return true;
}

/* Without somebody to kick it is not tried; nor where an int3 could not be stepped over. */
static int try_software(struct probe *probe, struct gdb_means *means)
{
    const struct vcpu_debug software = {.software = true};
    timer_t timer;
    int result;

    if (!means->step || !start_kicks(&timer)) {
        return 0;
    }
    probe->memory[NOP_OFFSET] = INT3;
    result = try_one(probe, &software, 0, NOP_OFFSET, &means->software);
    means->software &= probe->vcpu.run->debug.arch.exception == VCPU_EXCEPTION_BREAKPOINT;
    (void)timer_delete(timer);
    return result;
}

static int open_interrupts(struct probe *probe)
{
    static const uint16_t gate[] = {CODE_GPA + HANDLER_OFFSET, BOOT_GDT_CODE, 0x8e00, 0};
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    int result = kvm_get_sregs(&probe->kvm, probe->vcpu.fd, &sregs);

    result = result < 0 ? result : kvm_get_regs(&probe->kvm, probe->vcpu.fd, &regs);
    if (result < 0) {
        return result;
    }
    _Static_assert(sizeof(gate) == GATE_SIZE, "a gate of 32-bit code");
    memcpy(probe->memory + IDT_OFFSET + VECTOR * GATE_SIZE, gate, sizeof(gate));
    memcpy(probe->memory + HANDLER_OFFSET, code + NOP_OFFSET, 2);
    boot_gdt_fill(probe->memory + GDT_OFFSET, CPU_MODE_PROTECTED32);
    sregs.idt =
        (struct kvm_dtable){.base = CODE_GPA + IDT_OFFSET, .limit = (VECTOR + 1) * GATE_SIZE - 1};
    regs.rflags |= RFLAGS_IF;
    result = kvm_set_sregs(&probe->kvm, probe->vcpu.fd, &sregs);
    return result < 0 ? result : kvm_set_regs(&probe->kvm, probe->vcpu.fd, &regs);
}

/* Where the handler is not stepped, its HLT is the next exit. */
static int try_interrupt(struct probe *probe, struct gdb_means *means)
{
    const struct vcpu_debug step = {.step = true};
    const struct kvm_run *run = probe->vcpu.run;
    int result = means->step ? begin(probe, 0) : 0;

    if (!means->step || result < 0) {
        return result;
    }
    result = open_interrupts(probe);
    if (result == 0 && vcpu_set_debug(&probe->vcpu, &step) == 0 &&
        kvm_interrupt(&probe->kvm, probe->vcpu.fd, VECTOR) == 0) {
        means->enters =
            stops_at(probe, HANDLER_OFFSET + 1) ||
            (run->exit_reason == KVM_EXIT_DEBUG && run->debug.arch.pc == CODE_GPA + HANDLER_OFFSET);
    }
    return result;
}

/*
 * Where it is done right this is KVM_EXIT_HLT, since there are no interrupt controllers. The last
 * one: after this the vCPU may halt anywhere.
 */
static int try_halt(struct probe *probe, struct gdb_means *means)
{
    const struct vcpu_debug step = {.step = true};

    return means->step ? try_one(probe, &step, HLT_OFFSET, HLT_OFFSET + 1, &means->halts_late) : 0;
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
    result = result < 0 ? result : try_registers(&probe, means);
    result = result < 0 ? result : try_software(&probe, means);
    result = result < 0 ? result : try_interrupt(&probe, means);
    result = result < 0 ? result : try_halt(&probe, means);
    finish(&probe);
    return result < 0 ? error_set_errno(err, -result, "trying KVM's debugging") : 0;
}
