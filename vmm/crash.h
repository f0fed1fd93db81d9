/*
 * crash.h - what is known of a guest at its end, for a person and for programs: registers, last
 * exceptions and the gates they take, page walks, code, stack, last exits, changes of the map, last
 * lines of the serial ports.
 *
 * Everything is read when no vCPU runs any more: what KVM holds of each CPU, and the guest's memory
 * by debug reads of RAM and ROM alone. All of it is the guest's and may be anything: every walk is
 * bounded, nothing is believed.
 *
 * A KVM on SVM resets a CPU that shuts down (a triple fault): its registers say nothing then, and
 * those that were kept at its last exit (vcpu.h) stand in for them.
 *
 * Context: the loop's thread, after machine_run() and before the machine is finished or left.
 */
#ifndef ACRE_VMM_CRASH_H
#define ACRE_VMM_CRASH_H

#include <jansson.h>

#include "vmm/crash_code.h"
#include "vmm/history_report.h"
#include "vmm/machine.h"
#include "vmm/map_changes.h"
#include "vmm/options.h"
#include "vmm/symbols.h"
#include "vmm/vcpu_paging.h"
#include "vmm/x86_idt.h"

enum {
    CRASH_CODE_MAX = 9,    /* instructions, */
    CRASH_CODE_BEFORE = 4, /* of which so many before RIP at most */
    CRASH_STACK_MAX = 24,  /* return addresses */
    CRASH_EXCEPTION_MAX = 4,
    CRASH_SERIAL_SIZE = CONSOLE_TAIL_SIZE,
};

/* Bits of CR0 and EFER. */
enum { CRASH_CR0_PE = 1 << 0, CRASH_EFER_LMA = 1 << 10 };

/* Which registers these are. */
enum crash_source {
    CRASH_SOURCE_NONE,      /* KVM did not tell */
    CRASH_SOURCE_END,       /* as the CPU stood at the end */
    CRASH_SOURCE_LAST_EXIT, /* KVM has reset the CPU: those of its last exit before */
    CRASH_SOURCE_RESET,     /* KVM has reset the CPU, and none were kept */
};

/* How an exception is known of. */
enum crash_how {
    CRASH_HOW_INJECTED, /* it was being delivered */
    CRASH_HOW_PENDING,  /* it was about to be */
    CRASH_HOW_GUESS,    /* by the instruction at RIP, or by what a triple fault must have met */
};

struct crash_exception {
    unsigned vector;
    enum crash_how how;
    bool has_error_code;
    uint32_t error_code;
    struct x86_gate gate;
    enum x86_walk_result handler; /* is the handler mapped? with a gate that is X86_GATE_OK */
};

struct crash_frame {
    uint64_t at;   /* linear address of the return address */
    uint64_t addr; /* the return address, linear */
    bool guess;    /* found by a scan of the stack; else by the frame pointer */
};

/* One CPU. What crash_read_cpu() fills in, */
struct crash_cpu {
    unsigned index;
    enum crash_source source;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    uint64_t exits_since; /* CRASH_SOURCE_LAST_EXIT: since the control registers were kept */
    struct vcpu_paging paging;
    bool has_events;
    struct kvm_vcpu_events events;
    bool has_mp_state;
    uint32_t mp_state;
    /* and crash_explain_cpu(). */
    unsigned bits; /* 16, 32, 64 */
    uint64_t rip;  /* linear */
    bool has_cr2_walk;
    struct x86_walk rip_walk, cr2_walk;
    size_t code_num;
    struct code_line code[CRASH_CODE_MAX];
    size_t exception_num;
    struct crash_exception exceptions[CRASH_EXCEPTION_MAX];
    size_t frame_num;
    struct crash_frame frames[CRASH_STACK_MAX];
};

/* The last output of one port. */
struct crash_serial {
    char name[24];
    size_t len;
    char data[CRASH_SERIAL_SIZE]; /* begins anywhere in a line */
};

struct crash {
    struct crash_cpu *cpus; /* the one of the verdict first */
    size_t cpu_num;
    struct symbols *symbols;          /* NULL: none */
    const struct history_line *exits; /* the caller's */
    size_t exit_num;
    struct map_change changes[MAP_CHANGES_LEN];
    size_t change_num;
    struct crash_serial serials[BOARD_SERIALS + 1];
    size_t serial_num;
};

/*
 * Reads it all.
 * @exits  machine_history()'s; must outlive the crash. Nothing else of the machine is needed later.
 * Returns: 0; -ENOMEM.
 */
int crash_init(struct crash *crash, struct machine *machine, const struct verdict *verdict,
               const struct history_line *exits, size_t exit_num)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void crash_finish(struct crash *crash);

/* What KVM has of a CPU. Context: its thread, or no vCPU's thread runs any more. */
void crash_read_cpu(struct vcpu *vcpu, enum verdict_kind kind, struct crash_cpu *cpu);
/*
 * What its registers mean: code, walks, exceptions, stack. Reads guest memory and nothing else.
 * @symbols  NULL: none. Cost: some hundred reads.
 */
void crash_explain_cpu(struct crash_cpu *cpu, enum verdict_kind kind, AddressSpace *memory,
                       const struct symbols *symbols);
/* Of a stack. Private to crash*.c; here for the tests. As crash_explain_cpu(). */
void crash_walk_stack(struct crash_cpu *cpu, AddressSpace *memory, const struct symbols *symbols);
/* Reads `len` bytes of linear memory, across pages. Returns: 0; -EFAULT, what came before is read.
 */
int crash_read_linear(const struct vcpu_paging *paging, AddressSpace *memory, uint64_t linear,
                      void *buf, size_t len);

/*
 * The report, line by line, each handed to `line` without newline. SHORT leaves out what seldom
 * matters: other CPUs, segments, walks that succeed, all but the last exits; 15 to 45 lines.
 */
void crash_print(const struct crash *crash, enum crash_form form,
                 void (*line)(void *opaque, const char *text), void *opaque);

/*
 * An object; fields may be added, the version goes up when one changes its meaning. Numbers of the
 * guest's are strings "0x..".
 *   version     1
 *   cpus        array, the one that ended the run first: cpu, state ("end", "last-exit", "reset",
 *               "none"), mp_state, bits, registers, segments {"cs": {"selector", "base", "limit",
 *               "type", "dpl"}, ..}, gdt and idt {"base", "limit"}, rip and cr2 {"address",
 *               "symbol", "walk": {"mode", "result", "gpa", "page_size", "levels": [{"name",
 *               "address", "value"}]}}, code [{"address", "bytes", "text", "symbol"}],
 *               exceptions [{"vector", "name", "how", "error_code", "gate": {"address", "result",
 *               "type", "selector", "handler", "symbol", "dpl", "ist"}, "handler_walk"}],
 *               stack [{"address", "symbol", "how": "frame" or "guess"}]
 *   map_changes array, the oldest first: number, space, cause, region, removed, added, first, last
 *   serial      array: {"name", "lines": [..]}
 * Returns: a new reference; NULL: out of memory.
 */
json_t *crash_json(const struct crash *crash);

#endif
