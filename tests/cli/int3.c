/*
 * int3.c - LD_PRELOAD for acre: a KVM that delivers int3 (KVM_GUESTDBG_USE_SW_BP) where the host's
 * says of it that it cannot be emulated; that exit becomes the other one. With INT3=hang it is a
 * KVM that does not come back from an int3 but for a signal. INT3_LOG names a file that gets a dot
 * for each one delivered.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FDS = 1024, INT3 = 0xcc };

static struct {
    struct kvm_run *run;
    int wanted; /* int3 are exits */
} vcpus[FDS];

static int log_fd = -1; /* opened before system calls are filtered */

__attribute__((constructor)) static void open_log(void)
{
    const char *path = getenv("INT3_LOG");

    if (path) {
        log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

static int kernel(int fd, unsigned long request, void *arg)
{
    int (*next)(int, unsigned long, ...);
    void *symbol = dlsym(RTLD_NEXT, "ioctl");

    memcpy(&next, &symbol, sizeof(next));
    return next(fd, request, arg);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    void *(*next)(void *, size_t, int, int, int, off_t);
    void *symbol = dlsym(RTLD_NEXT, "mmap"), *memory;

    memcpy(&next, &symbol, sizeof(next));
    memory = next(addr, len, prot, flags, fd, offset);
    if (fd >= 0 && fd < FDS && (flags & MAP_SHARED) && offset == 0) {
        vcpus[fd].run = memory; /* looked at for what was told of debugging only */
    }
    return memory;
}

static int is_int3(const struct kvm_run *run)
{
    return run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
           run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && run->internal.ndata >= 3 &&
           (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) &&
           run->emulation_failure.insn_size > 0 && run->emulation_failure.insn_bytes[0] == INT3;
}

static int deliver(int fd, struct kvm_run *run)
{
    const char *how = getenv("INT3");
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    if (how && strcmp(how, "hang") == 0) {
        (void)pause();
        errno = EINTR;
        return -1;
    }
    if (kernel(fd, KVM_GET_REGS, &regs) != 0 || kernel(fd, KVM_GET_SREGS, &sregs) != 0 ||
        kernel(fd, KVM_SET_REGS, &regs) != 0) { /* which drops the #UD that is queued */
        return -1;
    }
    if (log_fd >= 0 && write(log_fd, ".", 1) != 1) {
        return -1;
    }
    run->exit_reason = KVM_EXIT_DEBUG;
    run->debug.arch = (struct kvm_debug_exit_arch){
        .exception = 3, .pc = sregs.cs.l ? regs.rip : sregs.cs.base + regs.rip};
    return 0;
}

/* What KVM pushes is behind the int3, as it knows from the exit that it made. */
static void skip_int3(int fd)
{
    struct kvm_regs regs;

    if (kernel(fd, KVM_GET_REGS, &regs) == 0) {
        regs.rip++;
        (void)kernel(fd, KVM_SET_REGS, &regs);
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    const struct kvm_guest_debug *debug;
    va_list args;
    void *arg;
    int ret;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    debug = arg;
    if (request == KVM_SET_GUEST_DEBUG && (debug->control & KVM_GUESTDBG_INJECT_BP)) {
        skip_int3(fd);
    }
    ret = kernel(fd, request, arg);
    if (fd < 0 || fd >= FDS || !vcpus[fd].run || ret != 0) {
        return ret;
    }
    if (request == KVM_SET_GUEST_DEBUG) {
        vcpus[fd].wanted = (debug->control & KVM_GUESTDBG_USE_SW_BP) != 0;
    } else if (request == KVM_RUN && vcpus[fd].wanted && is_int3(vcpus[fd].run)) {
        return deliver(fd, vcpus[fd].run);
    }
    return ret;
}
