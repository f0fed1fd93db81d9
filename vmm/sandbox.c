/*
 * sandbox.c - capset(2), prctl(2) and seccomp(2), one call each. The filter is a program that
 * libseccomp compiled at build time (build/sandbox_filter.c) of the table in sandbox_calls.c.
 */
#include "vmm/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/commands.h"
#include "vmm/console_tty.h"
#include "vmm/sandbox_calls.h"

enum { FILTER_MAX = 512 };
#define SI_SECCOMP 1 /* SYS_SECCOMP of asm/siginfo.h, which the C library lacks */

__asm__(".pushsection .rodata\n"
        ".balign 8\n"
        "sandbox_bpf:\n"
        ".incbin \"sandbox.bpf\"\n"
        "sandbox_bpf_end:\n"
        ".popsection\n");
extern const struct sock_filter sandbox_bpf[] __attribute__((visibility("hidden")));
extern const struct sock_filter sandbox_bpf_end[] __attribute__((visibility("hidden")));

/*
 * By hand: to clear all sets needs no list of capabilities, and a library for them asks the kernel
 * ten questions before main() begins.
 */
int sandbox_drop_privileges(struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}, {0}};

    /*
     * One heap for all threads. Else malloc maps one for each, and opens a file to count the CPUs
     * when the ninth comes; nothing allocates on the way of an access, so nobody waits for it.
     */
    (void)mallopt(M_ARENA_MAX, 1);
    /* The bounding set need not be cut: with no_new_privs no execve adds to what is held. */
    if (syscall(SYS_capset, &header, none) < 0) {
        return error_set_errno(err, errno, "sandbox: capabilities cannot be dropped");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return error_set_errno(err, errno, "sandbox: no_new_privs");
    }
    return 0;
}

/* Puts a value where its place is kept. Returns: there was that one place. */
static bool fill_in(struct sock_filter *filter, size_t num, uint32_t place, uint32_t value)
{
    size_t i;
    int found = 0;

    for (i = 0; i < num; i++) {
        if (BPF_CLASS(filter[i].code) == BPF_JMP && filter[i].k == place) {
            filter[i].k = value;
            found++;
        }
    }
    return found == 1;
}

/* One line in one write, with nothing that is not safe in a handler. */
static void name_the_call(unsigned number)
{
    static const char start[] = "acre: error: system call ";
    static const char end[] = " is not on the sandbox's list: a fault of acre (--sandbox off "
                              "runs without it)\n";
    char line[sizeof(start) + sizeof(end) + 10], digits[10];
    size_t len = sizeof(start) - 1, digit_num = 0;

    do {
        digits[digit_num++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    memcpy(line, start, len);
    while (digit_num > 0) {
        line[len++] = digits[--digit_num];
    }
    memcpy(line + len, end, sizeof(end) - 1);
    if (write(STDERR_FILENO, line, len + sizeof(end) - 1) < 0) {
        return;
    }
}

/* In the thread that wanted the call, which was not made. SA_RESETHAND: a second time is the end.
 */
static void refused(int signo, siginfo_t *info, void *context)
{
    (void)context;
    console_tty_restore();
    if (info->si_code != SI_SECCOMP) { /* somebody sent the signal */
        (void)raise(signo);
        return;
    }
    name_the_call((unsigned)info->si_syscall);
    /* Not by main(): the thread is wherever the call was, with whatever locks it holds. */
    (void)syscall(SYS_exit_group, STATUS_ACRE_FAILED);
}

static int catch_refusals(void)
{
    const struct sigaction action = {
        .sa_sigaction = refused,
        .sa_flags = (int)SA_RESETHAND | SA_SIGINFO | SA_NODEFER | SA_ONSTACK,
    };

    return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

int sandbox_filter(int save_dir, struct error *err)
{
    struct sock_filter filter[FILTER_MAX];
    size_t num = (size_t)(sandbox_bpf_end - sandbox_bpf);
    struct sock_fprog program = {.len = (unsigned short)num, .filter = filter};
    long ret;

    if (num > FILTER_MAX) {
        return error_set(err, E2BIG, "sandbox: the filter is too long");
    }
    memcpy(filter, sandbox_bpf, num * sizeof(*filter));
    if (!fill_in(filter, num, SANDBOX_OWN_PID, (uint32_t)getpid()) ||
        !fill_in(filter, num, SANDBOX_SAVE_DIR,
                 save_dir < 0 ? SANDBOX_SAVE_DIR : (uint32_t)save_dir)) {
        return error_set(err, EINVAL, "sandbox: the filter does not know this process");
    }
    if (catch_refusals() < 0) {
        return error_set_errno(err, errno, "sandbox: SIGSYS");
    }
    /* All threads get it, or none does: then the result is the id of one that could not. */
    ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (ret != 0) {
        return error_set_errno(err, ret < 0 ? errno : ESRCH, "sandbox: seccomp filter");
    }
    return 0;
}

bool sandbox_default(void)
{
#if defined(ACRE_COVERAGE) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
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
    size_t i;

    for (i = 0; i < sandbox_call_num; i++) {
        each(opaque, sandbox_calls[i].name, sandbox_calls[i].reason);
    }
}
