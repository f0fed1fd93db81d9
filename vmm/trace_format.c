/*
 * trace_format.c - the three formats. JSON is made of objects by jansson, a line each; Chrome's
 * events carry the same objects as their arguments.
 */
#include "vmm/trace_format.h"

#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "vmm/history_report.h"

#define NS_PER_S 1e9
#define NS_PER_US 1e3

enum {
    CHROME_PID = 1,
    CHROME_MACHINE = 1, /* Linux's idle thread is 0, and viewers may leave it out */
    CHROME_CPU_FIRST = 2,
    CHROME_BOOT = 10000 /* threads */
};

static const char *const slot_changes[] = {
    [TRACE_SLOT_REMOVED] = "removed",
    [TRACE_SLOT_ADDED] = "added",
    [TRACE_SLOT_CHANGED] = "changed",
};

static bool is_access(const struct trace_record *record)
{
    return record->event == TRACE_PIO || record->event == TRACE_MMIO;
}

static const char *direction(const struct trace_record *record)
{
    return record->write ? "write" : "read";
}

/* ---- text ---- */

static void text_access(const struct trace_line *line, struct memory_sink *sink)
{
    const struct trace_record *record = line->record;

    memory_sink_printf(sink, "%s %s 0x%" PRIx64 " size %u", trace_event_name(record->event),
                       direction(record), record->addr, record->size);
    if (record->count > 1) {
        memory_sink_printf(sink, " count %u", record->count);
    }
    memory_sink_printf(sink, " value 0x%" PRIx64, record->value);
    if (line->region) {
        memory_sink_printf(sink, " (%s+0x%" PRIx64 "%s%s)", line->region, record->offset,
                           record->reg ? " " : "", record->reg ? record->reg : "");
    }
}

static void text_what(const struct trace_line *line, struct memory_sink *sink)
{
    const struct trace_record *record = line->record;

    switch ((enum trace_event)record->event) {
    case TRACE_PIO:
    case TRACE_MMIO:
        text_access(line, sink);
        break;
    case TRACE_IRQ:
        memory_sink_printf(sink, "irq line %" PRIu64 " level %" PRIu64, record->addr,
                           record->value);
        break;
    case TRACE_MSR:
        memory_sink_printf(sink, "msr %s 0x%" PRIx64, direction(record), record->addr);
        if (record->write) {
            memory_sink_printf(sink, " value 0x%" PRIx64, record->value);
        }
        memory_sink_printf(sink, " refused");
        break;
    case TRACE_SLOTS:
        memory_sink_printf(
            sink, "slot %u %s 0x%" PRIx64 "-0x%" PRIx64 " (%s%s) %s", record->count,
            slot_changes[record->write], record->addr, record->addr + (record->value - 1),
            record->size & KVM_MEM_READONLY ? "ro" : "rw",
            record->size & KVM_MEM_LOG_DIRTY_PAGES ? ",log" : "", line->region ? line->region : "");
        break;
    case TRACE_EXITS:
        memory_sink_printf(sink, "exit %s", history_reason_name(record->write));
        break;
    case TRACE_BOOT:
        memory_sink_printf(sink, "boot %s", line->stage);
        break;
    case TRACE_COMMIT:
    case TRACE_REGISTER:
    case TRACE_EVENT_NUM:
        break;
    }
}

static void text_line(const struct trace_line *line, struct memory_sink *sink)
{
    const struct trace_note *note = line->record->note;

    memory_sink_printf(sink, "%.9f ", (double)line->ns / NS_PER_S);
    if (line->cpu >= 0) {
        memory_sink_printf(sink, "cpu %d ", line->cpu);
    }
    if (line->is_dropped) {
        memory_sink_printf(sink, "%" PRIu64 " events dropped\n", line->record->value);
    } else if (note) {
        sink->write(sink->opaque, note->text, strlen(note->text));
    } else {
        text_what(line, sink);
        if (line->took_ns > 0) {
            memory_sink_printf(sink, " %.1f us", (double)line->took_ns / NS_PER_US);
        }
        memory_sink_printf(sink, "\n");
    }
}

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value); /* out of memory: the member is missing */
}

