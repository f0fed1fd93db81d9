/*
 * gdb_resume.c - what each CPU is to do next, from vCont and the older packets, and the reply when
 * it is over.
 */
#include <errno.h>
#include <string.h>

#include "vmm/gdb_session.h"

/* gdb's names of what stops a run, by the kinds of Z packets. */
static const char *const stop_names[] = {
    [GDB_BREAK_SOFTWARE] = "swbreak", [GDB_BREAK_HARDWARE] = "hwbreak", [GDB_WATCH_WRITE] = "watch",
    [GDB_WATCH_READ] = "rwatch",      [GDB_WATCH_ACCESS] = "awatch",
};

void gdb_session_stop_reply(struct gdb_session *session)
{
    const struct gdb_stop *stop = &session->stop;

    gdb_reply_text(&session->reply, "T%02xthread:%x;", (unsigned)stop->signal & 0xff,
                   stop->cpu + 1);
    if (stop->at_break && stop->kind >= GDB_WATCH_WRITE) {
        gdb_reply_text(&session->reply, "%s:%llx;", stop_names[stop->kind],
                       (unsigned long long)stop->addr);
    } else if (stop->at_break && session->reports_breaks) {
        gdb_reply_text(&session->reply, "%s:;", stop_names[stop->kind]);
    }
}

void gdb_session_stopped(struct gdb_session *session, const struct gdb_stop *stop)
{
    session->stop = *stop;
    session->cpu = session->resume_cpu = stop->cpu;
    if (!session->running) {
        return;
    }
    session->running = false;
    session->reply.len = 0;
    session->reply.full = false;
    gdb_session_stop_reply(session);
    gdb_session_send(session);
}

void gdb_session_tell(struct gdb_session *session, const char *line)
{
    if (session->running) {
        session->reply.len = 0;
        session->reply.full = false;
        gdb_reply_text(&session->reply, "O");
        gdb_reply_hex(&session->reply, line, strlen(line));
        gdb_reply_hex(&session->reply, "\n", 1);
        gdb_session_send(session);
    }
}

void gdb_session_ended(struct gdb_session *session, const struct verdict *verdict)
{
    int status = verdict_exit_status(verdict, VERDICT_STATUS_PLAIN);

    bool waits = session->running && !session->over;

    session->over = true;
    session->running = false;
    if (!waits) { /* then it finds the connection closed */
        return;
    }
    session->reply.len = 0;
    session->reply.full = false;
    if (verdict->kind == VERDICT_SIGNAL) {
        gdb_reply_text(&session->reply, "X%02x", (unsigned)verdict->signal & 0xff);
    } else {
        gdb_reply_text(&session->reply, "W%02x", (unsigned)status & 0xff);
    }
    gdb_session_send(session);
}

static void go(struct gdb_session *session)
{
    session->running = true; /* first: it may have stopped when resume() returns */
    session->target.resume(session->opaque, &session->plan);
}

static void refuse(struct gdb_session *session, int err_no)
{
    gdb_session_error(session, err_no);
    gdb_session_send(session);
}

static int set_rip(struct gdb_session *session, uint64_t addr)
{
    struct gdb_registers registers;
    int result = session->target.read_registers(session->opaque, session->resume_cpu, &registers);

    if (result == 0) {
        registers.regs.rip = addr;
        result = session->target.write_registers(session->opaque, session->resume_cpu, &registers,
                                                 GDB_CHANGED_REGS);
    }
    return result;
}

/*
 * c [ADDR], C SIGNAL[;ADDR], s [ADDR], S SIGNAL[;ADDR]: a step is one CPU's, a continue is
 * everybody's. Signals mean nothing to a guest.
 */
