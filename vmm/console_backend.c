/*
 * console_backend.c - reading a back end's words, and opening what they name. Everything is opened
 * non-blocking; what may wait (a client that is to come) waits here, before the machine exists.
 */
#include "vmm/console_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/log.h"
#include "vmm/server.h"

static const struct {
    const char *word;
    enum console_backend_kind kind;
} words[] = {
    {"stdio", CONSOLE_BACKEND_STDIO},
    {"null", CONSOLE_BACKEND_NULL},
    {"none", CONSOLE_BACKEND_NULL}, /* only read: QEMU's word for no port at all */
    {"pty", CONSOLE_BACKEND_PTY},
};

const char *console_backend_word(const struct console_backend *backend)
{
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].kind == backend->kind) {
            return words[i].word;
        }
    }
    return NULL;
}

/* Takes a socket's path up to a single comma. Returns: what follows the path; NULL: too long. */
static const char *take_path(const char *text, char *path, size_t size)
{
    size_t len = 0;

    for (; *text != '\0' && (*text != ',' || text[1] == ','); text++) {
        if (len + 1 == size) {
            return NULL;
        }
        path[len++] = *text;
        text += *text == ',';
    }
    path[len] = '\0';
    return text;
}

/* The flags behind a socket's path. */
static const struct {
    const char *text;
    bool is_wait, value;
} flags[] = {
    {"server", false, true}, {"server=on", false, true}, {"server=off", false, false},
    {"wait", true, true},    {"wait=on", true, true},    {"wait=off", true, false},
    {"nowait", true, false},
};

static int parse_flag(const char *text, size_t len, bool *server, int *wait)
{
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strlen(flags[i].text) == len && !memcmp(flags[i].text, text, len)) {
            if (flags[i].is_wait) {
                *wait = flags[i].value;
            } else {
                *server = flags[i].value;
            }
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_socket(const char *text, struct console_backend *backend, struct error *err)
{
    const char *rest = take_path(text, backend->socket, sizeof(backend->socket));
    bool server = false;
    int wait = -1; /* not said */
    size_t len;

    if (!rest) {
        return error_set(err, EINVAL, "unix: a socket's path has at most %zu bytes",
                         sizeof(backend->socket) - 1);
    }
    if (backend->socket[0] == '\0') {
        return error_set(err, EINVAL, "unix: wants a path");
    }
    while (*rest == ',') {
        rest++;
        len = strcspn(rest, ",");
        if (parse_flag(rest, len, &server, &wait) < 0) {
            return error_set(err, EINVAL, "unix: '%.*s' is not server=on|off or wait=on|off",
                             (int)(len < 64 ? len : 64), rest);
        }
        rest += len;
    }
    if (!server && wait >= 0) {
        return error_set(err, EINVAL, "unix: who connects cannot wait; wait is for server=on");
    }
    backend->kind = server ? CONSOLE_BACKEND_SERVER : CONSOLE_BACKEND_CLIENT;
    backend->wait = server && wait != 0;
    return 0;
}

int console_backend_parse(const char *text, struct console_backend *backend, struct error *err)
{
    size_t i;

    *backend = (struct console_backend){.kind = CONSOLE_BACKEND_UNSET};
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].word) == 0) {
            backend->kind = words[i].kind;
            return 0;
        }
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_socket(text + 5, backend, err);
    }
    if (strncmp(text, "file:", 5) == 0 && text[5] != '\0') {
        backend->kind = CONSOLE_BACKEND_FILE;
        backend->path = text + 5;
        return 0;
    }
    return error_set(err, EINVAL, "'%.64s': wants stdio, null, pty, file:PATH or unix:PATH", text);
}

/*
 * Raw, or what the guest says would be echoed back to it before anybody has opened the terminal.
 * Opened and closed once, the master says that nobody is there.
 */
static int prepare_pty(struct console_ends *ends)
{
    struct termios termios;
    int fd, ret = 0;

    if (grantpt(ends->link_fd) < 0 || unlockpt(ends->link_fd) < 0 ||
        ptsname_r(ends->link_fd, ends->where, sizeof(ends->where)) != 0) {
        return -errno;
    }
    fd = open(ends->where, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &termios) < 0) {
        ret = -errno;
    } else {
        cfmakeraw(&termios);
        ret = tcsetattr(fd, TCSANOW, &termios) < 0 ? -errno : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ret;
}