static void set_hex(json_t *object, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    set(object, key, json_string(text));
}

/* Names are a board's, which may be of any bytes. */
static void set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);

    set(object, key, value ? value : json_string("?"));
}

static void set_access(json_t *object, const struct trace_line *line)
{
    const struct trace_record *record = line->record;

    set(object, "direction", json_string(direction(record)));
    set_hex(object, "address", record->addr);
    set(object, "size", json_integer(record->size));
    set(object, "count", json_integer(record->count));
    set_hex(object, "value", record->value);
    if (line->region) {
        set_text(object, "region", line->region);
        set_hex(object, "offset", record->offset);
    }
    if (record->reg) {
        set(object, "register", json_string(record->reg));
    }
}

static void set_slot(json_t *object, const struct trace_line *line)
{
    const struct trace_record *record = line->record;
    json_t *flags = json_array();

    if (record->size & KVM_MEM_READONLY) {
        (void)json_array_append_new(flags, json_string("readonly"));
    }
    if (record->size & KVM_MEM_LOG_DIRTY_PAGES) {
        (void)json_array_append_new(flags, json_string("log-dirty-pages"));
    }
    set(object, "slot", json_integer(record->count));
    set(object, "change", json_string(slot_changes[record->write]));
    set_hex(object, "first", record->addr);
    set_hex(object, "last", record->addr + (record->value - 1));
    set(object, "flags", flags);
    if (line->region) {
        set_text(object, "region", line->region);
    }
}

/* What the event has of its own. */
static void set_what(json_t *object, const struct trace_line *line)
{
    const struct trace_record *record = line->record;
    const struct trace_note *note = record->note;

    if (line->is_dropped) {
        set(object, "count", json_integer((json_int_t)record->value));
    } else if (note) {
        (void)json_object_update(object, note->json);
    } else if (is_access(record)) {
        set_access(object, line);
    } else if (record->event == TRACE_IRQ) {
        set(object, "line", json_integer((json_int_t)record->addr));
        set(object, "level", json_integer((json_int_t)record->value));
    } else if (record->event == TRACE_MSR) {
        set(object, "direction", json_string(direction(record)));
        set_hex(object, "msr", record->addr);
        if (record->write) {
            set_hex(object, "value", record->value);
        }
    } else if (record->event == TRACE_SLOTS) {
        set_slot(object, line);
    } else if (record->event == TRACE_EXITS) {
        set(object, "reason", json_string(history_reason_name(record->write)));
    } else if (record->event == TRACE_BOOT) {
        set_text(object, "stage", line->stage);
    }
}

static int write_json(const char *text, size_t len, void *opaque)
{
    struct memory_sink *sink = opaque;

    sink->write(sink->opaque, text, len);
    return 0;
}

