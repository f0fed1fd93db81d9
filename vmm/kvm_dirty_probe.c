/*
 * kvm_dirty_probe.c - a guest that writes one dword in each of four rings' worth of pages, and
 * halts. A sound KVM stops it before the ring is full each time, with room to spare, and has every
 * page in the log.
 */
#include "vmm/kvm_dirty_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/x86.h"

enum { PAGE = 4096, SIZE_MAX_PROBED = 1024, RINGS_WORTH = 4, CODE_GPA = 0x1000 };
enum { PAGES_GPA = 0x100000, EXITS_MAX = 64, CODE_SLOT = 0, PAGES_SLOT = 1 };

struct probe {
    struct kvm kvm;
    struct kvm_dirty_rings rings;
    uint32_t size, pages;
    uint8_t *memory; /* the page of code, then those that are written */
    int fd;          /* of the vCPU */
    struct kvm_run *run;
    size_t run_size;
};

static const uint8_t code[] = {
    0x89, 0x07,                         /* 1: mov %eax, (%edi) */
    0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, /* add $0x1000, %edi */
    0x39, 0xf7,                         /* cmp %esi, %edi */
    0x72, 0xf4,                         /* jb 1b */
    0xf4,                               /* hlt */
};

static int make_memory(struct probe *probe)
{
    struct kvm_userspace_memory_region region = {
        .slot = CODE_SLOT, .guest_phys_addr = CODE_GPA, .memory_size = PAGE};
    void *memory = mmap(NULL, (probe->pages + 1) * (size_t)PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int result;

    if (memory == MAP_FAILED) {
        return -errno;
    }
    probe->memory = memory;
    memcpy(probe->memory, code, sizeof(code));
    region.userspace_addr = (uintptr_t)probe->memory;
    result = kvm_set_memory_region(&probe->kvm, &region);
    if (result == 0) {
        region = (struct kvm_userspace_memory_region){
            .slot = PAGES_SLOT,
            .flags = KVM_MEM_LOG_DIRTY_PAGES,
            .guest_phys_addr = PAGES_GPA,
            .memory_size = (uint64_t)probe->pages * PAGE,
            .userspace_addr = (uintptr_t)probe->memory + PAGE,
        };
        result = kvm_set_memory_region(&probe->kvm, &region);
    }
    return result;
}

static int make_vcpu(struct probe *probe)
{
    const struct boot_entry entry = {
        .mode = CPU_MODE_PROTECTED32,
        .rip = CODE_GPA,
        .rdi = PAGES_GPA,
        .rsi = PAGES_GPA + (uint64_t)probe->pages * PAGE,
    };
    int size = kvm_vcpu_mmap_size(&probe->kvm), result;
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    void *run;

    probe->fd = size < 0 ? size : kvm_create_vcpu(&probe->kvm, 0);
    if (probe->fd < 0) {
        return probe->fd;
    }
    probe->run_size = (size_t)size;
    run = mmap(NULL, probe->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, probe->fd, 0);
    if (run == MAP_FAILED) {
        return -errno;
    }
    probe->run = run;
    result = kvm_dirty_rings_add(&probe->rings, probe->fd);
    result = result < 0 ? result : kvm_get_sregs(&probe->kvm, probe->fd, &sregs);
    if (result < 0) {
        return result;
    }
    x86_entry_state(&entry, &regs, &sregs);
    result = kvm_set_sregs(&probe->kvm, probe->fd, &sregs);
    return result < 0 ? result : kvm_set_regs(&probe->kvm, probe->fd, &regs);
}

/* Returns: 0; -EOVERFLOW the ring is not sound; -errno. */
static int run(struct probe *probe)
{
    uint32_t logged = 0;
    unsigned exits;
    int taken;

    for (exits = 0; exits < EXITS_MAX; exits++) {
        if (ioctl(probe->fd, KVM_RUN, 0) < 0) {
            if (errno == EINTR || errno == EAGAIN) {
                continue;
            }
            return -errno;
        }
        taken = kvm_dirty_rings_harvest(&probe->rings);
        if (taken < 0) {
            return taken == -EPROTO ? -EOVERFLOW : taken;
        }
        logged += (uint32_t)taken;
        if (probe->run->exit_reason == KVM_EXIT_HLT) {
            /* The page of a write that the full ring cut short is logged once more. */
            return logged >= probe->pages ? 0 : -EOVERFLOW;
        }
        if (probe->run->exit_reason != KVM_EXIT_DIRTY_RING_FULL) {
            return -EIO;
        }
        if (taken == 0 || (uint32_t)taken >= probe->size) {
            return -EOVERFLOW;
        }
    }
    return -EOVERFLOW;
}

static void finish(struct probe *probe)
{
    kvm_dirty_rings_finish(&probe->rings);
    if (probe->run) {
        (void)munmap(probe->run, probe->run_size);
    }
    if (probe->fd >= 0) {
        (void)close(probe->fd);
    }
    (void)close(probe->kvm.vm_fd);
    if (probe->memory) {
        (void)munmap(probe->memory, (probe->pages + 1) * (size_t)PAGE);
    }
}

int kvm_dirty_ring_probe(struct kvm *kvm, uint32_t size, struct error *err)
{
    struct probe probe = {
        .kvm = {.sys_fd = kvm->sys_fd, .vm_fd = -1, .call = kvm->call, .opaque = kvm->opaque},
        .size = size < SIZE_MAX_PROBED ? size : SIZE_MAX_PROBED,
        .fd = -1,
    };
    int result = kvm_create_vm(&probe.kvm, false, err);

    if (result < 0) {
        return result;
    }
    probe.pages = probe.size * RINGS_WORTH;
    result = kvm_dirty_rings_init(&probe.rings, &probe.kvm, probe.size, err);
    if (result == 0) {
        result = make_memory(&probe);
        result = result < 0 ? result : make_vcpu(&probe);
        result = result < 0 ? result : run(&probe);
        if (result == -EOVERFLOW) {
            result = error_set(err, ENOTSUP,
                               "this kernel's KVM lets its dirty rings overflow: use the bitmap");
        } else if (result < 0) {
            result = error_set_errno(err, -result, "trying the dirty ring");
        }
    }
    finish(&probe);
    return result;
}
