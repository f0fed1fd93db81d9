/*
 * trace_format.h - one trace event as text, as a line of JSON, or in the Trace Event Format that
 * Perfetto and chrome://tracing open.
 *
 * - text: "0.012345678 cpu 0 pio write 0x3f8 size 1 value 0x41 (serial+0x0 THR/DLL) 2.1 us"
 * - JSON: an object a line: "time" (seconds since acre started), "event", "us" (where it took
 *   time), and by event: "cpu", "direction", "address", "size", "count", "value", "region",
 *   "offset", "register"; "line", "level"; "msr"; "reason"; "slot", "change", "first", "last",
 *   "flags"; "stage"; of a commit what commit_report.h has. Addresses and values are "0x...".
 * - Chrome: one JSON array of events; CPUs, the machine and start-up are its threads.
 *
 * Context: any; nothing is kept between calls.
 */
#ifndef ACRE_VMM_TRACE_FORMAT_H
#define ACRE_VMM_TRACE_FORMAT_H

#include <jansson.h>

#include "memory/print.h"
#include "vmm/trace_ring.h"
#include "vmm/trace_spec.h"

enum trace_slot_change { TRACE_SLOT_REMOVED, TRACE_SLOT_ADDED, TRACE_SLOT_CHANGED };

/* A commit's diff, rendered when it happened. */
struct trace_note {
    char *text;   /* lines, each with its newline; NULL: nobody wants text */
    json_t *json; /* an object; NULL: nobody wants it */
};

struct trace_line {
    const struct trace_record *record;
    int cpu;            /* -1: none */
    uint64_t ns;        /* since acre started, when it began */
    uint64_t took_ns;   /* 0: no time */
    const char *region; /* NULL: none */
    const char *stage;  /* TRACE_BOOT: its name */
    bool is_dropped;    /* no record: record->value events were dropped */
};

void trace_format_begin(enum trace_format format, unsigned cpu_num, struct memory_sink *sink);
void trace_format_line(enum trace_format format, const struct trace_line *line,
                       struct memory_sink *sink);
void trace_format_end(enum trace_format format, struct memory_sink *sink);

void trace_note_free(struct trace_note *note);

#endif
