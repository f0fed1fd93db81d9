/*
 * kvm.c - every ioctl is one line over kvm->call, which turns errno into a result. Capabilities are
 * asked for when first wanted: each costs a system call, and a short run wants few.
 */
#include "vmm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { API_VERSION = 12, CAP_VALUE_MAX = INT16_MAX - 1 };

const struct kvm_capability kvm_capabilities[KVM_HAS_NUM] = {
    [KVM_HAS_USER_MEMORY] = {"KVM_CAP_USER_MEMORY", KVM_CAP_USER_MEMORY, KVM_NEEDED_IMPLIED,
                             "guest memory"},
    [KVM_HAS_IMMEDIATE_EXIT] = {"KVM_CAP_IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT, KVM_NEEDED,
                                "stopping a CPU without a race"},
    [KVM_HAS_READONLY_MEM] = {"KVM_CAP_READONLY_MEM", KVM_CAP_READONLY_MEM, KVM_NEEDED_IMPLIED,
                              "ROM that the guest cannot write"},
    [KVM_HAS_IRQCHIP] = {"KVM_CAP_IRQCHIP", KVM_CAP_IRQCHIP, KVM_NEEDED_FOR_IRQCHIP,
                         "interrupt controllers"},
    [KVM_HAS_MP_STATE] = {"KVM_CAP_MP_STATE", KVM_CAP_MP_STATE, KVM_NEEDED_IMPLIED,
                          "more than one CPU, and telling a hang from idling"},
    [KVM_HAS_NR_MEMSLOTS] = {"KVM_CAP_NR_MEMSLOTS", KVM_CAP_NR_MEMSLOTS, KVM_OPTIONAL,
                             "how many memory slots there are (32 when unknown)"},
    [KVM_HAS_COALESCED_MMIO] = {"KVM_CAP_COALESCED_MMIO", KVM_CAP_COALESCED_MMIO, KVM_OPTIONAL,
                                "fewer exits for memory-mapped writes that may wait"},
    [KVM_HAS_COALESCED_PIO] = {"KVM_CAP_COALESCED_PIO", KVM_CAP_COALESCED_PIO, KVM_OPTIONAL,
                               "fewer exits for the debug console"},
    [KVM_HAS_IOEVENTFD] = {"KVM_CAP_IOEVENTFD", KVM_CAP_IOEVENTFD, KVM_OPTIONAL,
                           "doorbells that do not stop the CPU"},
    [KVM_HAS_DIRTY_LOG_PROTECT] = {"KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2",
                                   KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_OPTIONAL,
                                   "watching afresh only those pages whose dirty bits were taken"},
    [KVM_HAS_TSC_DEADLINE] = {"KVM_CAP_TSC_DEADLINE_TIMER", KVM_CAP_TSC_DEADLINE_TIMER,
                              KVM_OPTIONAL, "the LAPIC's TSC-deadline timer"},
    [KVM_HAS_TSC_KHZ] = {"KVM_CAP_GET_TSC_KHZ", KVM_CAP_GET_TSC_KHZ, KVM_OPTIONAL,
                         "telling the guest its TSC frequency"},
    [KVM_HAS_NR_VCPUS] = {"KVM_CAP_NR_VCPUS", KVM_CAP_NR_VCPUS, KVM_OPTIONAL,
                          "how many CPUs are recommended"},
    [KVM_HAS_MAX_VCPUS] = {"KVM_CAP_MAX_VCPUS", KVM_CAP_MAX_VCPUS, KVM_OPTIONAL,
                           "how many CPUs are possible"},
    [KVM_HAS_SYNC_REGS] = {"KVM_CAP_SYNC_REGS", KVM_CAP_SYNC_REGS, KVM_OPTIONAL,
                           "registers before a triple fault, where KVM resets the CPU; profiles "
                           "by instruction"},
};

static int call_kernel(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    int result = ioctl(fd, request, arg);

    (void)kvm;
    return result < 0 ? -errno : result;
}

static int call(struct kvm *kvm, int fd, unsigned long request, void *arg)
{
    atomic_fetch_add_explicit(&kvm->calls, 1, memory_order_relaxed);
    return kvm->call(kvm, fd, request, arg);
}

/* ioctls that take their argument by value. */
static int call_value(struct kvm *kvm, int fd, unsigned long request, unsigned long value)
{
    return call(kvm, fd, request, (void *)value);
}

/* For ioctls that only read what they are given: their prototype has no const. */
static int call_const(struct kvm *kvm, int fd, unsigned long request, const void *arg)
{
    return call(kvm, fd, request, (void *)(uintptr_t)arg);
}

