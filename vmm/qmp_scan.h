/*
 * qmp_scan.h - cuts a stream of bytes into JSON messages.
 *
 * A message is an object or an array at the top level; between messages there may be white space.
 * It may come in any number of pieces, and any number of them in one piece. Nothing but brackets,
 * which must pair, and strings is looked at: whether it is JSON is for the parser to say.
 *
 * After an error everything up to the end of the line is skipped, so that one bad line costs one
 * error. A byte 0xff, which no JSON has, abandons what was begun without an error, as with QEMU.
 *
 * Context: one thread at a time. Cost: O(bytes); memory: the message at hand, at most `size_max`.
 * Source: RFC 8259; QEMU docs/interop/qmp-spec.
 */
#ifndef ACRE_VMM_QMP_SCAN_H
#define ACRE_VMM_QMP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QMP_SCAN_SIZE_MAX = 1 << 20, /* bytes of one message, where nothing else is said */
    QMP_SCAN_DEPTH_MAX = 1024,   /* brackets inside one another; QEMU's limit, too */
};

enum qmp_scan_result {
    QMP_SCAN_MORE,    /* all bytes were taken; there is no whole message yet */
    QMP_SCAN_MESSAGE, /* text and len are one, until the next feed */
    QMP_SCAN_BAD,     /* no message begins so, the wrong bracket, a control character in a string */
    QMP_SCAN_TOO_LONG,
    QMP_SCAN_TOO_DEEP,
    QMP_SCAN_NO_MEMORY,
};

/* Zero it to start. */
struct qmp_scan {
    size_t size_max; /* bytes of one message; 0: QMP_SCAN_SIZE_MAX */
    char *text;      /* not terminated */
    size_t len;
    /* private */
    size_t size;
    unsigned depth;
    uint64_t objects[QMP_SCAN_DEPTH_MAX / 64]; /* bit n: what is open at depth n + 1 began with { */
    bool in_string, escaped, skipping, whole;
};

/*
 * Takes bytes up to the end of a message, an error, or all of them.
 * @used  how many were taken; feed the rest next.
 */
enum qmp_scan_result qmp_scan_feed(struct qmp_scan *scan, const char *data, size_t len,
                                   size_t *used);
/* Accepts a zeroed one. */
void qmp_scan_finish(struct qmp_scan *scan);

#endif