static int open_pty(const char *label, struct console_ends *ends, struct error *err)
{
    int ret;

    ends->link_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (ends->link_fd < 0) {
        return error_set_errno(err, errno, "pty");
    }
    ret = prepare_pty(ends);
    if (ret < 0) {
        return error_set_errno(err, -ret, "pty");
    }
    ends->notice_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (ends->notice_fd < 0 || inotify_add_watch(ends->notice_fd, ends->where, IN_OPEN) < 0) {
        return error_set_errno(err, errno, "pty: inotify");
    }
    log_note("char device redirected to %s (label %s)", ends->where, label);
    return 0;
}

static struct sockaddr_un address_of(const struct console_backend *backend)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, backend->socket, sizeof(address.sun_path));
    return address;
}

static int new_socket(struct error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? error_set_errno(err, errno, "unix: socket") : fd;
}

static int set_nonblocking(int fd)
{
    int status = fcntl(fd, F_GETFL);

    return status < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ? -errno : 0;
}

static int open_client(const struct console_backend *backend, struct console_ends *ends,
                       struct error *err)
{
    const struct sockaddr_un address = address_of(backend);
    int ret;

    ends->link_fd = new_socket(err);
    if (ends->link_fd < 0) {
        return ends->link_fd;
    }
    do {
        ret = connect(ends->link_fd, (const void *)&address, sizeof(address));
    } while (ret < 0 && errno == EINTR);
    if (ret < 0 || set_nonblocking(ends->link_fd) < 0) {
        return error_set_errno(err, errno, "unix:%s", backend->socket);
    }
    return 0;
}

static int wait_for_client(const struct console_backend *backend, const char *label,
                           struct console_ends *ends, struct error *err)
{
    log_note("%s waits for somebody to connect to unix:%s", label, backend->socket);
    do {
        ends->link_fd = accept4(ends->notice_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (ends->link_fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return ends->link_fd < 0 ? error_set_errno(err, errno, "unix:%s", backend->socket) : 0;
}

static int open_server(const struct console_backend *backend, const char *label,
                       struct console_ends *ends, struct error *err)
{
    int ret;

    ends->notice_fd = new_socket(err);
    if (ends->notice_fd < 0) {
        return ends->notice_fd;
    }
    ret = server_bind_path(ends->notice_fd, backend->socket);
    if (ret == 0 && listen(ends->notice_fd, 1) < 0) {
        ret = -errno;
    }
    if (ret < 0) {
        return error_set_errno(err, -ret, "unix:%s", backend->socket);
    }
    ret = backend->wait ? wait_for_client(backend, label, ends, err) : 0;
    if (ret == 0 && set_nonblocking(ends->notice_fd) < 0) {
        ret = error_set_errno(err, errno, "unix:%s", backend->socket);
    }
    return ret;
}

int console_backend_open(const struct console_backend *backend, const char *label, int in_fd,
                         int out_fd, struct console_ends *ends, struct error *err)
{
    int ret = 0;

    *ends = (struct console_ends){backend->kind, -1, -1, -1, -1, ""};
    switch (backend->kind) {
    case CONSOLE_BACKEND_UNSET:
    case CONSOLE_BACKEND_NULL:
        break;
    case CONSOLE_BACKEND_STDIO:
        ends->in_fd = in_fd;
        ends->out_fd = out_fd;
        break;
    case CONSOLE_BACKEND_PTY:
        ret = open_pty(label, ends, err);
        break;
    case CONSOLE_BACKEND_FILE:
        ret = cmd_create_file(backend->path, &ends->out_fd, err);
        break;
    case CONSOLE_BACKEND_CLIENT:
        ret = open_client(backend, ends, err);
        break;
    case CONSOLE_BACKEND_SERVER:
        ret = open_server(backend, label, ends, err);
        break;
    }
    if (ret < 0) {
        console_backend_close(ends);
    }
    return ret;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

void console_backend_close(struct console_ends *ends)
{
    if (ends->kind == CONSOLE_BACKEND_UNSET) {
        return;
    }
    if (ends->kind == CONSOLE_BACKEND_FILE) {
        close_fd(&ends->out_fd);
    }
    close_fd(&ends->link_fd);
    close_fd(&ends->notice_fd);
    ends->kind = CONSOLE_BACKEND_UNSET;
}
