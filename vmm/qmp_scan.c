/*
 * qmp_scan.c - one state machine over the bytes: outside, inside brackets, inside a string. The
 * bytes of a message are copied as they are, a whole run at a time.
 */
#include "vmm/qmp_scan.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 1024, RESYNC = 0xff };

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void forget(struct qmp_scan *scan)
{
    scan->len = 0;
    scan->depth = 0;
    scan->in_string = scan->escaped = scan->whole = false;
}

/* Is what is open at `depth` an object? Else it is an array. */
static bool is_object(const struct qmp_scan *scan, unsigned depth)
{
    return (scan->objects[(depth - 1) / 64] >> (depth - 1) % 64 & 1) != 0;
}

static void open_bracket(struct qmp_scan *scan, bool object)
{
    uint64_t *word = &scan->objects[scan->depth / 64], bit = UINT64_C(1) << scan->depth % 64;

    *word = object ? *word | bit : *word & ~bit;
    scan->depth++;
}

/* What the next byte of a message means. `whole` is set by the bracket that ends it. */
static enum qmp_scan_result follow(struct qmp_scan *scan, unsigned char c)
{
    if (scan->in_string) {
        if (c < 0x20) {
            return QMP_SCAN_BAD;
        }
        scan->in_string = scan->escaped || c != '"';
        scan->escaped = !scan->escaped && c == '\\';
        return QMP_SCAN_MORE;
    }
    switch (c) {
    case '"':
        scan->in_string = true;
        break;
    case '{':
    case '[':
        if (scan->depth == QMP_SCAN_DEPTH_MAX) {
            return QMP_SCAN_TOO_DEEP;
        }
        open_bracket(scan, c == '{');
        break;
    case '}':
    case ']':
        if (is_object(scan, scan->depth) != (c == '}')) {
            return QMP_SCAN_BAD;
        }
        scan->depth--;
        scan->whole = scan->depth == 0;
        break;
    default:
        break;
    }
    return QMP_SCAN_MORE;
}

/* Adds a run of bytes to the message. */
static enum qmp_scan_result append(struct qmp_scan *scan, const char *data, size_t len)
{
    size_t size = scan->size ? scan->size : SIZE_MIN;
    size_t size_max = scan->size_max ? scan->size_max : QMP_SCAN_SIZE_MAX;
    char *text;

    if (len > size_max - scan->len) {
        return QMP_SCAN_TOO_LONG;
    }
    while (size < scan->len + len) {
        size *= 2;
    }
    if (size > scan->size) {
        text = realloc(scan->text, size);
        if (!text) {
            return QMP_SCAN_NO_MEMORY;
        }
        scan->text = text;
        scan->size = size;
    }
    memcpy(scan->text + scan->len, data, len);
    scan->len += len;
    return QMP_SCAN_MORE;
}

/* Bytes between messages, or after an error. Returns: BAD for one that begins nothing. */
static enum qmp_scan_result skip(struct qmp_scan *scan, const unsigned char *data, size_t len,
                                 size_t *at)
{
    for (; *at < len; (*at)++) {
        unsigned char c = data[*at];

        if (scan->skipping) {
            scan->skipping = c != '\n' && c != RESYNC;
        } else if (c == '{' || c == '[') {
            return QMP_SCAN_MORE;
        } else if (!is_space(c) && c != RESYNC) {
            return QMP_SCAN_BAD;
        }
    }
    return QMP_SCAN_MORE;
}

/* Bytes of a message, which begins or goes on at `at`. */
static enum qmp_scan_result take(struct qmp_scan *scan, const unsigned char *data, size_t len,
                                 size_t *at)
{
    enum qmp_scan_result result = QMP_SCAN_MORE, appended;
    size_t first = *at;

    while (*at < len && !scan->whole && result == QMP_SCAN_MORE) {
        if (data[*at] == RESYNC) {
            forget(scan);
            (*at)++;
            return QMP_SCAN_MORE;
        }
        result = follow(scan, data[*at]);
        *at += result == QMP_SCAN_MORE;
    }
    appended = append(scan, (const char *)data + first, *at - first);
    return result != QMP_SCAN_MORE ? result : appended;
}

enum qmp_scan_result qmp_scan_feed(struct qmp_scan *scan, const char *data, size_t len,
                                   size_t *used)
{
    enum qmp_scan_result result = QMP_SCAN_MORE;
    size_t at = 0;

    if (scan->whole) {
        forget(scan);
    }
    while (at < len && result == QMP_SCAN_MORE && !scan->whole) {
        result =
            scan->depth == 0 ? skip(scan, (const unsigned char *)data, len, &at) : QMP_SCAN_MORE;
        if (result == QMP_SCAN_MORE && at < len) {
            result = take(scan, (const unsigned char *)data, len, &at);
        }
    }
    if (result != QMP_SCAN_MORE) {
        forget(scan);
        scan->skipping = true;
    } else if (scan->whole) {
        result = QMP_SCAN_MESSAGE;
    }
    *used = at;
    return result;
}

void qmp_scan_finish(struct qmp_scan *scan)
{
    free(scan->text);
    *scan = (struct qmp_scan){0};
}
