/*
 * monitor_client.h - the other end of --monitor: a QMP client that runs one command at a time.
 *
 * Context: one thread. Reading waits; a server that says nothing keeps the caller waiting.
 */
#ifndef ACRE_VMM_MONITOR_CLIENT_H
#define ACRE_VMM_MONITOR_CLIENT_H

#include <jansson.h>

#include "vmm/error.h"
#include "vmm/qmp_scan.h"

struct monitor_client {
    int fd;
    /* An event came, while a command ran or in monitor_client_read(). May be NULL. */
    void (*event)(void *opaque, const json_t *event);
    void *opaque;
    /* private */
    struct qmp_scan scan;
    char input[4096];
    size_t first, last; /* what of it is not scanned yet */
};

/*
 * Connects, reads the greeting, negotiates.
 * @address  a socket's path, with or without "unix:".
 * Returns: 0; -errno; -EPROTO no QMP server; err names the address. On failure nothing is left.
 */
int monitor_client_open(struct monitor_client *client, const char *address, struct error *err)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void monitor_client_close(struct monitor_client *client);

/* Sends bytes. Returns: 0; -errno, err is filled. */
int monitor_client_send(struct monitor_client *client, const char *data, size_t len,
                        struct error *err) __attribute__((warn_unused_result));
/* The next message, event or not: a new reference. NULL: it is over; err says why. */
json_t *monitor_client_next(struct monitor_client *client, struct error *err);
/* True when a message, or a part of one, has been read already: poll() would not tell. */
bool monitor_client_has_input(const struct monitor_client *client);

/*
 * Sends a message and waits for its answer: the next message that is no event.
 * @message  stays the caller's.
 * Returns: a new reference; NULL: the connection is over, err says why.
 */
json_t *monitor_client_ask(struct monitor_client *client, const json_t *message, struct error *err);

/*
 * Runs a command.
 * @arguments  taken over; NULL: none.
 * Returns: a new reference, what `return` was; NULL with err filled, and *refused true when it was
 * the server that said so, false when the connection is over.
 */
json_t *monitor_client_run(struct monitor_client *client, const char *command, json_t *arguments,
                           bool *refused, struct error *err);

#endif