static void dump(json_t *object, struct memory_sink *sink)
{
    (void)json_dump_callback(object, write_json, sink, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

static const char *event_name(const struct trace_line *line)
{
    return line->is_dropped ? "dropped" : trace_event_name(line->record->event);
}

static void json_line(const struct trace_line *line, struct memory_sink *sink)
{
    json_t *object = json_object();

    set(object, "time", json_real((double)line->ns / NS_PER_S));
    set(object, "event", json_string(event_name(line)));
    if (line->cpu >= 0) {
        set(object, "cpu", json_integer(line->cpu));
    }
    set_what(object, line);
    if (line->took_ns > 0) {
        set(object, "us", json_real((double)line->took_ns / NS_PER_US));
    }
    dump(object, sink);
    memory_sink_printf(sink, "\n");
    json_decref(object);
}

/* ---- Chrome ---- */

/* What the slice is called: what one would search for. */
static void chrome_name(const struct trace_line *line, char *name, size_t size)
{
    const struct trace_record *record = line->record;
    const struct trace_note *note = record->note;
    const char *text;

    if (line->is_dropped) {
        (void)snprintf(name, size, "%" PRIu64 " events dropped", record->value);
    } else if (note) {
        text = json_string_value(json_object_get(note->json, "cause"));
        (void)snprintf(name, size, "commit %s", text ? text : "as built");
    } else if (is_access(record) && record->reg && line->region) {
        (void)snprintf(name, size, "%s.%s", line->region, record->reg);
    } else if (is_access(record)) {
        (void)snprintf(name, size, "%s 0x%" PRIx64, line->region ? line->region : "unassigned",
                       line->region ? record->offset : record->addr);
    } else if (record->event == TRACE_IRQ) {
        (void)snprintf(name, size, "irq %" PRIu64 " %s", record->addr,
                       record->value ? "up" : "down");
    } else if (record->event == TRACE_MSR) {
        (void)snprintf(name, size, "msr 0x%" PRIx64, record->addr);
    } else if (record->event == TRACE_SLOTS) {
        (void)snprintf(name, size, "slot %u %s", record->count, slot_changes[record->write]);
    } else if (record->event == TRACE_EXITS) {
        (void)snprintf(name, size, "exit %s", history_reason_name(record->write));
    } else {
        (void)snprintf(name, size, "%s", line->stage ? line->stage : "");
    }
}

/*
 * Complete events (X) have a duration, instants (i) none. Commits and stages of start-up are
 * stamped when they are done; slots are instants, since their ioctls lie within a commit that is
 * shown.
 */
static void chrome_line(const struct trace_line *line, struct memory_sink *sink)
{
    bool slice = line->took_ns > 0 && line->record->event != TRACE_SLOTS;
    bool boot = line->record->event == TRACE_BOOT && line->stage;
    bool at_end = (boot || line->record->event == TRACE_COMMIT) && line->took_ns <= line->ns;
    json_t *object = json_object(), *args = json_object();
    char name[96];

    chrome_name(line, name, sizeof(name));
    set_text(object, "name", name);
    set(object, "cat", json_string(event_name(line)));
    set(object, "ph", json_string(slice ? "X" : "i"));
    set(object, "ts", json_real((double)(line->ns - (at_end ? line->took_ns : 0)) / NS_PER_US));
    if (slice) {
        set(object, "dur", json_real((double)line->took_ns / NS_PER_US));
    } else {
        set(object, "s", json_string("t"));
    }
    set(object, "pid", json_integer(CHROME_PID));
    set(object, "tid",
        json_integer(line->cpu >= 0 ? CHROME_CPU_FIRST + line->cpu
                     : boot         ? CHROME_BOOT
                                    : CHROME_MACHINE));
    set_what(args, line);
    if (line->took_ns > 0 && !slice) {
        set(args, "us", json_real((double)line->took_ns / NS_PER_US));
    }
    set(object, "args", args);
    memory_sink_printf(sink, ",\n");
    dump(object, sink);
    json_decref(object);
}

static void chrome_meta(struct memory_sink *sink, const char *what, unsigned tid, const char *name)
{
    memory_sink_printf(sink,
                       ",\n{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%d,\"tid\":%u,"
                       "\"args\":{\"name\":\"%s\"}}",
                       what, CHROME_PID, tid, name);
}

void trace_format_begin(enum trace_format format, unsigned cpu_num, struct memory_sink *sink)
{
    char name[24];
    unsigned i;

    if (format != TRACE_CHROME) {
        return;
    }
    memory_sink_printf(sink,
                       "[{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,"
                       "\"args\":{\"name\":\"acre\"}}",
                       CHROME_PID);
    chrome_meta(sink, "thread_name", CHROME_MACHINE, "machine");
    chrome_meta(sink, "thread_name", CHROME_BOOT, "start-up");
    for (i = 0; i < cpu_num; i++) {
        (void)snprintf(name, sizeof(name), "cpu %u", i);
        chrome_meta(sink, "thread_name", CHROME_CPU_FIRST + i, name);
    }
}

void trace_format_line(enum trace_format format, const struct trace_line *line,
                       struct memory_sink *sink)
{
    switch (format) {
    case TRACE_JSON:
        json_line(line, sink);
        break;
    case TRACE_CHROME:
        chrome_line(line, sink);
        break;
    case TRACE_TEXT:
    case TRACE_FORMAT_NUM:
        text_line(line, sink);
        break;
    }
}

void trace_format_end(enum trace_format format, struct memory_sink *sink)
{
    if (format == TRACE_CHROME) {
        memory_sink_printf(sink, "\n]\n");
    }
}
