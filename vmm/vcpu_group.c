/*
 * vcpu_group.c - making the vCPUs, and the gate at which they wait, run posted functions and end.
 * One lock and one condition; the fast path of vcpu.c touches neither.
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Room for the largest register frame of x86 (AMX, 11 KiB) and the handler. */
enum { VCPU_SIGNAL_STACK = 32 << 10 };

int vcpu_kick_signal(void)
{
    return SIGRTMIN;
}

static void kicked(int signo)
{
    (void)signo; /* being interrupted is all */
}

static int install_kick(struct error *err)
{
    struct sigaction action = {.sa_handler = kicked};

    return sigaction(vcpu_kick_signal(), &action, NULL) == 0
               ? 0
               : error_set_errno(err, errno, "sigaction");
}

static int read_cpuid(struct vcpu_group *group, struct x86_cpuid *cpuid, struct error *err)
{
    int result;

    cpuid->nent = X86_CPUID_MAX;
    cpuid->padding = 0;
    result = kvm_get_supported_cpuid(group->config.kvm, (struct kvm_cpuid2 *)cpuid);
    return result < 0 ? error_set_errno(err, -result, "KVM_GET_SUPPORTED_CPUID") : 0;
}

static int set_cpuid(struct vcpu *vcpu, struct x86_cpuid *cpuid, struct error *err)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    int khz = kvm_get_tsc_khz(config->kvm, vcpu->fd);
    struct x86_cpuid_config edit = {
        .index = vcpu->index,
        .cpu_num = config->num,
        .irqchip = config->irqchip,
        .tsc_deadline = config->irqchip && kvm_has(config->kvm, KVM_HAS_TSC_DEADLINE),
        .tsc_khz = khz > 0 ? (uint32_t)khz : 0,
    };
    int result;

    x86_cpuid_edit(cpuid, &edit);
    result = kvm_set_cpuid(config->kvm, vcpu->fd, (struct kvm_cpuid2 *)cpuid);
    return result < 0 ? error_set_errno(err, -result, "KVM_SET_CPUID2 of cpu %u", vcpu->index) : 0;
}

/* AMD's and Hygon's CPUs. */
static bool is_svm(struct x86_cpuid *cpuid)
{
    static const uint32_t vendors[] = {0x68747541 /* "Auth" */, 0x6f677948 /* "Hygo" */};
    const struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, 0, 0);

    return entry && (entry->ebx == vendors[0] || entry->ebx == vendors[1]);
}

/* From the first exit on; where KVM cannot hand them over, a shutdown loses them. */
static void begin_to_keep(struct vcpu *vcpu, struct x86_cpuid *cpuid)
{
    uint32_t wanted = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    int offered = is_svm(cpuid) ? kvm_has(vcpu->group->config.kvm, KVM_HAS_SYNC_REGS) : 0;

    if (((uint32_t)offered & wanted) == wanted) {
        vcpu->keeps = true;
        vcpu->run->kvm_valid_regs = wanted;
    }
}

static int keep_reset(struct vcpu *vcpu, struct error *err)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    int result;

    vcpu->reset = calloc(1, sizeof(*vcpu->reset));
    if (!vcpu->reset) {
        return error_set_errno(err, ENOMEM, "cpu %u", vcpu->index);
    }
    result = x86_reset_read(config->kvm, vcpu->fd, config->irqchip, vcpu->reset);
    return result < 0 ? error_set_errno(err, -result, "reading cpu %u's state", vcpu->index) : 0;
}

static int create(struct vcpu_group *group, unsigned index, struct x86_cpuid *cpuid,
                  struct error *err)
{
    struct vcpu *vcpu = &group->vcpus[index];
    struct kvm *kvm = group->config.kvm;
    void *run;
    int result;