/* The name of a group, from the file only: a static glibc cannot load the name services. */
static bool group_name(gid_t gid, char *name, size_t size)
{
    FILE *file = fopen("/etc/group", "re");
    char buffer[1024];
    struct group group, *found = NULL;
    bool known = false;

    if (!file) {
        return false;
    }
    while (!known && fgetgrent_r(file, &group, buffer, sizeof(buffer), &found) == 0) {
        known = group.gr_gid == gid;
    }
    if (known) {
        (void)snprintf(name, size, "%s", group.gr_name);
    }
    (void)fclose(file);
    return known;
}

static int explain_permission(const char *path, struct error *err)
{
    char name[64];
    struct stat st;

    if (stat(path, &st) != 0) {
        return error_set(err, EACCES, "%s: permission denied", path);
    }
    if (!(st.st_mode & S_IRGRP) || !(st.st_mode & S_IWGRP)) {
        return error_set(err, EACCES,
                         "%s: permission denied: only its owner (uid %u) may use it; "
                         "as root, `chgrp kvm %s; chmod 660 %s` opens it to the group kvm",
                         path, (unsigned)st.st_uid, path, path);
    }
    if (!group_name(st.st_gid, name, sizeof(name))) {
        return error_set(err, EACCES, "%s: permission denied: it belongs to group %u", path,
                         (unsigned)st.st_gid);
    }
    return error_set(err, EACCES,
                     "%s: permission denied: it belongs to group %s; `usermod -aG %s USER` and a "
                     "new login give access",
                     path, name, name);
}

static int explain_open(const char *path, int err_no, struct error *err)
{
    switch (err_no) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return error_set(err, err_no,
                         "%s: no KVM here: the CPU's virtualisation is off or hidden, or the "
                         "modules (kvm and kvm_intel or kvm_amd) are not loaded",
                         path);
    case EACCES:
    case EPERM:
        return explain_permission(path, err);
    default:
        return error_set_errno(err, err_no, "%s", path);
    }
}

int kvm_open(struct kvm *kvm, const char *path, struct error *err)
{
    int version;

    path = path ? path : "/dev/kvm";
    *kvm = (struct kvm){.sys_fd = -1, .vm_fd = -1, .call = call_kernel};
    kvm->sys_fd = open(path, O_RDWR | O_CLOEXEC);
    if (kvm->sys_fd < 0) {
        return explain_open(path, errno, err);
    }
    version = call_value(kvm, kvm->sys_fd, KVM_GET_API_VERSION, 0);
    if (version == API_VERSION) {
        return 0;
    }
    kvm_close(kvm);
    if (version < 0) {
        return error_set(err, ENOTTY, "%s: not a KVM device", path);
    }
    return error_set(err, EPROTO, "%s: KVM API version %d, acre needs %d", path, version,
                     API_VERSION);
}

static int check_needed(struct kvm *kvm, bool irqchip, struct error *err)
{
    unsigned i;

    for (i = 0; i < KVM_HAS_NUM; i++) {
        const struct kvm_capability *cap = &kvm_capabilities[i];

        if (cap->need == KVM_NEEDED_IMPLIED || cap->need == KVM_OPTIONAL ||
            (cap->need == KVM_NEEDED_FOR_IRQCHIP && !irqchip)) {
            continue;
        }
        if (!kvm_has(kvm, (enum kvm_capability_id)i)) {
            return error_set(err, ENOTSUP, "this kernel's KVM lacks %s, needed for %s", cap->name,
                             cap->purpose);
        }
    }
    return 0;
}

int kvm_create_vm(struct kvm *kvm, bool irqchip, struct error *err)
{
    int result;

    do {
        result = call_value(kvm, kvm->sys_fd, KVM_CREATE_VM, 0);
    } while (result == -EINTR);
    if (result < 0) {
        return error_set_errno(err, -result, "KVM_CREATE_VM");
    }
    kvm->vm_fd = result;
    return check_needed(kvm, irqchip, err);
}

void kvm_close(struct kvm *kvm)
{
    if (!kvm->call) {
        return;
    }
    if (kvm->vm_fd >= 0) {
        (void)close(kvm->vm_fd);
    }
    if (kvm->sys_fd >= 0) {
        (void)close(kvm->sys_fd);
    }
    *kvm = (struct kvm){.sys_fd = -1, .vm_fd = -1};
}

int kvm_has(struct kvm *kvm, enum kvm_capability_id id)
{
    int fd = kvm->vm_fd >= 0 ? kvm->vm_fd : kvm->sys_fd;
    int value;

    if (kvm->caps[id] == 0) {
        value =
            call_value(kvm, fd, KVM_CHECK_EXTENSION, (unsigned long)kvm_capabilities[id].number);
        value = value < 0 ? 0 : value;
        kvm->caps[id] = (int16_t)((value < CAP_VALUE_MAX ? value : CAP_VALUE_MAX) + 1);
    }
    return kvm->caps[id] - 1;
}

