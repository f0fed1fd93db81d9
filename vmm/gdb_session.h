/*
 * gdb_session.h - one conversation with a gdb: packets in, replies out. What they are about, a
 * machine or a test's stand-in for one, is behind struct gdb_target.
 *
 * All-stop mode. CPU n is thread n + 1. A client is attached from its first byte on; the target is
 * then stopped.
 *
 * gdb_session.c has frames, registers, memory and breakpoints; gdb_resume.c continuing, stepping
 * and stop replies; gdb_query.c the q and Q packets.
 *
 * Source: GDB manual, appendix E; QEMU docs/system/gdb ("Qqemu.PhyMemMode").
 * Context: one thread, the loop's.
 */
#ifndef ACRE_VMM_GDB_SESSION_H
#define ACRE_VMM_GDB_SESSION_H

#include "memory/print.h"
#include "vmm/gdb_packet.h"
#include "vmm/gdb_registers.h"
#include "vmm/verdict.h"

enum { GDB_CPUS_MAX = 255 };

/* As in Z packets. */
enum gdb_break {
    GDB_BREAK_SOFTWARE,
    GDB_BREAK_HARDWARE,
    GDB_WATCH_WRITE,
    GDB_WATCH_READ,
    GDB_WATCH_ACCESS,
};

enum gdb_signal { GDB_SIGNAL_NONE = 0, GDB_SIGNAL_INT = 2, GDB_SIGNAL_TRAP = 5 };

/* Why everything stands still. */
struct gdb_stop {
    int signal; /* gdb's number */
    unsigned cpu;
    bool at_break; /* of kind `kind`; for the watches `addr` is what was accessed */
    enum gdb_break kind;
    uint64_t addr;
};

enum gdb_action {
    GDB_ACTION_HOLD,
    GDB_ACTION_CONTINUE,
    GDB_ACTION_STEP,  /* one instruction */
    GDB_ACTION_RANGE, /* step until outside of the plan's range, or something else stops it */
};

struct gdb_plan {
    uint8_t actions[GDB_CPUS_MAX];   /* enum gdb_action */
    uint64_t range_first, range_end; /* for GDB_ACTION_RANGE: from, and first behind */
};

/* Returns of int functions: 0, or -errno; the client then sees an error. */
struct gdb_target {
    unsigned cpu_num;
    enum gdb_arch arch; /* what the client is told */
    int (*read_registers)(void *opaque, unsigned cpu, struct gdb_registers *registers);
    /* @changed  GDB_CHANGED_ bits */
    int (*write_registers)(void *opaque, unsigned cpu, const struct gdb_registers *registers,
                           unsigned changed);
    /* Linear addresses through the CPU's tables. *done: bytes that were copied before an error. */
    int (*read_memory)(void *opaque, unsigned cpu, bool physical, uint64_t addr, void *data,
                       size_t len, size_t *done);
    int (*write_memory)(void *opaque, unsigned cpu, bool physical, uint64_t addr, const void *data,
                        size_t len);
    int (*insert)(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size);
    int (*remove)(void *opaque, enum gdb_break kind, uint64_t addr, uint64_t size);
    /* gdb_session_stopped() tells when it is over; also from within. */
    void (*resume)(void *opaque, const struct gdb_plan *plan);
    void (*interrupt)(void *opaque);
    void (*detach)(void *opaque); /* the client leaves, the target runs on */
    void (*kill)(void *opaque);
    /* What a CPU does, for `info threads`; "" for nothing to say. @text  64 bytes */
    void (*describe)(void *opaque, unsigned cpu, char *text, size_t size);
    /* A line of a person's, who looks at that CPU. @sink  takes what it prints, errors included. */
    void (*monitor)(void *opaque, unsigned cpu, const char *line, struct memory_sink *sink);
    /* While stepping: no interrupts are taken. */
    void (*set_step_irqs)(void *opaque, bool blocked);
};

struct gdb_session {
    struct gdb_target target;
    void (*send)(void *opaque, const char *data, size_t len);
    void *opaque; /* of both */
    /* private */
    struct gdb_reader reader;
    struct gdb_reply reply;
    char frame[GDB_FRAME_MAX]; /* the last one, should it be asked for again */
    size_t frame_len;
    char monitor_text[1024]; /* of a monitor command, until it is a packet */
    size_t monitor_len;
    bool no_ack, running, physical, step_irqs_blocked, reports_breaks, over;
    unsigned cpu;        /* the one that registers and memory are of */
    unsigned resume_cpu; /* the one that plain c and s are about */
    struct gdb_stop stop;
    struct gdb_plan plan;
};

/* A client has come; the target stands still as `stop` says. */
void gdb_session_begin(struct gdb_session *session, const struct gdb_target *target,
                       void (*send)(void *opaque, const char *data, size_t len), void *opaque,
                       const struct gdb_stop *stop);
/* Bytes of the client. After detach or kill nothing more is taken. */
void gdb_session_receive(struct gdb_session *session, const char *data, size_t len);
/* All CPUs stand still. Tells the client if it waits for that. */
void gdb_session_stopped(struct gdb_session *session, const struct gdb_stop *stop);
/* A line for the person at the client, who waits for a stop. */
void gdb_session_tell(struct gdb_session *session, const char *line);
/*
 * The target is gone: exited or killed by a signal, as the verdict says. Tells the client if it
 * waits for a stop.
 */
void gdb_session_ended(struct gdb_session *session, const struct verdict *verdict);

/* ---- for the files of the session ---- */

/* Sends session->reply. */
void gdb_session_send(struct gdb_session *session);
void gdb_session_error(struct gdb_session *session, int err_no);
/* Puts "T05thread:1;" or the like into the reply. */
void gdb_session_stop_reply(struct gdb_session *session);
/* A q or Q packet: fills session->reply; empty says that it is not known. */
void gdb_session_query(struct gdb_session *session, const char *packet);
/* c, C, s and S; vCont, from behind `vCont;`. Both reply by themselves, when it is over or wrong.
 */
void gdb_session_continue(struct gdb_session *session, const char *packet);
void gdb_session_vcont(struct gdb_session *session, const char *text);
/*
 * A thread's number: hexadecimal, -1 for all, 0 for any. *cpu: its CPU; GDB_CPUS_MAX for all.
 * Returns: false: no such thread. *text moves behind it.
 */
bool gdb_session_thread(const struct gdb_session *session, const char **text, unsigned *cpu);

#endif