    vcpu->group = group;
    vcpu->index = index;
    vcpu->fd = kvm_create_vcpu(kvm, index);
    if (vcpu->fd < 0) {
        return error_set_errno(err, -vcpu->fd, "KVM_CREATE_VCPU of cpu %u", index);
    }
    run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (run == MAP_FAILED) {
        return error_set_errno(err, errno, "mapping cpu %u", index);
    }
    vcpu->run = run;
    result =
        group->config.dirty_rings ? kvm_dirty_rings_add(group->config.dirty_rings, vcpu->fd) : 0;
    if (result < 0) {
        return error_set_errno(err, -result, "mapping cpu %u's dirty ring", index);
    }
    if (group->config.signal_stacks) {
        vcpu->signal_stack = malloc(VCPU_SIGNAL_STACK);
    }
    result = set_cpuid(vcpu, cpuid, err);
    begin_to_keep(vcpu, cpuid);
    if (result == 0 && group->config.restartable) {
        result = keep_reset(vcpu, err);
    }
    return result;
}

static int create_all(struct vcpu_group *group, struct error *err)
{
    struct kvm *kvm = group->config.kvm;
    struct x86_cpuid cpuid;
    unsigned i;
    int result = kvm_vcpu_mmap_size(kvm);

    if (result < (int)sizeof(struct kvm_run)) {
        return error_set_errno(err, result < 0 ? -result : EPROTO, "KVM_GET_VCPU_MMAP_SIZE");
    }
    kvm->run_size = (size_t)result;
    result = read_cpuid(group, &cpuid, err);
    for (i = 0; i < group->config.num && result == 0; i++) {
        result = create(group, i, &cpuid, err);
    }
    return result;
}

int vcpu_group_init(struct vcpu_group *group, const struct vcpu_group_config *config,
                    struct error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int offset, result;
    unsigned i;

    *group = (struct vcpu_group){.config = *config};
    group->vcpus = aligned_alloc(_Alignof(struct vcpu), config->num * sizeof(*group->vcpus));
    if (!group->vcpus) {
        return error_set_errno(err, ENOMEM, "%u CPUs", config->num);
    }
    memset(group->vcpus, 0, config->num * sizeof(*group->vcpus));
    for (i = 0; i < config->num; i++) {
        group->vcpus[i].fd = -1;
    }
    (void)pthread_mutex_init(&group->lock, NULL);
    (void)pthread_cond_init(&group->changed, NULL);
    result = install_kick(err);
    if (result == 0) {
        result = create_all(group, err);
    }
    if (result != 0) {
        vcpu_group_finish(group);
        return result;
    }
    offset = kvm_has(config->kvm, KVM_HAS_COALESCED_MMIO);
    if (offset > 0 && ((size_t)offset + 1) * page <= config->kvm->run_size) {
        kvm_ring_init(config->ring, (char *)group->vcpus[0].run + (size_t)offset * page,
                      config->memory, config->io);
    }
    return 0;
}

void vcpu_group_finish(struct vcpu_group *group)
{
    unsigned i;

    if (!group->vcpus) {
        return;
    }
    for (i = 0; i < group->config.num; i++) {
        struct vcpu *vcpu = &group->vcpus[i];

        if (vcpu->run) {
            (void)munmap(vcpu->run, group->config.kvm->run_size);
        }
        if (vcpu->fd >= 0) {
            (void)close(vcpu->fd);
        }
        free(vcpu->reset);
        free(vcpu->signal_stack);
    }
    free(group->vcpus);
    (void)pthread_cond_destroy(&group->changed);
    (void)pthread_mutex_destroy(&group->lock);
    *group = (struct vcpu_group){0};
}

/* The kicker's half of the order in vcpu.c. */
static void kick(struct vcpu *vcpu, uint32_t request)
{
    atomic_fetch_or(&vcpu->requests, request);
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (atomic_load(&vcpu->in_guest) && vcpu->thread_started) {
        (void)pthread_kill(vcpu->thread, vcpu_kick_signal());
    }
}

