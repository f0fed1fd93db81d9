/*
 * gdb_query.c - q and Q packets: what this stub can do, threads, the target description, a person's
 * commands, and QEMU's own settings.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/gdb_session.h"

/* What QEMU calls the ways to step: one instruction, without interrupts, without timers. */
enum { STEP_ENABLE = 1, STEP_NO_IRQ = 2, STEP_NO_TIMER = 4 };

static void reply_ok(struct gdb_session *session)
{
    gdb_reply_text(&session->reply, "OK");
}

static void supported(struct gdb_session *session, const char *text)
{
    session->reports_breaks = strstr(text, "swbreak+") && strstr(text, "hwbreak+");
    gdb_reply_text(&session->reply,
                   "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;"
                   "swbreak+;hwbreak+",
                   GDB_PACKET_MAX);
}

static void no_ack(struct gdb_session *session, const char *text)
{
    (void)text;
    session->no_ack = true; /* its own frame was acknowledged already */
    reply_ok(session);
}

static void attached(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, "1"); /* gdb's quit lets the guest live */
}

static void current_thread(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, "QC%x", session->cpu + 1);
}

static void threads(struct gdb_session *session, const char *text)
{
    unsigned i;

    (void)text;
    gdb_reply_text(&session->reply, "m");
    for (i = 0; i < session->target.cpu_num; i++) {
        gdb_reply_text(&session->reply, i == 0 ? "%x" : ",%x", i + 1);
    }
}

static void no_more_threads(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, "l");
}

static void thread_info(struct gdb_session *session, const char *text)
{
    char state[64] = "", line[96];
    unsigned cpu;
    int len;

    if (!gdb_session_thread(session, &text, &cpu) || cpu == GDB_CPUS_MAX) {
        gdb_session_error(session, EINVAL);
        return;
    }
    session->target.describe(session->opaque, cpu, state, sizeof(state));
    len = snprintf(line, sizeof(line), "CPU#%u%s%s%s", cpu, state[0] ? " [" : "", state,
                   state[0] ? "]" : "");
    gdb_reply_hex(&session->reply, line, (size_t)len);
}

static void no_symbols(struct gdb_session *session, const char *text)
{
    (void)text;
    reply_ok(session);
}

static void features(struct gdb_session *session, const char *text)
{
    char data[2048];
    uint64_t offset, len;
    size_t got;

    if (!gdb_hex_number(&text, &offset) || *text++ != ',' || !gdb_hex_number(&text, &len)) {
        gdb_session_error(session, EINVAL);
        return;
    }
    len = len <= sizeof(data) ? len : sizeof(data);
    got = gdb_target_xml(session->target.arch, (size_t)offset, data, (size_t)len);
    gdb_reply_text(&session->reply, got < len ? "l" : "m");
    gdb_reply_bytes(&session->reply, data, got);
}

/* ---- monitor ---- */

static void flush_monitor(struct gdb_session *session)
{
    if (session->monitor_len > 0) {
        session->reply.len = 0;
        gdb_reply_text(&session->reply, "O");
        gdb_reply_hex(&session->reply, session->monitor_text, session->monitor_len);
        session->monitor_len = 0;
        gdb_session_send(session);
        session->reply.len = 0;
    }
}

static void write_monitor(void *opaque, const char *text, size_t len)
{
    struct gdb_session *session = opaque;
    size_t i;

    for (i = 0; i < len; i++) {
        if (session->monitor_len == sizeof(session->monitor_text)) {
            flush_monitor(session);
        }
        session->monitor_text[session->monitor_len++] = text[i];
    }
}

static void monitor(struct gdb_session *session, const char *text)
{
    struct memory_sink sink = {.write = write_monitor, .opaque = session};
    char line[512];
    size_t len = gdb_hex_bytes(text, line, sizeof(line) - 1);

    if (text[2 * len] != '\0' || memchr(line, '\0', len)) {
        gdb_session_error(session, EINVAL);
        return;
    }
    line[len] = '\0';
    session->monitor_len = 0;
    session->target.monitor(session->opaque, session->cpu, line, &sink);
    flush_monitor(session);
    reply_ok(session);
}

/* ---- QEMU's ---- */

static void qemu_supported(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, "sstepbits;sstep;PhyMemMode");
}

static void get_physical(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, session->physical ? "1" : "0");
}

static void set_physical(struct gdb_session *session, const char *text)
{
    uint64_t value;

    if (!gdb_hex_number(&text, &value) || *text != '\0') {
        gdb_session_error(session, EINVAL);
        return;
    }
    session->physical = value != 0;
    reply_ok(session);
}

static void step_bits(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, "ENABLE=%x,NOIRQ=%x,NOTIMER=%x", STEP_ENABLE, STEP_NO_IRQ,
                   STEP_NO_TIMER);
}

static void get_step(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_reply_text(&session->reply, "0x%x",
                   STEP_ENABLE | STEP_NO_TIMER | (session->step_irqs_blocked ? STEP_NO_IRQ : 0));
}

/* Virtual time stands still for one that steps alone, whatever the bit says. */
static void set_step(struct gdb_session *session, const char *text)
{
    uint64_t value;

    if (!gdb_hex_number(&text, &value) || *text != '\0' || !(value & STEP_ENABLE) ||
        value > (STEP_ENABLE | STEP_NO_IRQ | STEP_NO_TIMER)) {
        gdb_session_error(session, EINVAL);
        return;
    }
    session->step_irqs_blocked = (value & STEP_NO_IRQ) != 0;
    session->target.set_step_irqs(session->opaque, session->step_irqs_blocked);
    reply_ok(session);
}

static const struct {
    const char *name;
    void (*run)(struct gdb_session *session, const char *text);
    bool exact; /* nothing may follow */
} queries[] = {
    {.name = "qSupported", .run = supported},
    {.name = "QStartNoAckMode", .run = no_ack, .exact = true},
    {.name = "qAttached", .run = attached},
    {.name = "qC", .run = current_thread, .exact = true},
    {.name = "qfThreadInfo", .run = threads, .exact = true},
    {.name = "qsThreadInfo", .run = no_more_threads, .exact = true},
    {.name = "qThreadExtraInfo,", .run = thread_info},
    {.name = "qSymbol::", .run = no_symbols, .exact = true},
    {.name = "qXfer:features:read:target.xml:", .run = features},
    {.name = "qRcmd,", .run = monitor},
    {.name = "qqemu.Supported", .run = qemu_supported, .exact = true},
    {.name = "qqemu.PhyMemMode", .run = get_physical, .exact = true},
    {.name = "Qqemu.PhyMemMode:", .run = set_physical},
    {.name = "qqemu.sstepbits", .run = step_bits, .exact = true},
    {.name = "qqemu.sstep", .run = get_step, .exact = true},
    {.name = "Qqemu.sstep=", .run = set_step},
};

void gdb_session_query(struct gdb_session *session, const char *packet)
{
    size_t i;

    for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        size_t len = strlen(queries[i].name);

        if (strncmp(packet, queries[i].name, len) == 0 &&
            (!queries[i].exact || packet[len] == '\0')) {
            queries[i].run(session, packet + len);
            return;
        }
    }
}
