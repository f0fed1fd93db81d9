/*
 * gdb_session.c - bytes to packets to the handler of their first letter; registers, memory and
 * breakpoints are handled here.
 */
#include "vmm/gdb_session.h"

#include <errno.h>
#include <string.h>

enum { DATA_MAX = GDB_PACKET_MAX / 2 };

void gdb_session_send(struct gdb_session *session)
{
    if (session->reply.full) {
        session->reply.len = 0;
        gdb_reply_text(&session->reply, "E%02x", ENOSPC);
    }
    session->frame_len = gdb_frame(&session->reply, session->frame);
    session->send(session->opaque, session->frame, session->frame_len);
}

static void empty_reply(struct gdb_session *session)
{
    session->reply.len = 0;
    session->reply.full = false;
}

void gdb_session_error(struct gdb_session *session, int err_no)
{
    empty_reply(session);
    gdb_reply_text(&session->reply, "E%02x", (unsigned)err_no & 0xff);
}

/* OK, or the error of a negative result. */
static void answer(struct gdb_session *session, int result)
{
    if (result < 0) {
        gdb_session_error(session, -result);
    } else {
        gdb_reply_text(&session->reply, "OK");
    }
}

bool gdb_session_thread(const struct gdb_session *session, const char **text, unsigned *cpu)
{
    uint64_t number;

    if (strncmp(*text, "-1", 2) == 0) {
        *text += 2;
        *cpu = GDB_CPUS_MAX;
        return true;
    }
    if (!gdb_hex_number(text, &number) || number > session->target.cpu_num) {
        return false;
    }
    *cpu = number == 0 ? session->cpu : (unsigned)number - 1;
    return true;
}

/* ---- registers ---- */

static void read_all(struct gdb_session *session, const char *text)
{
    uint8_t value[GDB_REGISTER_SIZE_MAX];
    struct gdb_registers registers;
    int result = session->target.read_registers(session->opaque, session->cpu, &registers);
    unsigned i;

    (void)text;
    if (result < 0) {
        gdb_session_error(session, -result);
        return;
    }
    for (i = 0; i < gdb_register_num(session->target.arch); i++) {
        gdb_register_get(session->target.arch, &registers, i, value);
        gdb_reply_hex(&session->reply, value, gdb_register_size(session->target.arch, i));
    }
}

static void write_all(struct gdb_session *session, const char *text)
{
    uint8_t value[GDB_REGISTER_SIZE_MAX];
    struct gdb_registers registers;
    int result = session->target.read_registers(session->opaque, session->cpu, &registers);
    unsigned changed = 0, i;

    for (i = 0; i < gdb_register_num(session->target.arch) && result == 0; i++) {
        size_t size = gdb_register_size(session->target.arch, i);

        if (*text == '\0') {
            break; /* a client may know fewer */
        }
        if (gdb_hex_bytes(text, value, size) != size) {
            result = -EINVAL;
        } else {
            changed |= gdb_register_set(session->target.arch, &registers, i, value);
            text += 2 * size;
        }
    }
    if (result == 0) {
        result =
            session->target.write_registers(session->opaque, session->cpu, &registers, changed);
    }
    answer(session, result);
}

static void read_one(struct gdb_session *session, const char *text)
{
    uint8_t value[GDB_REGISTER_SIZE_MAX];
    struct gdb_registers registers;
    uint64_t number;
    int result = -EINVAL;

    if (gdb_hex_number(&text, &number) && *text == '\0' &&
        number < gdb_register_num(session->target.arch)) {
        result = session->target.read_registers(session->opaque, session->cpu, &registers);
    }
    if (result < 0) {
        gdb_session_error(session, -result);
        return;
    }
    gdb_register_get(session->target.arch, &registers, (unsigned)number, value);
    gdb_reply_hex(&session->reply, value,
                  gdb_register_size(session->target.arch, (unsigned)number));
}

static void write_one(struct gdb_session *session, const char *text)
{
    uint8_t value[GDB_REGISTER_SIZE_MAX];
    struct gdb_registers registers;
    uint64_t number;
    int result = -EINVAL;

    if (gdb_hex_number(&text, &number) && *text == '=' &&
        number < gdb_register_num(session->target.arch)) {
        size_t size = gdb_register_size(session->target.arch, (unsigned)number);

        if (gdb_hex_bytes(text + 1, value, size) == size && text[1 + 2 * size] == '\0') {
            result = session->target.read_registers(session->opaque, session->cpu, &registers);
        }
    }
    if (result == 0) {
        unsigned changed =
            gdb_register_set(session->target.arch, &registers, (unsigned)number, value);

        result =
            session->target.write_registers(session->opaque, session->cpu, &registers, changed);
    }
    answer(session, result);
}

