/* fake_cpu.c - fetch, look what the debugger wants, execute, look again. */
#include "fake_cpu.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "memory/flatview.h"
#include "vmm/vcpu_paging.h"

enum { FAKE_FD = 1000 /* and the vCPU's number: no descriptor that anybody has */ };

#define DR6_FIXED UINT64_C(0xffff0ff0)
#define DR6_STEP (UINT64_C(1) << 14)
#define DR7_EXECUTE 0U
#define RFLAGS_FIXED 2U
#define RFLAGS_TF 0x100U

static struct fake_cpu *cpu_of(struct kvm *kvm, int fd)
{
    struct fake_kvm *fake = kvm->opaque;

    ck_assert_int_ge(fd, FAKE_FD);
    ck_assert_int_lt(fd, FAKE_FD + (int)fake->num);
    return &fake->cpus[fd - FAKE_FD];
}

/* ---- ioctls ---- */

static int set_debug(struct fake_kvm *fake, struct fake_cpu *cpu,
                     const struct kvm_guest_debug *debug)
{
    atomic_fetch_or(&fake->asked, debug->control);
    if (debug->control & fake->refused) {
        return -EINVAL;
    }
    if (debug->control & KVM_GUESTDBG_INJECT_BP) {
        if (fake->inject_error) {
            return -fake->inject_error;
        }
        cpu->injected = true;
    }
    cpu->debug = *debug;
    cpu->forgot = false;
    return 0;
}

static bool translate(const struct fake_kvm *fake, const struct fake_cpu *cpu, uint64_t linear,
                      uint64_t *gpa)
{
    const struct vcpu_paging paging = {.regs = {.cr0 = cpu->sregs.cr0,
                                                .cr3 = cpu->sregs.cr3,
                                                .cr4 = cpu->sregs.cr4,
                                                .efer = cpu->sregs.efer}};
    struct x86_walk walk;

    vcpu_paging_walk(&paging, fake->memory, linear, &walk);
    *gpa = walk.gpa;
    return walk.result == X86_WALK_OK;
}

int fake_kvm_call(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    struct fake_kvm *fake = kvm->opaque;
    struct fake_cpu *cpu = cpu_of(kvm, fd);
    struct kvm_translation *translation = arg;

    switch (request) {
    case KVM_GET_REGS:
        memcpy(arg, &cpu->regs, sizeof(cpu->regs));
        return 0;
    case KVM_SET_REGS:
        memcpy(&cpu->regs, arg, sizeof(cpu->regs));
        cpu->injected = false;
        return 0;
    case KVM_GET_SREGS:
        memcpy(arg, &cpu->sregs, sizeof(cpu->sregs));
        return 0;
    case KVM_SET_SREGS:
        memcpy(&cpu->sregs, arg, sizeof(cpu->sregs));
        return 0;
    case KVM_GET_MP_STATE:
        ((struct kvm_mp_state *)arg)->mp_state = cpu->mp_state;
        return 0;
    case KVM_SET_MP_STATE:
        cpu->mp_state = ((struct kvm_mp_state *)arg)->mp_state;
        return 0;
    case KVM_GET_VCPU_EVENTS:
        memcpy(arg, &cpu->events, sizeof(cpu->events));
        return 0;
    case KVM_SET_VCPU_EVENTS:
        memcpy(&cpu->events, arg, sizeof(cpu->events));
        return 0;
    case KVM_GET_FPU: /* MXCSR is not in there */
        memset(arg, 0, sizeof(struct kvm_fpu));
        return 0;
    case KVM_GET_XSAVE:
        memcpy(arg, cpu->xsave, sizeof(cpu->xsave));
        return 0;
    case KVM_SET_XSAVE:
        memcpy(cpu->xsave, arg, sizeof(cpu->xsave));
        return 0;
    case KVM_GET_MSRS: /* how many were read, or written */
        ((struct kvm_msrs *)arg)->entries[0].data = cpu->kernel_gs_base;
        return 1;
    case KVM_SET_MSRS:
        cpu->kernel_gs_base = ((struct kvm_msrs *)arg)->entries[0].data;
        return 1;
    case KVM_SET_GUEST_DEBUG:
        return set_debug(fake, cpu, arg);
    case KVM_TRANSLATE:
        translation->valid = translate(fake, cpu, translation->linear_address,
                                       (uint64_t *)&translation->physical_address);
        return 0;
    default:
        return -ENOTTY;
    }
}

/* ---- the CPU ---- */

static bool is_stepped(const struct fake_cpu *cpu)
{
    return (cpu->debug.control & KVM_GUESTDBG_SINGLESTEP) && !cpu->forgot;
}

