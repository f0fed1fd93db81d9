/*
 * verdict.h - how a run ended, told truthfully: kind, exit status, one line, and JSON.
 *
 * The first verdict wins; what comes later (a second CPU's crash while the first is reported) is
 * forgotten.
 *
 * `--result FILE` is one JSON object:
 *   version       1; goes up when a field changes its meaning
 *   kind          a name of the table in verdict.c: "exit", "poweroff", "quit", "reset",
 *                 "idle-hang", "panic", "watchdog", "timeout", "fault", "triple-fault",
 *                 "kvm-internal-error", "kvm-entry-failure", "signal"
 *   status        acre's own exit status
 *   guest_status  what the guest wrote, all 32 bits; kind "exit" only
 *   signal        its number; kind "signal" only
 *   message       the line on stderr, without "acre: "
 *   cpu           the CPU it was seen on; absent when none
 *   suberror      KVM's; "kvm-internal-error" only
 *   hardware_reason  KVM's; "kvm-entry-failure" only
 *   registers     object of strings "0x..", in the SDM's lower-case names: of the CPU that saw
 *                 the end, else of the one that left the guest last; absent for "fault"
 *   instruction   {"at": "0x..", "bytes": "0f 0b .."}, at is a linear address; with registers
 *   last_exits    array: the vCPUs' last exits, the oldest first, as history_report.h says
 *   crash         the report of crash.h, with a version of its own; crashes, hangs, panics,
 *                 watchdog and time-outs only
 */
#ifndef ACRE_VMM_VERDICT_H
#define ACRE_VMM_VERDICT_H

#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/error.h"
#include "vmm/history_report.h"

enum verdict_kind {
    VERDICT_NONE,
    VERDICT_EXIT, /* the guest's own status */
    VERDICT_POWEROFF,
    VERDICT_QUIT, /* the user's wish */
    VERDICT_RESET,
    VERDICT_IDLE_HANG, /* nothing can wake any CPU */
    VERDICT_PANIC,
    VERDICT_WATCHDOG,
    VERDICT_TIMEOUT,
    VERDICT_FAULT, /* acre's or the host's */
    VERDICT_TRIPLE_FAULT,
    VERDICT_INTERNAL_ERROR, /* KVM could not run an instruction */
    VERDICT_ENTRY_FAILURE,  /* the CPU refused the guest's state */
    VERDICT_SIGNAL,
    VERDICT_KIND_NUM,
};

enum verdict_status_form {
    VERDICT_STATUS_PLAIN, /* 0..119 the guest's, 120.. ours */
    VERDICT_STATUS_QEMU,  /* the guest's v as isa-debug-exit gives it: ((v << 1) | 1) & 0xff */
};

enum { VERDICT_BYTES_MAX = 16 };

struct verdict {
    enum verdict_kind kind;
    uint32_t guest_status;
    int signal;
    char message[512]; /* what happened, for a person; no newline */
    int cpu;           /* -1: none */
    uint32_t suberror;
    uint64_t hardware_reason;
    bool has_regs;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    uint64_t bytes_at; /* linear address of the first byte */
    uint8_t bytes[VERDICT_BYTES_MAX];
    unsigned byte_num;
};

/* A verdict of a kind with nothing known yet; the message is the printf. */
void verdict_make(struct verdict *verdict, enum verdict_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Where the first verdict stays. Zero it to start. */
struct verdict_box {
    _Atomic int state; /* 0 open, 1 being written, 2 settled */
    struct verdict verdict;
};

/* Context: any thread. Returns: true when this is the one that counts. */
bool verdict_settle(struct verdict_box *box, const struct verdict *verdict);
/* The settled verdict, or NULL. Context: any thread. */
const struct verdict *verdict_settled(struct verdict_box *box);

const char *verdict_kind_name(enum verdict_kind kind);
/* The process's exit status, 0..255. */
int verdict_exit_status(const struct verdict *verdict, enum verdict_status_form form);
/* True for an end that was asked for: nothing needs saying on stderr unless -v. */
bool verdict_is_quiet(const struct verdict *verdict);
/* True for an end that a crash report explains (crash.h): crashes, hangs, panics, time-outs. */
bool verdict_wants_report(const struct verdict *verdict);
/* The line for stderr, without "acre: " and newline. */
void verdict_line(const struct verdict *verdict, char *line, size_t size);
/*
 * Writes the JSON object and a newline.
 * @exits, @exit_num  for last_exits, in order; NULL and 0: the guest never ran.
 * @crash  the report; stays the caller's; NULL: none.
 * @fd  open for writing; stays the caller's.
 * Returns: 0; -errno of the write; -ENOMEM.
 */
int verdict_write_json(const struct verdict *verdict, enum verdict_status_form form,
                       const struct history_line *exits, size_t exit_num, json_t *crash, int fd)
    __attribute__((warn_unused_result));

#endif
