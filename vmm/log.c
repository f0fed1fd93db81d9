/*
 * log.c - a line is formatted on the stack and written at once. Nothing is kept between lines
 * but what the caller's log_limit holds.
 */
#include "vmm/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void put_line(const char *kind, const char *suffix, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void put_line(const char *kind, const char *suffix, const char *format, va_list ap)
{
    char line[LOG_LINE_MAX];
    size_t used, i;
    int n;

    used = (size_t)snprintf(line, sizeof(line), "acre: %s", kind);
    n = vsnprintf(line + used, sizeof(line) - used, format, ap);
    if (n > 0) {
        used += (size_t)n;
    }
    if (used < sizeof(line)) {
        n = snprintf(line + used, sizeof(line) - used, "%s", suffix);
        used += (size_t)n;
    }
    if (used > sizeof(line) - 1) {
        used = sizeof(line) - 1;
    }
    for (i = 0; i < used; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[used++] = '\n';
    /* Where stderr does not work there is nobody to tell. */
    if (write(STDERR_FILENO, line, used) < 0) {
        return;
    }
}

void log_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_line("error: ", "", format, ap);
    va_end(ap);
}

void log_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_line("warning: ", "", format, ap);
    va_end(ap);
}

void log_note(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_line("", "", format, ap);
    va_end(ap);
}

/* Takes a token, refilling first. Context: limit->busy is ours. */
static bool take_token(struct log_limit *limit)
{
    const uint64_t step_ns = 1000000000 / LOG_PER_SECOND;
    struct timespec ts;
    uint64_t now_ns, earned;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    now_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    if (!limit->started) {
        limit->started = true;
        limit->tokens = LOG_BURST;
        limit->refilled_ns = now_ns;
    }
    earned = (now_ns - limit->refilled_ns) / step_ns;
    if (earned > 0) {
        limit->refilled_ns += earned * step_ns;
        limit->tokens =
            earned + limit->tokens > LOG_BURST ? LOG_BURST : (unsigned)earned + limit->tokens;
    }
    if (limit->tokens == 0) {
        return false;
    }
    limit->tokens--;
    return true;
}

/* A reader that does not read must not stop a CPU: a line fits into a pipe that polls writable. */
static bool would_block(void)
{
    struct pollfd poll_fd = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&poll_fd, 1, 0) == 0;
}

static void put_limited(struct log_limit *limit, const char *kind, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void put_limited(struct log_limit *limit, const char *kind, const char *format, va_list ap)
{
    char suffix[64] = "";
    uint64_t suppressed;
    bool ok;

    /* Two at once: one of them counts as held back, nobody waits. */
    if (atomic_exchange(&limit->busy, true)) {
        atomic_fetch_add(&limit->suppressed, 1);
        return;
    }
    ok = take_token(limit) && !would_block();
    atomic_store(&limit->busy, false);
    if (!ok) {
        atomic_fetch_add(&limit->suppressed, 1);
        return;
    }
    suppressed = atomic_exchange(&limit->suppressed, 0);
    if (suppressed > 0) {
        (void)snprintf(suffix, sizeof(suffix), " (%llu earlier messages not shown)",
                       (unsigned long long)suppressed);
    }
    put_line(kind, suffix, format, ap);
}

void log_warn_limited(struct log_limit *limit, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_limited(limit, "warning: ", format, ap);
    va_end(ap);
}

void log_note_limited(struct log_limit *limit, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_limited(limit, "", format, ap);
    va_end(ap);
}

void log_limit_flush(struct log_limit *limit)
{
    uint64_t suppressed = atomic_exchange(&limit->suppressed, 0);

    if (suppressed > 0) {
        log_warn("%llu more messages not shown", (unsigned long long)suppressed);
    }
}