static bool debug_exit(struct fake_cpu *cpu, uint32_t exception, uint64_t dr6)
{
    cpu->run.exit_reason = KVM_EXIT_DEBUG;
    cpu->run.debug.arch =
        (struct kvm_debug_exit_arch){.exception = exception, .pc = cpu->regs.rip, .dr6 = dr6};
    return true;
}

/* DR6's bits for the debug registers that an access of that kind touches. */
static uint64_t hit_registers(const struct fake_cpu *cpu, bool execute, uint64_t addr,
                              unsigned size)
{
    static const unsigned lengths[] = {1, 2, 8, 4};
    uint64_t dr7 = cpu->debug.arch.debugreg[7], bits = 0;
    unsigned i;

    for (i = 0; i < VCPU_BREAKPOINT_MAX && (cpu->debug.control & KVM_GUESTDBG_USE_HW_BP); i++) {
        uint64_t first = cpu->debug.arch.debugreg[i];
        unsigned type = dr7 >> (16 + 4 * i) & 3, length = lengths[dr7 >> (18 + 4 * i) & 3];

        if ((dr7 >> (2 * i) & 3) && (type == DR7_EXECUTE) == execute && addr < first + length &&
            first < addr + size) {
            bits |= UINT64_C(1) << i;
        }
    }
    return bits;
}

/* As a guest does it: whoever else looks there must live with that. */
__attribute__((no_sanitize("thread"))) static void store(const struct fake_kvm *fake,
                                                         const struct fake_cpu *cpu, uint64_t addr,
                                                         const uint8_t *bytes, unsigned size)
{
    MemoryRegionSection section;
    volatile uint8_t *host;
    uint64_t gpa;
    unsigned i;

    ck_assert(translate(fake, cpu, addr, &gpa));
    ck_assert(address_space_find(fake->memory, gpa, size, &section));
    host = memory_section_host(&section);
    for (i = 0; i < size; i++) {
        host[i] = bytes[i];
    }
    memory_region_unref(section.mr);
}

static bool output(struct fake_cpu *cpu, uint8_t port)
{
    cpu->run.exit_reason = KVM_EXIT_IO;
    cpu->run.io.direction = KVM_EXIT_IO_OUT;
    cpu->run.io.size = 1;
    cpu->run.io.count = 1;
    cpu->run.io.port = port;
    cpu->run.io.data_offset = sizeof(cpu->run) - 1;
    return true;
}

/* KVM's trap flag is in what the guest has on its stack, too. */
static void take_interrupt(const struct fake_kvm *fake, struct fake_cpu *cpu)
{
    const uint16_t frame[] = {
        (uint16_t)cpu->regs.rip, 0,
        (uint16_t)(cpu->regs.rflags | RFLAGS_FIXED | (is_stepped(cpu) ? RFLAGS_TF : 0))};

    cpu->regs.rsp -= sizeof(frame);
    store(fake, cpu, cpu->regs.rsp, (const uint8_t *)frame, sizeof(frame));
    cpu->regs.rip = cpu->handler;
    cpu->handler = 0;
}

static void return_from_interrupt(const struct fake_kvm *fake, struct fake_cpu *cpu)
{
    uint16_t frame[3] = {0};
    uint64_t gpa;

    ck_assert(translate(fake, cpu, cpu->regs.rsp, &gpa));
    (void)address_space_read(fake->memory, gpa, MEMTXATTRS_UNSPECIFIED, frame, sizeof(frame));
    cpu->regs.rsp += sizeof(frame);
    cpu->regs.rip = frame[0];
    cpu->regs.rflags = frame[2] & ~RFLAGS_TF;
    if ((frame[2] & RFLAGS_TF) && !is_stepped(cpu)) {
        atomic_fetch_add(&cpu->traps, 1);
    }
}

/* One instruction. Returns: it is an exit. */
static bool execute(const struct fake_kvm *fake, struct fake_cpu *cpu,
                    const uint8_t code[FAKE_CODE_MAX])
{
    uint64_t addr = 0, hit = 0;
    unsigned size = 0, len = 1;

    switch (code[0]) {
    case 0x90:
        break;
    case 0xcc:
        atomic_fetch_add(&cpu->breakpoints, 1);
        break;
    case 0xeb:
        len = 2;
        cpu->regs.rip += (unsigned long long)(int8_t)code[1];
        break;
    case 0xc6:
    case 0xc7:
        size = code[0] == 0xc6 ? 1 : 4;
        len = 6 + size;
        memcpy(&addr, code + 2, 4);
        store(fake, cpu, addr, code + 6, size);
        hit = hit_registers(cpu, false, addr, size);
        break;
    case 0xcf:
        len = 0;
        return_from_interrupt(fake, cpu);
        break;
    case 0xe6:
        cpu->regs.rip += 2;
        return output(cpu, code[1]);
    case 0xf4:
        if (fake->halts_late && is_stepped(cpu)) {
            cpu->late = true;
        } else {
            cpu->mp_state = KVM_MP_STATE_HALTED;
        }
        break;
    default:
        cpu->run.exit_reason = KVM_EXIT_SHUTDOWN;
        return true;
    }
    cpu->regs.rip += len;
    if (is_stepped(cpu)) {
        hit |= DR6_STEP;
        cpu->forgot = fake->forgets;
    }
    return hit && debug_exit(cpu, 1, DR6_FIXED | hit);
}

