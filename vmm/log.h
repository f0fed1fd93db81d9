/*
 * log.h - diagnostics on stderr, one line each: `acre: error: WHAT`.
 *
 * A line is one write(2), so that lines of several threads never mix; nothing is buffered. Lines
 * are at most LOG_LINE_MAX bytes, control characters in them become '?': a guest or a file name
 * cannot draw on the user's terminal.
 *
 * Context: any thread, any lock; not a signal handler.
 */
#ifndef ACRE_VMM_LOG_H
#define ACRE_VMM_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 1024 };

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `acre: WHAT`: what -v says, and verdicts. */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * What a guest can provoke is limited: LOG_BURST lines at once, then LOG_PER_SECOND a second; the
 * next line that is let through says how many were not. Zero it to start. One for each kind of
 * message, or one for a whole machine. A line that stderr does not take at once is held back, too;
 * all other functions here wait.
 */
enum { LOG_BURST = 10, LOG_PER_SECOND = 1 };
struct log_limit {
    /* private */
    _Atomic bool busy;
    bool started;
    unsigned tokens;
    uint64_t refilled_ns; /* CLOCK_MONOTONIC */
    _Atomic uint64_t suppressed;
};

void log_warn_limited(struct log_limit *limit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same as log_note(). */
void log_note_limited(struct log_limit *limit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says how many lines were held back since the last one, if any; at the end of a run. */
void log_limit_flush(struct log_limit *limit);

#endif
