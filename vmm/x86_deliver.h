/*
 * x86_deliver.h - taking an interrupt or exception as a CPU does: which handler, on which stack,
 * what is pushed, and the registers afterwards. Nothing is written: that is left to the caller.
 *
 * Long mode, protected mode with 32-bit gates, and real mode. Not: task gates, 16-bit gates,
 * virtual-8086 mode, shadow stacks. Limits of the stack segment are not looked at. Tables are the
 * guest's, and nothing is assumed of them.
 *
 * Context: any thread; no locks. Nothing is allocated.
 * Source: Intel SDM vol. 3A 3.4.5 (descriptors), 6.12 and 6.14 (handlers, stacks), 7.2.1 and 7.7
 * (TSS), vol. 3B 20.1.4 (real mode).
 */
#ifndef ACRE_VMM_X86_DELIVER_H
#define ACRE_VMM_X86_DELIVER_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct x86_event {
    unsigned vector; /* 0..255 */
    bool software;   /* INT n: the gate's DPL counts */
    unsigned length; /* of that instruction, which RIP goes past; else 0 */
    bool has_error_code;
    uint32_t error_code;
};

struct x86_push {
    uint64_t linear;
    unsigned size; /* bytes: 2, 4, 8 */
    uint64_t value;
};

enum { X86_PUSH_MAX = 6 };

struct x86_delivery {
    struct kvm_regs regs; /* before, and after x86_deliver() after it */
    struct kvm_sregs sregs;
    unsigned push_num;
    struct x86_push pushes[X86_PUSH_MAX]; /* in order: the first has the highest address */
};

enum x86_deliver_result {
    X86_DELIVER_OK,
    X86_DELIVER_GATE,        /* the vector has no gate that can be used */
    X86_DELIVER_SEGMENT,     /* its selector leads to no code that can be used */
    X86_DELIVER_STACK,       /* the TSS has no stack for it */
    X86_DELIVER_UNSUPPORTED, /* see above */
};

/*
 * @read  copies `len` bytes (2 to 16) from a linear address, with the rights of the CPU itself;
 * 0 or -errno.
 * Returns: why not, and then `delivery` says nothing any more.
 */
enum x86_deliver_result x86_deliver(const struct x86_event *event,
                                    int (*read)(void *opaque, uint64_t linear, void *buf,
                                                unsigned len),
                                    void *opaque, struct x86_delivery *delivery);

/* "it has no usable gate" and so on; NULL for X86_DELIVER_OK. */
const char *x86_deliver_result_name(enum x86_deliver_result result);

#endif