void gdb_session_continue(struct gdb_session *session, const char *packet)
{
    bool step = packet[0] == 's' || packet[0] == 'S';
    const char *text = packet + 1;
    uint64_t number;
    int result = 0;

    if (packet[0] == 'C' || packet[0] == 'S') {
        result = gdb_hex_number(&text, &number) ? 0 : -EINVAL;
        text += result == 0 && *text == ';';
    }
    if (result == 0 && *text != '\0') {
        result =
            gdb_hex_number(&text, &number) && *text == '\0' ? set_rip(session, number) : -EINVAL;
    }
    if (result < 0) {
        refuse(session, -result);
        return;
    }
    memset(session->plan.actions, step ? GDB_ACTION_HOLD : GDB_ACTION_CONTINUE,
           sizeof(session->plan.actions));
    if (step) {
        session->plan.actions[session->resume_cpu] = GDB_ACTION_STEP;
    }
    go(session);
}

/* ---- vCont ---- */

/* One "ACTION[:THREAD]" of it. */
struct part {
    enum gdb_action action;
    uint64_t range_first, range_end;
    unsigned cpu; /* GDB_CPUS_MAX: all that no earlier part names */
};

static bool parse_action(const char **text, struct part *part)
{
    uint64_t signal;

    switch (*(*text)++) {
    case 'C':
        if (!gdb_hex_number(text, &signal)) {
            return false;
        }
        part->action = GDB_ACTION_CONTINUE;
        return true;
    case 'c':
        part->action = GDB_ACTION_CONTINUE;
        return true;
    case 'S':
        if (!gdb_hex_number(text, &signal)) {
            return false;
        }
        part->action = GDB_ACTION_STEP;
        return true;
    case 's':
        part->action = GDB_ACTION_STEP;
        return true;
    case 'r':
        part->action = GDB_ACTION_RANGE;
        return gdb_hex_number(text, &part->range_first) && *(*text)++ == ',' &&
               gdb_hex_number(text, &part->range_end);
    default:
        return false;
    }
}

static bool parse_part(const struct gdb_session *session, const char **text, struct part *part)
{
    *part = (struct part){.cpu = GDB_CPUS_MAX};
    if (!parse_action(text, part)) {
        return false;
    }
    if (**text == ':') {
        (*text)++;
        return gdb_session_thread(session, text, &part->cpu);
    }
    return true;
}

/*
 * A plan has one range: to step once is a right answer to a second one. Nothing that was decided by
 * an earlier part is changed.
 */
static void apply(struct gdb_session *session, const struct part *part, bool *decided,
                  bool *has_range)
{
    struct gdb_plan *plan = &session->plan;
    enum gdb_action action = part->action;
    unsigned i;

    for (i = 0; i < session->target.cpu_num; i++) {
        if (decided[i] || (part->cpu != GDB_CPUS_MAX && part->cpu != i)) {
            continue;
        }
        decided[i] = true;
        plan->actions[i] = (uint8_t)action;
        if (action == GDB_ACTION_RANGE && *has_range) {
            plan->actions[i] = GDB_ACTION_STEP;
        } else if (action == GDB_ACTION_RANGE) {
            *has_range = true;
            plan->range_first = part->range_first;
            plan->range_end = part->range_end;
        }
    }
}

void gdb_session_vcont(struct gdb_session *session, const char *text)
{
    bool decided[GDB_CPUS_MAX] = {false}, has_range = false;
    struct part part;
    unsigned i, num = 0;

    if (session->running) {
        refuse(session, EBUSY);
        return;
    }
    session->plan = (struct gdb_plan){.range_first = 0};
    do {
        if (!parse_part(session, &text, &part) || (*text != ';' && *text != '\0')) {
            refuse(session, EINVAL);
            return;
        }
        apply(session, &part, decided, &has_range);
    } while (*text++ == ';');
    for (i = 0; i < session->target.cpu_num; i++) {
        num += session->plan.actions[i] != GDB_ACTION_HOLD;
    }
    if (num == 0) {
        refuse(session, EINVAL);
        return;
    }
    go(session);
}
