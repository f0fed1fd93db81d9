/*
 * server.h - a listening socket and the connections on it, on the event loop: what the QMP server
 * and the debugger's stub share.
 *
 * Input goes to the user as it comes. Output is queued, never waited for: a client that does not
 * read holds up nobody, and is dropped when more than its limit waits. One who sends faster than it
 * is served waits in the kernel. One who sends no more (a half-closed socket) gets what waits for
 * it before its connection ends.
 *
 * Context: the loop's thread. Nothing here takes a lock.
 */
#ifndef ACRE_VMM_SERVER_H
#define ACRE_VMM_SERVER_H

#include <stddef.h>

#include "vmm/loop.h"

struct server;

/* One client. From accept to the call of `closed`; `user` is the user's. */
struct connection {
    void *user;
    /* private */
    struct server *server;
    struct connection *next;
    struct loop_source source;
    char *out; /* what waits: out[out_first..out_last) */
    size_t out_first, out_last, out_size;
    char *kept; /* input to be given again; NULL: none */
    size_t kept_len;
    bool closing; /* closed when the callback at hand returns, or its output has left */
    bool in_callback;
};

struct server_ops {
    /* Returns: 0; -errno: the client is turned away, without closed(). */
    int (*accepted)(void *opaque, struct connection *connection);
    void (*received)(void *opaque, struct connection *connection, const char *data, size_t len);
    /* The connection ends; its storage with it. */
    void (*closed)(void *opaque, struct connection *connection);
};

struct server_config {
    struct server_ops ops;
    void *opaque;
    unsigned client_max; /* more wait in the backlog until one leaves */
    size_t out_max;      /* bytes that may wait for one client */
};

struct server {
    struct server_config config;
    /* private */
    struct loop *loop;
    struct loop_source source;
    struct connection *first;
    unsigned client_num;
    bool listening;
    bool no_fds; /* none left for one who waits, until a client leaves */
};

/*
 * Makes the listening socket; accepts nothing yet.
 * @address  "unix:PATH" (a socket file that nobody listens on any more is replaced), or, where tcp
 *           is allowed, "[HOST:]PORT" with HOST a numeric address, default 127.0.0.1.
 * Returns: 0; -EINVAL not such an address; -errno; err names the address.
 */
int server_open(struct server *server, const char *address, bool tcp,
                const struct server_config *config, struct error *err)
    __attribute__((warn_unused_result));
/* Begins to accept. Returns: 0; -errno of the loop. */
int server_start(struct server *server, struct loop *loop) __attribute__((warn_unused_result));
/*
 * Gives what waits at most `flush_ms` to leave, closes all connections, stops listening. Accepts a
 * server that was not started. A socket file stays: system calls are filtered by then, and one that
 * could remove it could remove others; server_open() replaces it.
 */
void server_close(struct server *server, unsigned flush_ms);

/*
 * Queues output. A client that has let too much wait is closed: at once, unless this is called from
 * one of its own callbacks.
 */
void connection_send(struct connection *connection, const char *data, size_t len);
/* Bytes that wait to leave. More than none: this client reads too slowly. */
size_t connection_waiting(const struct connection *connection);
/*
 * Puts off input: these bytes, the rest of what `received` was given, come again when the loop has
 * looked after others and no output waits; until then nothing is read. So one who asks for much is
 * served at the pace at which it reads, and takes turns.
 * Context: the last thing in `received`. Out of memory ends the connection.
 */
void connection_keep(struct connection *connection, const char *data, size_t len);
/* Ends it when what waits has left. Input is ignored from here on. */
void connection_close(struct connection *connection);

/*
 * bind(2) to a path, in place of a socket file that nobody listens on any more; anything else that
 * has this name stays. Returns: 0; -errno.
 */
int server_bind_path(int fd, const char *path) __attribute__((warn_unused_result));

#endif
