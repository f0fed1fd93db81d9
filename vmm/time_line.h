/*
 * time_line.h - when acre got how far: the stages of a machine's making, its first entry, first
 * output and end. Always on: some twenty looks at a clock in a run.
 *
 * Times are CLOCK_MONOTONIC's. The beginning is that of the process, reckoned: what it had used of
 * the CPU when it was asked first, and was busy with exec, is taken for time gone by.
 */
#ifndef ACRE_VMM_TIME_LINE_H
#define ACRE_VMM_TIME_LINE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_LINE_MAX = 24 };

struct time_line_mark {
    const char *name; /* what was finished then; a constant */
    uint64_t ns;
};

struct time_line {
    uint64_t begin_ns; /* of the process, about */
    size_t num;
    struct time_line_mark marks[TIME_LINE_MAX]; /* in order; those that find no room are left out */
};

uint64_t time_line_now_ns(void);
/* When this process began, about. Context: before it has waited for anything. */
uint64_t time_line_process_ns(void);
/* @begin_ns  0: now. Context: all by the thread of the loop. */
void time_line_begin(struct time_line *line, uint64_t begin_ns);
/* `name` has been done. */
void time_line_mark(struct time_line *line, const char *name);
/* The same for a time noted elsewhere; put in order. @ns  0: it has not happened, nothing is done.
 */
void time_line_insert(struct time_line *line, const char *name, uint64_t ns);
/*
 * An array of {"stage", "ns" (since the beginning), "took-ns" (since the one before)}.
 * Returns: a new reference; NULL out of memory.
 */
json_t *time_line_json(const struct time_line *line);

#endif