int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region *region)
{
    return call_const(kvm, kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, region);
}

int kvm_enable_cap(struct kvm *kvm, uint32_t number, uint64_t arg)
{
    struct kvm_enable_cap cap = {.cap = number, .args = {arg}};

    return call(kvm, kvm->vm_fd, KVM_ENABLE_CAP, &cap);
}

int kvm_get_dirty_log(struct kvm *kvm, uint32_t slot, uint64_t *bitmap)
{
    struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = bitmap};

    return call(kvm, kvm->vm_fd, KVM_GET_DIRTY_LOG, &log);
}

int kvm_clear_dirty_log(struct kvm *kvm, uint32_t slot, uint64_t first_page, uint32_t page_num,
                        uint64_t *bitmap)
{
    struct kvm_clear_dirty_log log = {
        .slot = slot, .num_pages = page_num, .first_page = first_page, .dirty_bitmap = bitmap};

    return call(kvm, kvm->vm_fd, KVM_CLEAR_DIRTY_LOG, &log);
}

int kvm_reset_dirty_rings(struct kvm *kvm)
{
    return call_value(kvm, kvm->vm_fd, KVM_RESET_DIRTY_RINGS, 0);
}

int kvm_create_irqchip(struct kvm *kvm)
{
    return call_value(kvm, kvm->vm_fd, KVM_CREATE_IRQCHIP, 0);
}

int kvm_set_tss_addr(struct kvm *kvm, uint64_t gpa)
{
    return call_value(kvm, kvm->vm_fd, KVM_SET_TSS_ADDR, gpa);
}

int kvm_irq_line(struct kvm *kvm, uint32_t gsi, bool level)
{
    struct kvm_irq_level irq = {.irq = gsi, .level = level};

    return call(kvm, kvm->vm_fd, KVM_IRQ_LINE, &irq);
}

int kvm_ioeventfd(struct kvm *kvm, const struct kvm_ioeventfd *eventfd)
{
    return call_const(kvm, kvm->vm_fd, KVM_IOEVENTFD, eventfd);
}

int kvm_coalesced_zone(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone, bool add)
{
    unsigned long request = add ? KVM_REGISTER_COALESCED_MMIO : KVM_UNREGISTER_COALESCED_MMIO;

    return call_const(kvm, kvm->vm_fd, request, zone);
}

int kvm_create_vcpu(struct kvm *kvm, unsigned index)
{
    return call_value(kvm, kvm->vm_fd, KVM_CREATE_VCPU, index);
}

