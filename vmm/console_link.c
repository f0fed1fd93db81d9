/*
 * console_link.c - a reader's coming: a connection that is accepted, or inotify's word that the
 * pty was opened. Its leaving: EPOLLHUP, for which the descriptor stays in the epoll set even while
 * nothing is read. Between the two, console.c and console_out.c treat it as any other stream.
 *
 * Input and output have a descriptor each (of the same file), as an epoll set knows them by number.
 */
#include "vmm/console_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/console_out.h"
#include "vmm/log.h"

static bool comes_again(const struct console *console)
{
    return console->ends.notice_fd >= 0;
}

static bool is_pty(const struct console *console)
{
    return console->ends.kind == CONSOLE_BACKEND_PTY;
}

static bool is_link(const struct console *console)
{
    return console->ends.link_fd >= 0 || comes_again(console);
}

/* While somebody is on the socket, others wait in its backlog. A pty is always listened to. */
static void listen_for(struct console *console, bool listen)
{
    if (console->ends.kind == CONSOLE_BACKEND_SERVER && console->listening) {
        console->listening =
            loop_change(console->loop, &console->notice, listen ? EPOLLIN : 0) == 0;
    }
}

/* Closes what accept() gave us; the pty's master and a connection made at the start stay. */
static void drop_connection(struct console *console)
{
    if (console->in.fd >= 0 && console->in.fd != console->ends.link_fd) {
        (void)close(console->in.fd);
    }
    console->in.fd = -1;
    console->in_kind = CONSOLE_NONE;
}

/* Somebody is there, at `fd`. Returns: 0; -errno, and nothing has changed. */
static int attach(struct console *console, int fd)
{
    int ret, out_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (out_fd < 0) {
        return -errno;
    }
    console->in.fd = fd;
    console->in.events = 0;
    ret = loop_add(console->loop, &console->in);
    if (ret < 0) {
        (void)close(out_fd);
        console->in.fd = -1;
        return ret;
    }
    console->linked = true;
    console->in_watched = false;
    console->in_kind = CONSOLE_STREAM;
    console_out_switch(console, out_fd, is_pty(console) ? CONSOLE_STREAM : CONSOLE_SOCKET);
    listen_for(console, false);
    if (console->started) {
        console_watch_input(console, console->key_num == 0);
    }
    return 0;
}

/* The next reader is here before the guest took what the last one sent: keeps what it can. */
static void abandon(struct console *console)
{
    uint8_t *room = console_key_room(console), rest[512];
    ssize_t n = read(console->in.fd, room, CONSOLE_KEYS - console->key_num);

    while (n > 0) {
        if (room) {
            console->key_num += (size_t)n;
            room = NULL;
        } else {
            console->abandoned += (size_t)n;
        }
        n = read(console->in.fd, rest, sizeof(rest));
    }
    drop_connection(console);
}

static void accept_reader(struct console *console)
{
    int fd = accept4(console->ends.notice_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            /* Who waits there would wake us again and again. */
            log_warn("%s: accept: %s; nobody can connect any more", console->config.name,
                     strerror(errno));
            listen_for(console, false);
        }
        return;
    }
    if (console->in.fd >= 0) {
        abandon(console);
    }
    if (attach(console, fd) < 0) {
        (void)close(fd);
    }
}

static void pty_opened(struct console *console)
{
    char events[1024];

    while (read(console->ends.notice_fd, events, sizeof(events)) > 0) {
    }
    /* Whoever opened and closed it since is gone, but may have sent something. */
    if (!console->linked) {
        (void)attach(console, console->ends.link_fd);
    }
}

static void somebody_comes(void *opaque, uint32_t events)
{
    struct console *console = opaque;

    (void)events;
    if (is_pty(console)) {
        pty_opened(console);
    } else if (!console->linked) {
        accept_reader(console);
    }
}

int console_link_init(struct console *console)
{
    console->notice = (struct loop_source){.fd = console->ends.notice_fd,
                                           .events = EPOLLIN,
                                           .ready = somebody_comes,
                                           .opaque = console};
    if (console->ends.link_fd < 0 || is_pty(console)) {
        return 0;
    }
    return attach(console, console->ends.link_fd);
}

void console_link_start(struct console *console)
{
    if (comes_again(console)) {
        /* Where it fails nobody can come, which the guest does not mind. */
        console->listening = loop_add(console->loop, &console->notice) == 0;
        listen_for(console, !console->linked);
    }
}

void console_link_finish(struct console *console)
{
    if (!is_link(console)) {
        return;
    }
    if (console->listening) {
        loop_remove(console->loop, &console->notice);
    }
    if (console->linked) {
        loop_remove(console->loop, &console->in);
        console->linked = false;
    }
    drop_connection(console);
    console_out_switch(console, -1, CONSOLE_NONE);
}

void console_link_left(struct console *console)
{
    bool unread = console->in_kind != CONSOLE_NONE;

    loop_remove(console->loop, &console->in);
    console->linked = false;
    console->in_watched = false;
    console_out_switch(console, -1, comes_again(console) ? CONSOLE_ABSENT : CONSOLE_NONE);
    listen_for(console, true);
    if (unread) {
        /* Always ready from now on: to be read as a file is. */
        console->in_kind = CONSOLE_FILE;
        console_watch_input(console, true);
    } else {
        drop_connection(console);
    }
}

void console_link_input_ended(struct console *console, bool broken)
{
    if (!is_link(console)) {
        return;
    }
    if (!console->linked) {
        drop_connection(console);
    } else if (broken || is_pty(console)) {
        console_link_left(console);
    }
    /* Else its sending half alone is closed: it still reads. */
}

bool console_link_is_read(const struct console *console)
{
    struct pollfd other = {.events = POLLIN};
    bool is_read;

    if (!is_pty(console) || !console->linked) {
        return true;
    }
    other.fd = ioctl(console->ends.link_fd, TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (other.fd < 0) {
        return true; /* cannot be known */
    }
    is_read = poll(&other, 1, 0) == 0;
    (void)close(other.fd);
    return is_read;
}
