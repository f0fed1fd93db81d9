/*
 * console_out.c - output. Bytes go to the descriptor at once while it takes them, else into a ring
 * that the event loop drains. A pipe or terminal is opened a second time through /proc, because
 * O_NONBLOCK on the descriptor we were given would hit everybody who shares it.
 */
#include "vmm/console_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vmm/log.h"
#include "vmm/time_line.h"

/* What a descriptor that polls as writable surely takes: a page in a pipe, a byte in a terminal. */
enum { SHARED_PIPE_CHUNK = PIPE_BUF, SHARED_CHUNK = 1 };

static bool is_pipe(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Returns: bytes taken, 1..len; -EAGAIN; -errno. */
static ssize_t write_some(const struct console *console, const uint8_t *data, size_t len)
{
    struct pollfd poll_fd = {.fd = console->out.fd, .events = POLLOUT};
    size_t chunk;
    ssize_t n;

    do {
        if (console->out_kind == CONSOLE_SOCKET) {
            n = send(console->out.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else if (console->out_kind == CONSOLE_SHARED) {
            if (poll(&poll_fd, 1, 0) != 1) {
                return -EAGAIN; /* interrupted as well: to write without an answer could block */
            }
            chunk = is_pipe(console->out.fd) ? SHARED_PIPE_CHUNK : SHARED_CHUNK;
            n = write(console->out.fd, data, len < chunk ? len : chunk);
        } else {
            n = write(console->out.fd, data, len);
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/*
 * Nobody reads any more: what is left and what comes goes nowhere, or waits where somebody else
 * may come. Context: locked.
 */
static void give_up(struct console *console, int err)
{
    if (console->ends.kind == CONSOLE_BACKEND_PTY || console->ends.kind == CONSOLE_BACKEND_SERVER) {
        console->out_kind = CONSOLE_ABSENT;
        return;
    }
    if (err != EPIPE && err != EIO && err != ECONNRESET) {
        log_warn("%s: %s; the guest's output is dropped from here on", console->config.name,
                 strerror(err));
    }
    console->out_kind = CONSOLE_NONE;
    console->used = 0;
}

/* Context: locked. */
static void watch_output(struct console *console, bool watch)
{
    if (watch == console->out_watched) {
        return;
    }
    if (!watch) {
        loop_remove(console->loop, &console->out);
    } else if (loop_add(console->loop, &console->out) < 0) {
        return; /* console_flush() at the end is all that can be done */
    }
    console->out_watched = watch;
}

/* Adds to the ring. Returns: bytes taken. Context: locked. */
static size_t keep(struct console *console, const uint8_t *data, size_t len)
{
    size_t room, last, part;

    if (!console->buffer) {
        console->buffer = malloc(CONSOLE_BUFFER_SIZE);
        if (!console->buffer) {
            return 0;
        }
    }
    room = CONSOLE_BUFFER_SIZE - console->used;
    len = len < room ? len : room;
    last = (console->first + console->used) % CONSOLE_BUFFER_SIZE;
    part = len < CONSOLE_BUFFER_SIZE - last ? len : CONSOLE_BUFFER_SIZE - last;
    memcpy(console->buffer + last, data, part);
    memcpy(console->buffer, data + part, len - part);
    console->used += len;
    if (len > 0 && console->out_kind != CONSOLE_ABSENT) {
        watch_output(console, true);
    }
    return len;
}

/* Nobody is there: the newest bytes stay. Context: locked. */
static void keep_newest(struct console *console, const uint8_t *data, size_t len)
{
    size_t over = 0, kept;

    if (len > CONSOLE_BUFFER_SIZE) {
        console->unread += len - CONSOLE_BUFFER_SIZE;
        data += len - CONSOLE_BUFFER_SIZE;
        len = CONSOLE_BUFFER_SIZE;
    }
    if (console->used + len > CONSOLE_BUFFER_SIZE) {
        over = console->used + len - CONSOLE_BUFFER_SIZE;
    }
    console->first = (console->first + over) % CONSOLE_BUFFER_SIZE;
    console->used -= over;
    kept = keep(console, data, len);
    console->unread += over + (len - kept); /* no memory, no ring */
}

/* Returns: bytes taken. Context: locked. */
static size_t put(struct console *console, const uint8_t *data, size_t len)
{
    size_t done = 0;
    ssize_t n;

    if (console->first_ns == 0) {
        console->first_ns = time_line_now_ns();
    }
    while (console->used == 0 && done < len && console->out_kind > CONSOLE_ABSENT) {
        n = write_some(console, data + done, len - done);
        if (n == -EAGAIN) {
            break;
        }
        if (n < 0) {
            give_up(console, (int)-n);
            break;
        }
        done += (size_t)n;
    }
    if (console->out_kind == CONSOLE_ABSENT) {
        keep_newest(console, data + done, len - done);
        return len;
    }
    if (console->out_kind == CONSOLE_NONE) {
        return len;
    }
    return done < len ? done + keep(console, data + done, len - done) : done;
}

/* Context: locked. */
static void remember(struct console *console, const uint8_t *data, size_t len)
{
    size_t i;

    for (i = len > CONSOLE_TAIL_SIZE ? len - CONSOLE_TAIL_SIZE : 0; i < len; i++) {
        console->tail[console->tail_num++ % CONSOLE_TAIL_SIZE] = data[i];
    }
}

size_t console_tail(const struct console *console, char *text, size_t size)
{
    size_t len = size < CONSOLE_TAIL_SIZE ? size : CONSOLE_TAIL_SIZE, i;

    len = console->tail_num < len ? (size_t)console->tail_num : len;
    for (i = 0; i < len; i++) {
        text[i] = (char)console->tail[(console->tail_num - len + i) % CONSOLE_TAIL_SIZE];
    }
    return len;
}

static size_t write_serial(void *opaque, const uint8_t *data, size_t len)
{
    struct console *console = opaque;
    size_t taken;

    pthread_mutex_lock(&console->lock);
    taken = put(console, data, len);
    remember(console, data, taken);
    if (taken < len) {
        console->serial_waits = true;
        if (console->used == 0) {
            /* No memory for the ring: the loop tries again as soon as it comes round. */
            loop_post(console->loop, &console->writable_work);
        }
    }
    pthread_mutex_unlock(&console->lock);
    return taken;
}

static size_t write_debug(void *opaque, const uint8_t *data, size_t len)
{
    struct console *console = opaque;

    pthread_mutex_lock(&console->lock);
    console->dropped += len - put(console, data, len);
    remember(console, data, len);
    pthread_mutex_unlock(&console->lock);
    return len;
}

struct byte_sink console_serial_sink(struct console *console)
{
    return (struct byte_sink){.write = write_serial, .opaque = console};
}

struct byte_sink console_debug_sink(struct console *console)
{
    return (struct byte_sink){.write = write_debug, .opaque = console};
}

/* Writes what the descriptor takes now. Context: locked. */
static void drain(struct console *console)
{
    size_t part;
    ssize_t n;

    while (console->used > 0 && console->out_kind > CONSOLE_ABSENT) {
        part = CONSOLE_BUFFER_SIZE - console->first;
        part = console->used < part ? console->used : part;
        n = write_some(console, console->buffer + console->first, part);
        if (n == -EAGAIN) {
            return;
        }
        if (n < 0) {
            give_up(console, (int)-n);
            return;
        }
        console->first = (console->first + (size_t)n) % CONSOLE_BUFFER_SIZE;
        console->used -= (size_t)n;
    }
}

/* Returns: true when who waits for room is to be told. Context: locked. */
static bool drain_and_watch(struct console *console)
{
    bool tell;

    drain(console);
    watch_output(console, console->used > 0 && console->out_kind > CONSOLE_ABSENT);
    /* Not for every byte: a guest that fills the buffer is woken when half of it is free. */
    tell = console->serial_waits &&
           (console->used <= CONSOLE_BUFFER_SIZE / 2 || console->out_kind <= CONSOLE_ABSENT);
    if (tell) {
        console->serial_waits = false;
    }
    return tell;
}

static void output_ready(void *opaque, uint32_t events)
{
    struct console *console = opaque;
    bool tell;

    (void)events;
    pthread_mutex_lock(&console->lock);
    tell = drain_and_watch(console);
    pthread_mutex_unlock(&console->lock);
    if (tell) {
        console->config.guest.writable(console->config.guest.opaque);
    }
}

void console_out_switch(struct console *console, int fd, enum console_kind kind)
{
    bool tell;

    pthread_mutex_lock(&console->lock);
    watch_output(console, false);
    if (console->out.fd >= 0) {
        (void)close(console->out.fd);
    }
    console->out.fd = fd;
    console->out_kind = kind;
    if (kind == CONSOLE_NONE) {
        console->used = 0;
    }
    tell = drain_and_watch(console);
    pthread_mutex_unlock(&console->lock);
    if (tell) {
        console->config.guest.writable(console->config.guest.opaque);
    }
}

uint64_t console_first_output_ns(struct console *console)
{
    uint64_t ns;

    pthread_mutex_lock(&console->lock);
    ns = console->first_ns;
    pthread_mutex_unlock(&console->lock);
    return ns;
}

bool console_output_pending(struct console *console)
{
    bool pending;

    pthread_mutex_lock(&console->lock);
    pending = console->used > 0 && console->out_kind > CONSOLE_ABSENT;
    pthread_mutex_unlock(&console->lock);
    return pending;
}

bool console_out_drain(struct console *console)
{
    pthread_mutex_lock(&console->lock);
    drain(console);
    pthread_mutex_unlock(&console->lock);
    return !console_output_pending(console);
}

int console_reopen(int fd, int access)
{
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int console_out_init(struct console *console)
{
    struct stat st;
    int fd = console->ends.out_fd;

    console->out = (struct loop_source){
        .fd = fd, .events = EPOLLOUT, .ready = output_ready, .opaque = console};
    if (console->ends.kind == CONSOLE_BACKEND_PTY || console->ends.kind == CONSOLE_BACKEND_SERVER) {
        console->out_kind = CONSOLE_ABSENT;
    }
    if (fd < 0) {
        return 0;
    }
    if (fstat(fd, &st) < 0) {
        return errno == EBADF ? 0 : -errno;
    }
    if (S_ISSOCK(st.st_mode)) {
        console->out_kind = CONSOLE_SOCKET;
    } else if (S_ISREG(st.st_mode) ||
               (S_ISCHR(st.st_mode) && (st.st_rdev == makedev(1, 3) || !isatty(fd)))) {
        console->out_kind = CONSOLE_FILE;
    } else {
        fd = console_reopen(fd, O_WRONLY);
        console->out_kind = fd < 0 ? CONSOLE_SHARED : CONSOLE_STREAM;
        console->out.fd = fd < 0 ? console->ends.out_fd : fd;
    }
    return 0;
}

void console_out_finish(struct console *console)
{
    pthread_mutex_lock(&console->lock);
    watch_output(console, false);
    console->out_kind = CONSOLE_NONE;
    console->used = 0;
    free(console->buffer);
    console->buffer = NULL;
    pthread_mutex_unlock(&console->lock);
    if (console->out.fd >= 0 && console->out.fd != console->ends.out_fd) {
        (void)close(console->out.fd);
    }
}