/* Returns: there is an exit in cpu->run. */
static bool run_one(const struct fake_kvm *fake, struct fake_cpu *cpu)
{
    uint8_t code[FAKE_CODE_MAX] = {0};
    uint64_t pc, gpa, hit;

    if (cpu->late && !is_stepped(cpu)) {
        cpu->late = false;
        cpu->mp_state = KVM_MP_STATE_HALTED;
    }
    if (cpu->mp_state != KVM_MP_STATE_RUNNABLE) {
        return false;
    }
    if (cpu->injected) {
        cpu->injected = false;
        cpu->regs.rip++;
        atomic_fetch_add(&cpu->breakpoints, 1);
        return false;
    }
    if (cpu->handler) {
        take_interrupt(fake, cpu);
    }
    pc = cpu->regs.rip;
    hit = hit_registers(cpu, true, pc, 1);
    if (hit) {
        return debug_exit(cpu, 1, DR6_FIXED | hit);
    }
    if (!translate(fake, cpu, pc, &gpa)) {
        cpu->run.exit_reason = KVM_EXIT_SHUTDOWN;
        return true;
    }
    (void)address_space_read(fake->memory, gpa, MEMTXATTRS_UNSPECIFIED, code, sizeof(code));
    if (code[0] == 0xcc && (cpu->debug.control & KVM_GUESTDBG_USE_SW_BP)) {
        return debug_exit(cpu, VCPU_EXCEPTION_BREAKPOINT, 0);
    }
    atomic_fetch_add(&cpu->instructions, 1);
    if (pc == fake->counted_pc) {
        atomic_fetch_add(&cpu->counted, 1);
    }
    return execute(fake, cpu, code);
}

/* As vcpu.c does. */
static void serve(struct vcpu *vcpu)
{
    const struct vcpu_tap *tap;
    const struct history_exit none = {0};

    vcpu_serve_exit(vcpu);
    for (tap = vcpu->taps; tap; tap = tap->next) {
        tap->served(tap->opaque, vcpu, &none);
    }
}

static void *run(void *arg)
{
    struct vcpu *vcpu = arg;
    struct fake_kvm *fake = vcpu->group->config.kvm->opaque;
    struct fake_cpu *cpu = &fake->cpus[vcpu->index];
    bool exit;

    memory_thread_register();
    do {
        atomic_store(&vcpu->in_guest, true);
        for (exit = false; !exit && atomic_load(&vcpu->requests) == 0;) {
            exit = run_one(fake, cpu);
            (void)sched_yield();
        }
        atomic_store(&vcpu->in_guest, false);
        if (atomic_load(&vcpu->requests) & VCPU_REQUEST_WAIT) {
            vcpu_group_left_guest(vcpu);
        }
        if (exit) {
            serve(vcpu);
        }
    } while (atomic_load(&vcpu->requests) == 0 || vcpu_group_gate(vcpu));
    memory_thread_unregister();
    return NULL;
}

void fake_cpus_start(struct fake_kvm *fake, struct vcpu_group *group)
{
    unsigned i;

    fake->num = group->config.num;
    group->vcpus = aligned_alloc(_Alignof(struct vcpu), fake->num * sizeof(*group->vcpus));
    ck_assert_ptr_nonnull(group->vcpus);
    (void)pthread_mutex_init(&group->lock, NULL);
    (void)pthread_cond_init(&group->changed, NULL);
    group->running = fake->num;
    /* The kick's signal is not needed: these threads look at their requests all the time. */
    (void)signal(vcpu_kick_signal(), SIG_IGN);
    for (i = 0; i < fake->num; i++) {
        group->vcpus[i] = (struct vcpu){
            .group = group, .index = i, .fd = FAKE_FD + (int)i, .run = &fake->cpus[i].run};
    }
    vcpu_group_hold(group);
    for (i = 0; i < fake->num; i++) {
        struct vcpu *vcpu = &group->vcpus[i];

        ck_assert_int_eq(pthread_create(&vcpu->thread, NULL, run, vcpu), 0);
        vcpu->thread_started = true;
    }
}

void fake_cpus_finish(struct vcpu_group *group)
{
    free(group->vcpus);
    (void)pthread_cond_destroy(&group->changed);
    (void)pthread_mutex_destroy(&group->lock);
}
