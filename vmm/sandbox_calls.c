/* sandbox_calls.c - the table. */
#include "vmm/sandbox_calls.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Requests of KVM's ioctls have this type byte. */
#define KVM_TYPE_MASK UINT64_C(0xff00)
#define KVM_TYPE ((uint64_t)KVMIO << 8)
#define LOW_32 UINT64_C(0xffffffff)

const struct sandbox_call sandbox_calls[] = {
#define CALL(call) .number = SYS_##call, .name = #call
    {CALL(ioctl), .condition = {1, KVM_TYPE_MASK, KVM_TYPE},
     .reason = "KVM_RUN and all else of KVM"},
    {CALL(ioctl), .condition = {1, LOW_32, TCGETS}, .reason = "the terminal: its mode"},
    {CALL(ioctl), .condition = {1, LOW_32, TCSETS}, .reason = "the terminal: raw"},
    {CALL(ioctl), .condition = {1, LOW_32, TCSETSW}, .reason = "the terminal: given back"},
    {CALL(ioctl), .condition = {1, LOW_32, TIOCGPGRP}, .reason = "the terminal: is it ours"},
    {CALL(ioctl), .condition = {1, LOW_32, TIOCGPTPEER}, .reason = "has a pty's reader read all"},
    {CALL(fcntl), .condition = {1, LOW_32, F_DUPFD_CLOEXEC},
     .reason = "a descriptor each for a connection's input and output"},
    {CALL(accept4), .reason = "a serial port's socket: the next reader"},
    {CALL(read), .reason = "console input, eventfd, signalfd, timerfd"},
    {CALL(write), .reason = "console output, diagnostics, eventfd, the result file"},
    {CALL(writev), .reason = "the C library's last words before abort()"},
    {CALL(sendto), .reason = "console output to a socket, without waiting"},
    {CALL(openat2), .condition = {0, LOW_32, SANDBOX_SAVE_DIR},
     .reason = "files that the monitor's commands name, only with --save-dir"},
    {CALL(ftruncate), .reason = "the length of such a file, and of --core's"},
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
    {CALL(tgkill), .condition = {0, LOW_32, SANDBOX_OWN_PID},
     .reason = "kicking a vCPU out of KVM_RUN, re-raising a signal"},
    {CALL(rt_sigaction), .reason = "re-raising a fatal signal, abort()"},
    {CALL(rt_sigprocmask), .reason = "locks out signals around abort() and thread exit"},
    {CALL(rt_sigreturn), .reason = "the end of a kick's handler"},
    {CALL(sigaltstack), .reason = "a thread's end"},
    {CALL(set_robust_list), .reason = "a thread's beginning"},
    {CALL(rseq), .reason = "a thread's beginning"},
    {CALL(getpid), .reason = "raise()"},
    {CALL(gettid), .reason = "raise()"},
    {CALL(getpgrp), .reason = "the terminal: is it ours"},
    {CALL(sysinfo), .reason = "qsort(): how much memory it may take for itself"},
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

const size_t sandbox_call_num = sizeof(sandbox_calls) / sizeof(sandbox_calls[0]);