static void kick_all(struct vcpu_group *group, uint32_t request)
{
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        kick(&group->vcpus[i], request);
    }
    (void)pthread_cond_broadcast(&group->changed);
}

void vcpu_group_ask_rescue(struct vcpu *vcpu)
{
    (void)pthread_mutex_lock(&vcpu->group->lock);
    kick(vcpu, VCPU_REQUEST_RESCUE);
    (void)pthread_mutex_unlock(&vcpu->group->lock);
}

static void use_signal_stack(struct vcpu *vcpu)
{
    const stack_t stack = {.ss_sp = vcpu->signal_stack, .ss_size = VCPU_SIGNAL_STACK};

    /* Without one an overflow still ends the process; only the terminal is not put back. */
    if (vcpu->signal_stack) {
        (void)sigaltstack(&stack, NULL);
    }
}

static void *thread_main(void *arg)
{
    struct vcpu *vcpu = arg;
    struct vcpu_group *group = vcpu->group;

    atomic_store(&vcpu->tid, gettid());
    use_signal_stack(vcpu);
    memory_thread_register();
    vcpu_run(vcpu);
    memory_thread_unregister();
    (void)pthread_mutex_lock(&group->lock);
    if (atomic_load(&vcpu->requests) & VCPU_REQUEST_CALL) {
        group->call_pending--; /* came too late for this one */
    }
    group->running--;
    vcpu->waiting = true;
    (void)pthread_cond_broadcast(&group->changed);
    (void)pthread_mutex_unlock(&group->lock);
    return NULL;
}

static void wait_at_gate(struct vcpu_group *group)
{
    unsigned i;

    (void)pthread_mutex_lock(&group->lock);
    for (i = 0; i < group->config.num; i++) {
        while (group->vcpus[i].thread_started && !group->vcpus[i].waiting) {
            (void)pthread_cond_wait(&group->changed, &group->lock);
        }
    }
    (void)pthread_mutex_unlock(&group->lock);
}

int vcpu_group_start(struct vcpu_group *group, struct error *err)
{
    unsigned i;
    int err_no = 0;

    vcpu_group_hold(group);
    for (i = 0; i < group->config.num && err_no == 0; i++) {
        struct vcpu *vcpu = &group->vcpus[i];

        /* No lock: the new thread would only wait for it. Nobody kicks before the hold ends. */
        group->running++;
        err_no = pthread_create(&vcpu->thread, NULL, thread_main, vcpu);
        vcpu->thread_started = err_no == 0;
        group->running -= err_no != 0;
    }
    if (err_no != 0) {
        vcpu_group_stop(group);
        vcpu_group_join(group);
        return error_set_errno(err, err_no, "starting a CPU's thread");
    }
    return 0;
}

void vcpu_group_stop(struct vcpu_group *group)
{
    (void)pthread_mutex_lock(&group->lock);
    group->stopping = true;
    kick_all(group, VCPU_REQUEST_STOP);
    (void)pthread_mutex_unlock(&group->lock);
}

void vcpu_group_join(struct vcpu_group *group)
{
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        if (group->vcpus[i].thread_started) {
            (void)pthread_join(group->vcpus[i].thread, NULL);
            group->vcpus[i].thread_started = false;
        }
    }
}

void vcpu_group_left_guest(struct vcpu *vcpu)
{
    (void)pthread_mutex_lock(&vcpu->group->lock);
    (void)pthread_cond_broadcast(&vcpu->group->changed);
    (void)pthread_mutex_unlock(&vcpu->group->lock);
}

/* Group lock held; gives it up while the function runs. */
static void run_call(struct vcpu *vcpu)
{
    struct vcpu_group *group = vcpu->group;
    void (*call)(void *opaque, struct vcpu *vcpu) = group->call;
    void *opaque = group->call_opaque;

    (void)pthread_mutex_unlock(&group->lock);
    call(opaque, vcpu);
    (void)pthread_mutex_lock(&group->lock);
    atomic_fetch_and(&vcpu->requests, ~(uint32_t)VCPU_REQUEST_CALL);
    group->call_pending--;
    (void)pthread_cond_broadcast(&group->changed);
}

