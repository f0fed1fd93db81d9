/*
 * floor.c - the least a program can do to run the same guest: the ioctls by hand, one thread, no
 * device but a serial port's data register (0x3f8, to stdout) and a port that ends (0xf4).
 *
 *   floor bare|irqchip exit|pio|mmio|touch COUNT   run it
 *   floor code exit|pio|mmio|touch COUNT           write the guest to stdout (flat 32, 1 MiB)
 *
 * The guest writes '<', does COUNT writes (port 0x80, address 0xd0000000, or its own pages), writes
 * '>' and ends; `exit` does nothing in between, `touch` stays where it is until it is killed.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM_SIZE = 128 << 20, CODE_AT = 1 << 20, GUEST_MAX = 128, CPUID_MAX = 100 };

static const uint8_t head[] = {
    0x66, 0xba, 0xf8, 0x03, /* mov $0x3f8, %dx */
    0xb0, '<',              /* mov $'<', %al */
    0xee,                   /* out %al, %dx */
};
static const uint8_t load_count[] = {0xb9, 0, 0, 0, 0}; /* mov $COUNT, %ecx */
static const uint8_t loop_pio[] = {
    0xe6, 0x80, /* 1: out %al, $0x80 */
    0xe2, 0xfc, /* loop 1b */
};
static const uint8_t loop_mmio[] = {
    0xa3, 0x00, 0x00, 0x00, 0xd0, /* 1: mov %eax, 0xd0000000 */
    0xe2, 0xf9,                   /* loop 1b */
};
static const uint8_t loop_touch[] = {
    0xbf, 0x00, 0x00, 0x20, 0x00,       /* mov $0x200000, %edi */
    0x89, 0x0f,                         /* 1: mov %ecx, (%edi) */
    0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, /* add $0x1000, %edi */
    0xe2, 0xf6,                         /* loop 1b */
};
static const uint8_t tail[] = {
    0xb0, '>',  /* mov $'>', %al */
    0xee,       /* out %al, %dx */
    0x31, 0xc0, /* xor %eax, %eax */
    0xe6, 0xf4, /* out %al, $0xf4 */
};
static const uint8_t stay[] = {0xb0, '>', 0xee, 0xeb, 0xfe}; /* ...; 1: jmp 1b */

static size_t put(uint8_t *code, size_t used, const uint8_t *bytes, size_t len)
{
    memcpy(code + used, bytes, len);
    return used + len;
}

static size_t make_guest(const char *kind, uint32_t count, uint8_t code[GUEST_MAX])
{
    size_t used = put(code, 0, head, sizeof(head));

    if (strcmp(kind, "exit") == 0) {
        return put(code, used, tail, sizeof(tail));
    }
    used = put(code, used, load_count, sizeof(load_count));
    memcpy(code + used - sizeof(count), &count, sizeof(count));
    if (strcmp(kind, "pio") == 0) {
        used = put(code, used, loop_pio, sizeof(loop_pio));
    } else if (strcmp(kind, "mmio") == 0) {
        used = put(code, used, loop_mmio, sizeof(loop_mmio));
    } else if (strcmp(kind, "touch") == 0) {
        used = put(code, used, loop_touch, sizeof(loop_touch));
        return put(code, used, stay, sizeof(stay));
    } else {
        errx(2, "%s: not a guest", kind);
    }
    return put(code, used, tail, sizeof(tail));
}

static int must(int result, const char *what)
{
    if (result < 0) {
        err(2, "%s", what);
    }
    return result;
}

static void *map(size_t size, int fd)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
    void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (ptr == MAP_FAILED) {
        err(2, "mmap");
    }
    return ptr;
}

/* Flat 32-bit segments, as acre's --flat 32. */
static void set_state(int vcpu)
{
    struct kvm_segment data = {
        .limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_regs regs = {.rip = CODE_AT, .rflags = 2};
    struct kvm_sregs sregs;

    must(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
    sregs.cs = sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
    sregs.cs.selector = 8;
    sregs.cs.type = 11;
    sregs.cr0 = 1 | 1 << 4;
    must(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
    must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static void set_cpuid(int kvm, int vcpu)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[CPUID_MAX];
    } cpuid = {.head.nent = CPUID_MAX};

    must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
    must(ioctl(vcpu, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
}

/* The bare loop. Returns: the guest's status. */
static int run(int vcpu, struct kvm_run *state)
{
    for (;;) {
        const uint8_t *data;

        must(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
        if (state->exit_reason == KVM_EXIT_MMIO) {
            continue;
        }
        if (state->exit_reason != KVM_EXIT_IO) {
            errx(2, "exit %u", state->exit_reason);
        }
        data = (uint8_t *)state + state->io.data_offset;
        if (state->io.port == 0xf4) {
            return *data;
        }
        if (state->io.port == 0x3f8) {
            must((int)write(STDOUT_FILENO, data, 1), "write");
        }
    }
}

int main(int argc, char **argv)
{
    struct kvm_userspace_memory_region slot = {.memory_size = RAM_SIZE};
    uint8_t code[GUEST_MAX];
    size_t len;
    int kvm, vm, vcpu;
    char *ram;

    if (argc != 4) {
        errx(2, "usage: floor bare|irqchip|code exit|pio|mmio|touch COUNT");
    }
    len = make_guest(argv[2], (uint32_t)strtoul(argv[3], NULL, 0), code);
    if (strcmp(argv[1], "code") == 0) {
        return write(STDOUT_FILENO, code, len) == (ssize_t)len ? 0 : 2;
    }
    kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    must(ioctl(kvm, KVM_GET_API_VERSION, 0) - KVM_API_VERSION, "KVM_GET_API_VERSION");
    vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    if (strcmp(argv[1], "irqchip") == 0) {
        must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
    }
    ram = map(RAM_SIZE, -1);
    memcpy(ram + CODE_AT, code, len);
    slot.userspace_addr = (uint64_t)(uintptr_t)ram;
    must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
    vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    set_cpuid(kvm, vcpu);
    set_state(vcpu);
    return run(vcpu, map((size_t)must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "size"), vcpu));
}
