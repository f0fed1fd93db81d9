/*
 * sandbox_filter.c - run by make: has libseccomp compile the table of sandbox_calls.c and writes
 * the program (struct sock_filter, host byte order) to stdout, for sandbox.c to embed. Done at
 * build time because libseccomp's own questions to the kernel and its work cost a short run more
 * than all that acre does itself.
 */
#include "vmm/sandbox_calls.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int add_rule(scmp_filter_ctx ctx, const struct sandbox_call *call)
{
    const struct scmp_arg_cmp cmp = {
        .arg = call->condition.arg,
        .op = SCMP_CMP_MASKED_EQ,
        .datum_a = call->condition.mask,
        .datum_b = call->condition.wanted,
    };

    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call->number, call->condition.mask ? 1 : 0,
                                  &cmp);
}

static int write_filter(int fd)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    size_t i;
    int ret;

    if (!ctx) {
        return -ENOMEM;
    }
    /* Calls by another ABI's numbers (int 0x80): nothing here makes them, so nothing is said. */
    ret = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (ret == 0) {
        /* KVM_RUN comes before all else. */
        ret = seccomp_syscall_priority(ctx, SYS_ioctl, UINT8_MAX);
    }
    for (i = 0; ret == 0 && i < sandbox_call_num; i++) {
        ret = add_rule(ctx, &sandbox_calls[i]);
    }
    if (ret == 0) {
        ret = seccomp_export_bpf(ctx, fd);
    }
    seccomp_release(ctx);
    return ret;
}

int main(void)
{
    int ret = write_filter(STDOUT_FILENO);

    if (ret < 0) {
        (void)fprintf(stderr, "sandbox-filter: %s\n", strerror(-ret));
    }
    return ret < 0;
}