/* ---- memory ---- */

/* "ADDR,LENGTH" and what ends it. Returns: what follows, or NULL. */
static const char *take_place(const char *text, char end, uint64_t *addr, uint64_t *len)
{
    if (!gdb_hex_number(&text, addr) || *text++ != ',' || !gdb_hex_number(&text, len) ||
        *text != end) {
        return NULL;
    }
    return end ? text + 1 : text;
}

static void read_memory(struct gdb_session *session, const char *text)
{
    uint8_t data[DATA_MAX];
    uint64_t addr, len;
    size_t done = 0;
    int result;

    if (!take_place(text, '\0', &addr, &len)) {
        gdb_session_error(session, EINVAL);
        return;
    }
    len = len <= sizeof(data) ? len : sizeof(data); /* less than was asked for is allowed */
    result = session->target.read_memory(session->opaque, session->cpu, session->physical, addr,
                                         data, (size_t)len, &done);
    if (result < 0 && done == 0) {
        gdb_session_error(session, -result);
    } else {
        gdb_reply_hex(&session->reply, data, done);
    }
}

static int store(struct gdb_session *session, uint64_t addr, const void *data, size_t len)
{
    if (len == 0) { /* how a client finds out whether there is an X packet */
        return 0;
    }
    return session->target.write_memory(session->opaque, session->cpu, session->physical, addr,
                                        data, len);
}

static void write_memory(struct gdb_session *session, const char *text)
{
    uint8_t data[DATA_MAX];
    uint64_t addr, len;
    int result = -EINVAL;

    text = take_place(text, ':', &addr, &len);
    if (text && len <= sizeof(data) && gdb_hex_bytes(text, data, (size_t)len) == len &&
        text[2 * len] == '\0') {
        result = store(session, addr, data, (size_t)len);
    }
    answer(session, result);
}

static void write_binary(struct gdb_session *session, const char *text)
{
    const char *end = session->reader.data + session->reader.len;
    uint64_t addr, len;
    int result = -EINVAL;

    text = take_place(text, ':', &addr, &len);
    if (text && (uint64_t)(end - text) == len) {
        result = store(session, addr, text, (size_t)len);
    }
    answer(session, result);
}

/* ---- breakpoints ---- */

static void change_break(struct gdb_session *session, const char *text,
                         int (*change)(void *opaque, enum gdb_break kind, uint64_t addr,
                                       uint64_t size))
{
    char kind = *text;
    uint64_t addr, size;
    int result;

    if (kind < '0' || kind > '4') {
        return; /* not known */
    }
    /* Conditions and commands, after a `;`, are offered by nobody here. */
    if (text[1] != ',' || !take_place(text + 2, '\0', &addr, &size)) {
        gdb_session_error(session, EINVAL);
        return;
    }
    result = change(session->opaque, (enum gdb_break)(kind - '0'), addr, size);
    if (result != -EOPNOTSUPP) { /* else the empty reply: this kind is not there */
        answer(session, result);
    }
}

static void insert(struct gdb_session *session, const char *text)
{
    change_break(session, text, session->target.insert);
}

static void remove_break(struct gdb_session *session, const char *text)
{
    change_break(session, text, session->target.remove);
}

/* ---- threads, and the end ---- */

static void choose_thread(struct gdb_session *session, const char *text)
{
    char what = *text;
    unsigned cpu;

    if ((what != 'g' && what != 'c') || (text++, !gdb_session_thread(session, &text, &cpu)) ||
        *text != '\0') {
        gdb_session_error(session, EINVAL);
        return;
    }
    if (cpu != GDB_CPUS_MAX && what == 'g') {
        session->cpu = cpu;
    } else if (cpu != GDB_CPUS_MAX) {
        session->resume_cpu = cpu;
    }
    gdb_reply_text(&session->reply, "OK");
}

static void is_alive(struct gdb_session *session, const char *text)
{
    unsigned cpu;

    answer(session, gdb_session_thread(session, &text, &cpu) && *text == '\0' ? 0 : -ESRCH);
}

static void detach(struct gdb_session *session, const char *text)
{
    (void)text;
    session->over = true;
    session->running = false;
    gdb_reply_text(&session->reply, "OK");
    gdb_session_send(session);
    session->target.detach(session->opaque);
}

