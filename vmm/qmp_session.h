/*
 * qmp_session.h - one QMP client's conversation: greeting, negotiation, commands, errors, ids.
 *
 * A session begins in negotiation mode, in which only qmp_capabilities is taken; after it come
 * commands and events. Each message in gives exactly one line out, in order, with the id it had;
 * so does each piece of input that is none. Lines end in CR LF.
 *
 * It does no I/O of its own: bytes come by qmp_session_receive() and leave by `send`.
 *
 * Context: the loop's thread. Source: QEMU docs/interop/qmp-spec.
 */
#ifndef ACRE_VMM_QMP_SESSION_H
#define ACRE_VMM_QMP_SESSION_H

#include <jansson.h>

#include "vmm/machine.h"
#include "vmm/qmp_scan.h"

struct qmp_session {
    struct machine *machine;
    void (*send)(void *opaque, const char *data, size_t len);
    void *opaque;
    bool ready;        /* capabilities are negotiated: commands and events */
    size_t answer_max; /* bytes; a longer answer becomes an error. 0: any */
    /* private */
    struct qmp_scan scan;
};

/* Begins with the greeting. Everything else of *session is filled by the caller's initialiser. */
void qmp_session_start(struct qmp_session *session);
/* Takes bytes up to the first that is answered, or all. Returns: how many; give the rest next. */
size_t qmp_session_receive(struct qmp_session *session, const char *data, size_t len);
void qmp_session_finish(struct qmp_session *session);

/* A message as it goes over the wire, with CR LF; the caller's to free. NULL: out of memory. */
char *qmp_line(const json_t *message);

#endif
