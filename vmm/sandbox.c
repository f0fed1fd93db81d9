/*
 * sandbox.c - the allow-list is one table; an entry without a condition allows the call whatever
 * its arguments, entries of the same call with conditions allow it when one of them holds.
 */
#include "vmm/sandbox.h"

#include <asm/termbits.h>
#include <cap-ng.h>
#include <errno.h>
#include <linux/kvm.h>
#include <malloc.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What argument `arg` must be: (value & mask) == wanted. A zero mask: no condition. */
struct condition {
    unsigned arg;
    uint64_t mask, wanted;
};

/* Requests of KVM's ioctls have this type byte. */
#define KVM_TYPE_MASK UINT64_C(0xff00)
#define KVM_TYPE ((uint64_t)KVMIO << 8)
#define LOW_32 UINT64_C(0xffffffff)

static const struct allowed {
    int number;
    const char *name;
    struct condition condition;
    bool own_pid; /* the first argument must be this process */
    const char *reason;
} allowed[] = {
#define CALL(call) .number = SCMP_SYS(call), .name = #call
    {CALL(ioctl), .condition = {1, KVM_TYPE_MASK, KVM_TYPE},
     .reason = "KVM_RUN and all else of KVM"},
    {CALL(ioctl), .condition = {1, LOW_32, TCGETS}, .reason = "the terminal: its mode"},
    {CALL(ioctl), .condition = {1, LOW_32, TCSETS}, .reason = "the terminal: raw"},
    {CALL(ioctl), .condition = {1, LOW_32, TCSETSW}, .reason = "the terminal: given back"},
    {CALL(ioctl), .condition = {1, LOW_32, TIOCGPGRP}, .reason = "the terminal: is it ours"},
    {CALL(read), .reason = "console input, eventfd, signalfd, timerfd"},
    {CALL(write), .reason = "console output, diagnostics, eventfd, the result file"},
    {CALL(writev), .reason = "the C library's last words before abort()"},
    {CALL(sendto), .reason = "console output to a socket, without waiting"},
    {CALL(pread64), .reason = "kernel and modules, placed again after a reset"},
    {CALL(lseek), .reason = "kernel and modules, placed again after a reset"},
    {CALL(poll), .reason = "may the console be written or read"},
    {CALL(ppoll), .reason = "poll, as some C libraries make it"},
    {CALL(epoll_wait), .reason = "the event loop"},
    {CALL(epoll_pwait), .reason = "the event loop, as some C libraries make it"},
    {CALL(epoll_ctl), .reason = "the event loop: console and timers come and go"},
    {CALL(timerfd_create), .reason = "the clock's first timer"},
    {CALL(timerfd_settime), .reason = "the clock's timers"},
    {CALL(futex), .reason = "locks, joining threads, liburcu's worker"},
    {CALL(membarrier), .reason = "liburcu's grace periods"},
    {CALL(tgkill), .own_pid = true, .reason = "kicking a vCPU out of KVM_RUN, re-raising a signal"},
    {CALL(rt_sigaction), .reason = "re-raising a fatal signal, abort()"},
    {CALL(rt_sigprocmask), .reason = "locks out signals around abort() and thread exit"},
    {CALL(rt_sigreturn), .reason = "the end of a kick's handler"},
    {CALL(sigaltstack), .reason = "a thread's end"},
    {CALL(set_robust_list), .reason = "a thread's beginning"},
    {CALL(rseq), .reason = "a thread's beginning"},
    {CALL(getpid), .reason = "raise()"},
    {CALL(gettid), .reason = "raise()"},
    {CALL(getpgrp), .reason = "the terminal: is it ours"},
    {CALL(mmap), .condition = {2, PROT_EXEC, 0}, .reason = "memory, never executable"},
    {CALL(mprotect), .condition = {2, PROT_EXEC, 0}, .reason = "malloc's arenas"},
    {CALL(munmap), .reason = "memory given back"},
    {CALL(mremap), .reason = "realloc"},
    {CALL(madvise), .reason = "malloc, a thread's stack at its end"},
    {CALL(brk), .reason = "malloc"},
    {CALL(close), .reason = "everything ends by close"},
    {CALL(fstat), .reason = "the C library's look at a descriptor"},
    {CALL(newfstatat), .reason = "the C library's look at a descriptor"},
    {CALL(clock_gettime), .reason = "time, where the vDSO has no clock"},
    {CALL(gettimeofday), .reason = "time of day, where the vDSO has no clock"},
    {CALL(clock_nanosleep), .reason = "liburcu's waits"},
    {CALL(nanosleep), .reason = "liburcu's waits"},
    {CALL(restart_syscall), .reason = "waits that a stop interrupted"},
    {CALL(sched_yield), .reason = "spinning locks"},
    {CALL(getcpu), .reason = "liburcu, where the vDSO does not know"},
    {CALL(getrandom), .reason = "malloc's first use in a thread"},
    {CALL(exit), .reason = "a thread's end"},
    {CALL(exit_group), .reason = "the end"},
#undef CALL
};

enum { ALLOWED_NUM = sizeof(allowed) / sizeof(allowed[0]), MALLOC_ARENAS = 8 };

int sandbox_drop_privileges(struct error *err)
{
    capng_clear(CAPNG_SELECT_BOTH);
    /* The bounding set need not be cut: with no_new_privs no execve adds to what is held. */
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
        return error_set(err, EPERM, "sandbox: capabilities cannot be dropped");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return error_set_errno(err, errno, "sandbox: no_new_privs");
    }
    return 0;
}

static int add_rule(scmp_filter_ctx ctx, const struct allowed *entry)
{
    struct scmp_arg_cmp cmp = {.op = SCMP_CMP_MASKED_EQ};

    if (entry->own_pid) {
        cmp.datum_a = LOW_32;
        cmp.datum_b = (scmp_datum_t)getpid();
    } else if (entry->condition.mask != 0) {
        cmp.arg = entry->condition.arg;
        cmp.datum_a = entry->condition.mask;
        cmp.datum_b = entry->condition.wanted;
    } else {
        return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, entry->number, 0, NULL);
    }
    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, entry->number, 1, &cmp);
}

int sandbox_filter(struct error *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int ret, i;

    if (!ctx) {
        return error_set(err, ENOMEM, "sandbox: no memory for the filter");
    }
    /* Else malloc opens a file to count the CPUs when the ninth thread allocates. */
    (void)mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    /* no_new_privs stands already; all threads get the filter, or none does. */
    ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
    if (ret == 0) {
        ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    for (i = 0; ret == 0 && i < ALLOWED_NUM; i++) {
        ret = add_rule(ctx, &allowed[i]);
    }
    if (ret == 0) {
        ret = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    return ret == 0 ? 0 : error_set_errno(err, -ret, "sandbox: seccomp filter");
}

bool sandbox_default(void)
{
#if defined(ACRE_NO_SANDBOX) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return false;
#else
    return true;
#endif
#else
    return true;
#endif
}

void sandbox_for_each(void (*each)(void *opaque, const char *syscall_name, const char *reason),
                      void *opaque)
{
    int i;

    for (i = 0; i < ALLOWED_NUM; i++) {
        each(opaque, allowed[i].name, allowed[i].reason);
    }
}