static void kill_target(struct gdb_session *session, bool reply)
{
    session->over = true;
    session->running = false;
    if (reply) {
        gdb_reply_text(&session->reply, "OK");
        gdb_session_send(session);
    }
    session->target.kill(session->opaque);
}

static void kill_silently(struct gdb_session *session, const char *text)
{
    (void)text;
    kill_target(session, false);
}

static void why_stopped(struct gdb_session *session, const char *text)
{
    (void)text;
    gdb_session_stop_reply(session);
}

static void verbose(struct gdb_session *session, const char *text)
{
    if (strncmp(text, "Cont;", 5) == 0) {
        gdb_session_vcont(session, text + 5);
        return;
    }
    if (strncmp(text, "Kill;", 5) == 0) {
        kill_target(session, true);
        return;
    }
    if (strcmp(text, "Cont?") == 0) {
        gdb_reply_text(&session->reply, "vCont;c;C;s;S;r");
    }
    gdb_session_send(session);
}

/* @text  includes the letter: q, Q, c, C, s, S */
static void query(struct gdb_session *session, const char *text)
{
    gdb_session_query(session, text - 1);
}

static void resume(struct gdb_session *session, const char *text)
{
    gdb_session_continue(session, text - 1);
}

static const struct {
    char letter;
    void (*run)(struct gdb_session *session, const char *text);
    bool quiet; /* replies by itself, or later */
    bool any;   /* also while the target runs */
} packets[] = {
    {.letter = '?', .run = why_stopped},
    {.letter = 'c', .run = resume, .quiet = true},
    {.letter = 'C', .run = resume, .quiet = true},
    {.letter = 'D', .run = detach, .quiet = true, .any = true},
    {.letter = 'g', .run = read_all},
    {.letter = 'G', .run = write_all},
    {.letter = 'H', .run = choose_thread},
    {.letter = 'k', .run = kill_silently, .quiet = true, .any = true},
    {.letter = 'm', .run = read_memory},
    {.letter = 'M', .run = write_memory},
    {.letter = 'p', .run = read_one},
    {.letter = 'P', .run = write_one},
    {.letter = 'q', .run = query},
    {.letter = 'Q', .run = query},
    {.letter = 's', .run = resume, .quiet = true},
    {.letter = 'S', .run = resume, .quiet = true},
    {.letter = 'T', .run = is_alive},
    {.letter = 'v', .run = verbose, .quiet = true, .any = true},
    {.letter = 'X', .run = write_binary},
    {.letter = 'z', .run = remove_break},
    {.letter = 'Z', .run = insert},
};

static void dispatch(struct gdb_session *session)
{
    const char *packet = session->reader.data;
    bool quiet = false;
    size_t i;

    empty_reply(session);
    for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        if (packets[i].letter == packet[0] && session->reader.len > 0) {
            if (session->running && !packets[i].any) {
                gdb_session_error(session, EBUSY);
                break;
            }
            quiet = packets[i].quiet;
            packets[i].run(session, packet + 1);
            break;
        }
    }
    if (!quiet) {
        gdb_session_send(session);
    }
}

static void acknowledge(struct gdb_session *session, char how)
{
    if (!session->no_ack) {
        session->send(session->opaque, &how, 1);
    }
}

void gdb_session_receive(struct gdb_session *session, const char *data, size_t len)
{
    size_t i;

    for (i = 0; i < len && !session->over; i++) {
        switch (gdb_reader_feed(&session->reader, data[i])) {
        case GDB_INPUT_PACKET:
            acknowledge(session, '+');
            dispatch(session);
            break;
        case GDB_INPUT_BAD:
            acknowledge(session, '-');
            break;
        case GDB_INPUT_INTERRUPT:
            if (session->running) {
                session->target.interrupt(session->opaque);
            }
            break;
        case GDB_INPUT_NAK:
            if (!session->no_ack && session->frame_len > 0) {
                session->send(session->opaque, session->frame, session->frame_len);
            }
            break;
        case GDB_INPUT_ACK:
        case GDB_INPUT_NONE:
            break;
        }
    }
}

void gdb_session_begin(struct gdb_session *session, const struct gdb_target *target,
                       void (*send)(void *opaque, const char *data, size_t len), void *opaque,
                       const struct gdb_stop *stop)
{
    *session = (struct gdb_session){
        .target = *target,
        .send = send,
        .opaque = opaque,
        .stop = *stop,
        .cpu = stop->cpu,
        .resume_cpu = stop->cpu,
        .step_irqs_blocked = true,
    };
}