int kvm_vcpu_mmap_size(struct kvm *kvm)
{
    return call_value(kvm, kvm->sys_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
}

int kvm_get_irqchip(struct kvm *kvm, struct kvm_irqchip *chip)
{
    return call(kvm, kvm->vm_fd, KVM_GET_IRQCHIP, chip);
}

int kvm_set_irqchip(struct kvm *kvm, const struct kvm_irqchip *chip)
{
    return call_const(kvm, kvm->vm_fd, KVM_SET_IRQCHIP, chip);
}

int kvm_get_msr_index_list(struct kvm *kvm, struct kvm_msr_list *list)
{
    return call(kvm, kvm->sys_fd, KVM_GET_MSR_INDEX_LIST, list);
}

int kvm_get_supported_cpuid(struct kvm *kvm, struct kvm_cpuid2 *cpuid)
{
    return call(kvm, kvm->sys_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
}

int kvm_get_regs(struct kvm *kvm, int fd, struct kvm_regs *regs)
{
    return call(kvm, fd, KVM_GET_REGS, regs);
}

int kvm_set_regs(struct kvm *kvm, int fd, const struct kvm_regs *regs)
{
    return call_const(kvm, fd, KVM_SET_REGS, regs);
}

int kvm_get_sregs(struct kvm *kvm, int fd, struct kvm_sregs *sregs)
{
    return call(kvm, fd, KVM_GET_SREGS, sregs);
}

int kvm_set_sregs(struct kvm *kvm, int fd, const struct kvm_sregs *sregs)
{
    return call_const(kvm, fd, KVM_SET_SREGS, sregs);
}

int kvm_get_sregs2(struct kvm *kvm, int fd, struct kvm_sregs2 *sregs)
{
    return call(kvm, fd, KVM_GET_SREGS2, sregs);
}

int kvm_get_cpuid(struct kvm *kvm, int fd, struct kvm_cpuid2 *cpuid)
{
    return call(kvm, fd, KVM_GET_CPUID2, cpuid);
}

int kvm_set_cpuid(struct kvm *kvm, int fd, const struct kvm_cpuid2 *cpuid)
{
    return call_const(kvm, fd, KVM_SET_CPUID2, cpuid);
}

int kvm_set_msrs(struct kvm *kvm, int fd, const struct kvm_msrs *msrs)
{
    return call_const(kvm, fd, KVM_SET_MSRS, msrs);
}

int kvm_get_msrs(struct kvm *kvm, int fd, struct kvm_msrs *msrs)
{
    return call(kvm, fd, KVM_GET_MSRS, msrs);
}

int kvm_get_mp_state(struct kvm *kvm, int fd, uint32_t *state)
{
    struct kvm_mp_state mp = {0};
    int result = call(kvm, fd, KVM_GET_MP_STATE, &mp);

    *state = mp.mp_state;
    return result;
}

int kvm_set_mp_state(struct kvm *kvm, int fd, uint32_t state)
{
    struct kvm_mp_state mp = {.mp_state = state};

    return call(kvm, fd, KVM_SET_MP_STATE, &mp);
}

int kvm_get_lapic(struct kvm *kvm, int fd, struct kvm_lapic_state *lapic)
{
    return call(kvm, fd, KVM_GET_LAPIC, lapic);
}

int kvm_set_lapic(struct kvm *kvm, int fd, const struct kvm_lapic_state *lapic)
{
    return call_const(kvm, fd, KVM_SET_LAPIC, lapic);
}

int kvm_get_debugregs(struct kvm *kvm, int fd, struct kvm_debugregs *regs)
{
    return call(kvm, fd, KVM_GET_DEBUGREGS, regs);
}

int kvm_set_debugregs(struct kvm *kvm, int fd, const struct kvm_debugregs *regs)
{
    return call_const(kvm, fd, KVM_SET_DEBUGREGS, regs);
}

int kvm_get_xcrs(struct kvm *kvm, int fd, struct kvm_xcrs *xcrs)
{
    return call(kvm, fd, KVM_GET_XCRS, xcrs);
}

int kvm_set_xcrs(struct kvm *kvm, int fd, const struct kvm_xcrs *xcrs)
{
    return call_const(kvm, fd, KVM_SET_XCRS, xcrs);
}

int kvm_get_fpu(struct kvm *kvm, int fd, struct kvm_fpu *fpu)
{
    return call(kvm, fd, KVM_GET_FPU, fpu);
}

int kvm_get_xsave(struct kvm *kvm, int fd, struct kvm_xsave *xsave)
{
    return call(kvm, fd, KVM_GET_XSAVE, xsave);
}

int kvm_set_xsave(struct kvm *kvm, int fd, const struct kvm_xsave *xsave)
{
    return call_const(kvm, fd, KVM_SET_XSAVE, xsave);
}

int kvm_get_vcpu_events(struct kvm *kvm, int fd, struct kvm_vcpu_events *events)
{
    return call(kvm, fd, KVM_GET_VCPU_EVENTS, events);
}

int kvm_set_vcpu_events(struct kvm *kvm, int fd, const struct kvm_vcpu_events *events)
{
    return call_const(kvm, fd, KVM_SET_VCPU_EVENTS, events);
}

int kvm_set_fpu(struct kvm *kvm, int fd, const struct kvm_fpu *fpu)
{
    return call_const(kvm, fd, KVM_SET_FPU, fpu);
}

int kvm_set_guest_debug(struct kvm *kvm, int fd, const struct kvm_guest_debug *debug)
{
    return call_const(kvm, fd, KVM_SET_GUEST_DEBUG, debug);
}

int kvm_get_stats_fd(struct kvm *kvm, int fd)
{
    return call_value(kvm, fd, KVM_GET_STATS_FD, 0);
}

int kvm_get_tsc_khz(struct kvm *kvm, int fd)
{
    return call_value(kvm, fd, KVM_GET_TSC_KHZ, 0);
}

int kvm_nmi(struct kvm *kvm, int fd)
{
    return call(kvm, fd, KVM_NMI, NULL);
}

int kvm_interrupt(struct kvm *kvm, int fd, uint32_t vector)
{
    struct kvm_interrupt interrupt = {.irq = vector};

    return call(kvm, fd, KVM_INTERRUPT, &interrupt);
}

int kvm_translate(struct kvm *kvm, int fd, uint64_t linear, uint64_t *gpa)
{
    struct kvm_translation translation = {.linear_address = linear};
    int result = call(kvm, fd, KVM_TRANSLATE, &translation);

    *gpa = translation.physical_address;
    return result == 0 && !translation.valid ? -EFAULT : result;
}
