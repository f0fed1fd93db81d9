/*
 * server.c - connections are a list. One that is to be closed while its callback runs is closed
 * after it, so that callbacks may close what they are called for.
 */
#include "vmm/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "vmm/options.h"

enum { RECEIVE_SIZE = 16384, OUT_MIN = 4096 };

/* ---- the socket ---- */

static int unix_address(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] == '\0' || strlen(path) >= sizeof(address->sun_path)) {
        return -EINVAL;
    }
    memcpy(address->sun_path, path, strlen(path));
    return 0;
}

/* A socket file that an ended process has left: nobody listens. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat st;
    bool stale = false;
    int fd;

    if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        stale = connect(fd, (const void *)address, sizeof(*address)) < 0 && errno == ECONNREFUSED;
        (void)close(fd);
    }
    return stale;
}

int server_bind_path(int fd, const char *path)
{
    struct sockaddr_un address;
    int ret = unix_address(path, &address);

    if (ret < 0) {
        return ret;
    }
    ret = bind(fd, (const void *)&address, sizeof(address)) < 0 ? -errno : 0;
    if (ret == -EADDRINUSE && is_stale(&address) && unlink(path) == 0) {
        ret = bind(fd, (const void *)&address, sizeof(address)) < 0 ? -errno : 0;
    }
    return ret;
}

/* "[HOST:]PORT". Returns: 0; -EINVAL. */
static int tcp_address(const char *text, struct sockaddr_in *address)
{
    const char *colon = strrchr(text, ':'), *end;
    char host[INET_ADDRSTRLEN] = "127.0.0.1";
    uint64_t port;

    if (colon && colon > text) {
        if ((size_t)(colon - text) >= sizeof(host)) {
            return -EINVAL;
        }
        memcpy(host, text, (size_t)(colon - text));
        host[colon - text] = '\0';
    }
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    if (options_number(colon ? colon + 1 : text, &port, &end) < 0 || *end != '\0' || port < 1 ||
        port > 65535 || inet_pton(AF_INET, host, &address->sin_addr) != 1) {
        return -EINVAL;
    }
    address->sin_port = htons((uint16_t)port);
    return 0;
}