/* Group lock held. A hold that came after the letting through counts for all. */
static bool may_pass(const struct vcpu *vcpu)
{
    const struct vcpu_group *group = vcpu->group;

    return group->holds == 0 || (group->let == vcpu && group->holds <= group->let_holds);
}

bool vcpu_group_gate(struct vcpu *vcpu)
{
    struct vcpu_group *group = vcpu->group;

    if (atomic_fetch_and(&vcpu->requests, ~(uint32_t)VCPU_REQUEST_RESCUE) & VCPU_REQUEST_RESCUE) {
        (void)group->config.rescue(group->config.opaque, vcpu, NULL);
    }
    (void)pthread_mutex_lock(&group->lock);
    vcpu->waiting = true;
    (void)pthread_cond_broadcast(&group->changed);
    for (;;) {
        if (atomic_load(&vcpu->requests) & VCPU_REQUEST_CALL) {
            run_call(vcpu);
        } else if (group->stopping || may_pass(vcpu)) {
            break;
        } else {
            (void)pthread_cond_wait(&group->changed, &group->lock);
        }
    }
    vcpu->waiting = group->stopping;
    atomic_fetch_and(&vcpu->requests, ~(uint32_t)VCPU_REQUEST_WAIT);
    (void)pthread_mutex_unlock(&group->lock);
    return !vcpu->waiting;
}

void vcpu_group_hold(struct vcpu_group *group)
{
    (void)pthread_mutex_lock(&group->lock);
    if (group->holds++ == 0) {
        kick_all(group, VCPU_REQUEST_WAIT);
    } else if (group->let) {
        kick(group->let, VCPU_REQUEST_WAIT);
    }
    (void)pthread_mutex_unlock(&group->lock);
}

void vcpu_group_let(struct vcpu_group *group, struct vcpu *vcpu)
{
    (void)pthread_mutex_lock(&group->lock);
    group->let = vcpu;
    group->let_holds = group->holds;
    (void)pthread_cond_broadcast(&group->changed);
    (void)pthread_mutex_unlock(&group->lock);
}

void vcpu_group_unlet(struct vcpu_group *group)
{
    (void)pthread_mutex_lock(&group->lock);
    if (group->let && group->holds > 0) {
        kick(group->let, VCPU_REQUEST_WAIT);
    }
    group->let = NULL;
    (void)pthread_mutex_unlock(&group->lock);
}

void vcpu_group_unpark(struct vcpu_group *group)
{
    bool wake;

    (void)pthread_mutex_lock(&group->lock);
    group->holds--;
    if (group->holds == 0) {
        group->let = NULL;
    }
    wake = group->holds == 0 || group->let;
    (void)pthread_mutex_unlock(&group->lock);
    if (wake) { /* unlocked, so that who wakes finds the lock free */
        (void)pthread_cond_broadcast(&group->changed);
    }
}

void vcpu_group_park(struct vcpu_group *group)
{
    unsigned i;

    vcpu_group_hold(group);
    (void)pthread_mutex_lock(&group->lock);
    for (i = 0; i < group->config.num; i++) {
        while (atomic_load(&group->vcpus[i].in_guest)) {
            (void)pthread_cond_wait(&group->changed, &group->lock);
        }
    }
    (void)pthread_mutex_unlock(&group->lock);
}

void vcpu_group_pause(struct vcpu_group *group)
{
    vcpu_group_hold(group);
    wait_at_gate(group);
}

void vcpu_group_call(struct vcpu_group *group, void (*call)(void *opaque, struct vcpu *vcpu),
                     void *opaque)
{
    (void)pthread_mutex_lock(&group->lock);
    if (!group->stopping && group->running > 0) {
        group->call = call;
        group->call_opaque = opaque;
        group->call_pending = group->running;
        kick_all(group, VCPU_REQUEST_CALL);
        while (group->call_pending > 0) {
            (void)pthread_cond_wait(&group->changed, &group->lock);
        }
    }
    (void)pthread_mutex_unlock(&group->lock);
}

static int enter_state(struct vcpu *vcpu, const struct boot_entry *entry)
{
    struct kvm *kvm = vcpu->group->config.kvm;
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    int result = kvm_get_sregs(kvm, vcpu->fd, &sregs);

    if (result == 0) {
        x86_entry_state(entry, &regs, &sregs);
        if (!vcpu->group->config.irqchip) {
            sregs.apic_base = 0; /* KVM derives CPUID's APIC bit from it, whatever leaf 1 says */
        }
        result = kvm_set_sregs(kvm, vcpu->fd, &sregs);
    }
    return result == 0 ? kvm_set_regs(kvm, vcpu->fd, &regs) : result;
}

static void call_enter(void *opaque, struct vcpu *vcpu)
{
    vcpu->call_result = vcpu->index == 0 ? enter_state(vcpu, opaque) : 0;
}

static void msr_refused(void *opaque, uint32_t msr)
{
    const struct vcpu *vcpu = opaque;
    const struct vcpu_group_config *config = &vcpu->group->config;
    char line[128];

    if (config->warn) {
        (void)snprintf(line, sizeof(line),
                       "cpu %u: MSR 0x%" PRIx32 " is what the guest made it: KVM does not let it "
                       "be reset",
                       vcpu->index, msr);
        config->warn(config->opaque, line);
    }
}

static void call_reset(void *opaque, struct vcpu *vcpu)
{
    const struct vcpu_group_config *config = &vcpu->group->config;

    (void)opaque;
    vcpu_finish_access(vcpu);
    vcpu->call_result = x86_reset_write(config->kvm, vcpu->fd, config->irqchip, vcpu->index == 0,
                                        vcpu->reset, msr_refused, vcpu);
}

int vcpu_group_set_entry(struct vcpu_group *group, const struct boot_entry *entry,
                         struct error *err)
{
    struct boot_entry copy = *entry;
    bool threads;
    int result;

    (void)pthread_mutex_lock(&group->lock);
    threads = group->running > 0;
    (void)pthread_mutex_unlock(&group->lock);
    if (threads) {
        vcpu_group_call(group, call_enter, &copy);
        result = group->vcpus[0].call_result;
    } else {
        result = enter_state(&group->vcpus[0], entry);
    }
    return result < 0 ? error_set_errno(err, -result, "setting the first CPU's registers") : 0;
}

int vcpu_group_reset(struct vcpu_group *group)
{
    unsigned i;
    int result = 0;

    vcpu_group_call(group, call_reset, NULL);
    for (i = 0; i < group->config.num && result == 0; i++) {
        result = group->vcpus[i].call_result;
    }
    return result;
}

uint64_t vcpu_group_exits(struct vcpu_group *group)
{
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        sum += atomic_load_explicit(&group->vcpus[i].exits, memory_order_relaxed);
    }
    return sum;
}

/* Each vCPU has the list's head in its own line. */
static void show_taps(struct vcpu_group *group)
{
    unsigned i;

    for (i = 0; i < group->config.num; i++) {
        group->vcpus[i].taps = group->taps;
    }
}

void vcpu_group_tap(struct vcpu_group *group, struct vcpu_tap *tap)
{
    tap->next = group->taps;
    group->taps = tap;
    show_taps(group);
}

void vcpu_group_untap(struct vcpu_group *group, struct vcpu_tap *tap)
{
    struct vcpu_tap **link = &group->taps;

    while (*link && *link != tap) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = tap->next;
    }
    show_taps(group);
}