static int bind_tcp(int fd, const struct sockaddr_in *address)
{
    const int on = 1;

    /* Accepted sockets inherit TCP_NODELAY. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        bind(fd, (const void *)address, sizeof(*address)) < 0) {
        return -errno;
    }
    return 0;
}

int server_open(struct server *server, const char *address, bool tcp,
                const struct server_config *config, struct error *err)
{
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    struct sockaddr_in inet;
    struct sockaddr_un path;
    int ret = is_unix ? unix_address(address + 5, &path)
              : tcp   ? tcp_address(address, &inet)
                      : -EINVAL;

    *server = (struct server){.config = *config, .source = {.fd = -1}};
    if (ret < 0) {
        return error_set(err, EINVAL, "%s: not an address (try unix:PATH%s)", address,
                         tcp ? " or 127.0.0.1:1234" : "");
    }
    server->source.fd =
        socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->source.fd < 0) {
        return error_set_errno(err, errno, "%s", address);
    }
    ret = is_unix ? server_bind_path(server->source.fd, address + 5)
                  : bind_tcp(server->source.fd, &inet);
    if (ret == 0 && listen(server->source.fd, 8) < 0) {
        ret = -errno;
    }
    if (ret < 0) {
        server_close(server, 0);
        return error_set_errno(err, -ret, "%s", address);
    }
    return 0;
}

/* ---- connections ---- */

/* Those that come when there are enough wait. A failure leaves it as it was: they wait longer. */
static void watch_backlog(struct server *server)
{
    bool more = server->client_num < server->config.client_max && !server->no_fds;

    if (server->listening && loop_change(server->loop, &server->source, more ? EPOLLIN : 0) == 0) {
        server->source.events = more ? EPOLLIN : 0;
    }
}

static void drop(struct connection *connection)
{
    struct server *server = connection->server;
    struct connection **link = &server->first;

    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    loop_remove(server->loop, &connection->source);
    server->client_num--;
    server->no_fds = false; /* it gives its own back */
    server->config.ops.closed(server->config.opaque, connection);
    (void)close(connection->source.fd);
    watch_backlog(server);
    free(connection->kept);
    free(connection->out);
    free(connection);
}

/* Sends what can be sent now. Returns: 0; -errno: the client is gone. */
static int push(struct connection *connection)
{
    while (connection->out_first < connection->out_last) {
        ssize_t n = send(connection->source.fd, connection->out + connection->out_first,
                         connection->out_last - connection->out_first, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN ? 0 : -errno;
        }
        connection->out_first += (size_t)n;
    }
    connection->out_first = connection->out_last = 0;
    return 0;
}

/* Room for `len` more bytes. Returns: false when they are too many. */
static bool make_room(struct connection *connection, size_t len)
{
    size_t waiting = connection->out_last - connection->out_first, size = OUT_MIN;
    char *out;

    if (len > connection->server->config.out_max ||
        waiting > connection->server->config.out_max - len) {
        return false;
    }
    if (connection->out_first > 0) {
        memmove(connection->out, connection->out + connection->out_first, waiting);
        connection->out_first = 0;
        connection->out_last = waiting;
    }
    while (size < waiting + len) {
        size *= 2;
    }
    if (size > connection->out_size) {
        out = realloc(connection->out, size);
        if (!out) {
            return false;
        }
        connection->out = out;
        connection->out_size = size;
    }
    return true;
}

/* What the loop shall watch for now, and the end when it has come. */
static void settle(struct connection *connection)
{
    bool waits = connection->out_last > connection->out_first;

    if (connection->in_callback) {
        return;
    }
    if (connection->closing && !waits) {
        drop(connection);
        return;
    }
    if (loop_change(connection->server->loop, &connection->source,
                    (connection->closing || connection->kept ? 0 : EPOLLIN) |
                        (waits || connection->kept ? EPOLLOUT : 0)) < 0) {
        drop(connection);
    }
}

static void give_up(struct connection *connection)
{
    connection->closing = true;
    connection->out_first = connection->out_last = 0;
}

void connection_send(struct connection *connection, const char *data, size_t len)
{
    if (connection->closing) {
        return;
    }
    if (!make_room(connection, len)) {
        give_up(connection);
    } else {
        memcpy(connection->out + connection->out_last, data, len);
        connection->out_last += len;
        if (push(connection) < 0) {
            give_up(connection);
        }
    }
    settle(connection);
}

void connection_close(struct connection *connection)
{
    connection->closing = true;
    settle(connection);
}

size_t connection_waiting(const struct connection *connection)
{
    return connection->out_last - connection->out_first;
}

void connection_keep(struct connection *connection, const char *data, size_t len)
{
    char *kept = len > 0 ? malloc(len) : NULL;

    if (kept) {
        memcpy(kept, data, len);
        connection->kept = kept;
        connection->kept_len = len;
    } else if (len > 0) {
        give_up(connection);
    }
}

/* Gives once more what was put off. */
static void receive_kept(struct connection *connection)
{
    struct server *server = connection->server;
    char *kept = connection->kept;

    connection->kept = NULL;
    server->config.ops.received(server->config.opaque, connection, kept, connection->kept_len);
    free(kept);
}

static void receive(struct connection *connection)
{
    struct server *server = connection->server;
    char data[RECEIVE_SIZE];
    ssize_t n = read(connection->source.fd, data, sizeof(data));

    if (n > 0) {
        server->config.ops.received(server->config.opaque, connection, data, (size_t)n);
    } else if (n == 0) {
        connection->closing = true; /* it has said all; what waits may be an answer that it reads */
    } else if (errno != EAGAIN && errno != EINTR) {
        give_up(connection);
    }
}

static void connection_ready(void *opaque, uint32_t events)
{
    struct connection *connection = opaque;

    connection->in_callback = true;
    if ((events & EPOLLOUT) && push(connection) < 0) {
        give_up(connection);
    }
    if (!connection->closing && connection->kept) {
        if (connection_waiting(connection) == 0) {
            receive_kept(connection);
        } else if (events & (EPOLLHUP | EPOLLERR)) {
            give_up(connection);
        }
    } else if (!connection->closing && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        receive(connection);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        give_up(connection);
    }
    connection->in_callback = false;
    settle(connection);
}

static int add_connection(struct server *server, int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    int ret;

    if (!connection) {
        return -ENOMEM;
    }
    connection->server = server;
    connection->source = (struct loop_source){
        .fd = fd, .events = EPOLLIN, .ready = connection_ready, .opaque = connection};
    connection->in_callback = true;
    ret = server->config.ops.accepted(server->config.opaque, connection);
    if (ret == 0) {
        ret = loop_add(server->loop, &connection->source);
        if (ret < 0) {
            server->config.ops.closed(server->config.opaque, connection);
        }
    }
    if (ret < 0) {
        free(connection->out);
        free(connection);
        return ret;
    }
    connection->next = server->first;
    server->first = connection;
    server->client_num++;
    connection->in_callback = false;
    settle(connection);
    return 0;
}

static void server_ready(void *opaque, uint32_t events)
{
    struct server *server = opaque;
    int fd = accept4(server->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    server->no_fds = fd < 0 && (errno == EMFILE || errno == ENFILE) && server->client_num > 0;
    if (fd >= 0 && add_connection(server, fd) < 0) {
        (void)close(fd);
    }
    watch_backlog(server);
}

int server_start(struct server *server, struct loop *loop)
{
    int ret;

    server->loop = loop;
    server->source.events = EPOLLIN;
    server->source.ready = server_ready;
    server->source.opaque = server;
    ret = loop_add(loop, &server->source);
    server->listening = ret == 0;
    return ret;
}

/* ---- the end ---- */

static int64_t now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until what waits has left, or the time is over. */
static void flush(struct connection *connection, int64_t deadline)
{
    struct pollfd fd = {.fd = connection->source.fd, .events = POLLOUT};

    while (push(connection) == 0 && connection->out_last > connection->out_first) {
        int64_t left = deadline - now_ms();

        if (left <= 0 || poll(&fd, 1, (int)left) <= 0) {
            return;
        }
    }
}

void server_close(struct server *server, unsigned flush_ms)
{
    int64_t deadline = server->first ? now_ms() + (int64_t)flush_ms : 0;

    if (server->listening) {
        loop_remove(server->loop, &server->source);
        server->listening = false;
    }
    while (server->first) {
        flush(server->first, deadline);
        drop(server->first);
    }
    if (server->source.fd >= 0) {
        (void)close(server->source.fd);
        server->source.fd = -1;
    }
}
