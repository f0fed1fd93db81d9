/*
 * console.c - setting up and taking down, and the input side. Keys that the guest does not take
 * yet stay in console->keys; meanwhile a pipe or file is not read, and a terminal only while there
 * is room, for the sake of Ctrl-A. Output: console_out.c.
 */
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "vmm/console_link.h"
#include "vmm/console_out.h"
#include "vmm/console_tty.h"
#include "vmm/log.h"

#define CTRL_A 0x01
enum { FLUSH_MS = 1000, FLUSH_TOGETHER = 16 };

static void show_help(void)
{
    static const char help[] = "\r\nCtrl-A x     end the run\r\n"
                               "Ctrl-A b     send a break\r\n"
                               "Ctrl-A h     this text\r\n"
                               "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

    if (write(STDERR_FILENO, help, sizeof(help) - 1) < 0) {
        return;
    }
}

/* The key after Ctrl-A. Returns: true when it is for the guest. */
static bool command_key(struct console *console, uint8_t key)
{
    const struct console_guest *guest = &console->config.guest;

    switch (key) {
    case 'x':
        guest->quit(guest->opaque);
        break;
    case 'b':
        guest->send_break(guest->opaque);
        break;
    case 'h':
    case '?':
        show_help();
        break;
    default:
        break;
    }
    return key == CTRL_A;
}

/* Takes Ctrl-A commands out of what was typed. */
static size_t filter_keys(struct console *console, uint8_t *keys, size_t num)
{
    size_t i, kept = 0;

    for (i = 0; i < num; i++) {
        if (console->escape) {
            console->escape = false;
            if (command_key(console, keys[i])) {
                keys[kept++] = keys[i];
            }
        } else if (keys[i] == CTRL_A) {
            console->escape = true;
        } else {
            keys[kept++] = keys[i];
        }
    }
    return kept;
}

void console_watch_input(struct console *console, bool watch)
{
    if (console->in_kind == CONSOLE_NONE || watch == console->in_watched) {
        return;
    }
    if (console->linked) { /* watched in any case: for the reader's leaving */
        console->in_watched = loop_change(console->loop, &console->in, watch ? EPOLLIN : 0) == 0
                                  ? watch
                                  : console->in_watched;
        return;
    }
    if (!watch) {
        loop_remove(console->loop, &console->in);
        console->in_watched = false;
        return;
    }
    if (console->in_kind != CONSOLE_FILE) {
        if (loop_add(console->loop, &console->in) == 0) {
            console->in_watched = true;
            return;
        }
        console->in_kind = CONSOLE_FILE; /* EPERM: it is always ready */
    }
    loop_post(console->loop, &console->in_work);
}

/* How much may be read now. A pipe may be shared with who comes after us: no reading ahead. */
static size_t read_size(const struct console *console)
{
    enum { PIECE = 256 };

    if (console->in_kind == CONSOLE_TERMINAL) {
        return CONSOLE_KEYS - console->key_num;
    }
    return console->key_num == 0 ? PIECE : 0;
}

/* Hands over what was read. Returns: true when there is room to read more. */
static bool deliver(struct console *console)
{
    const struct console_guest *guest = &console->config.guest;
    size_t taken;

    if (console->key_num > 0) {
        taken = guest->receive(guest->opaque, console->keys + console->key_first, console->key_num);
        console->key_first += taken;
        console->key_num -= taken;
    }
    return read_size(console) > 0;
}

uint8_t *console_key_room(struct console *console)
{
    memmove(console->keys, console->keys + console->key_first, console->key_num);
    console->key_first = 0;
    return console->keys + console->key_num;
}

static void read_input(void *opaque, uint32_t events)
{
    struct console *console = opaque;
    size_t size = read_size(console);
    uint8_t *end;
    ssize_t n;

    if (console->linked && (events & (EPOLLHUP | EPOLLERR))) {
        console_link_left(console);
        return;
    }
    if (size == 0) {
        return;
    }
    end = console_key_room(console);
    n = read(console->in.fd, end, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        console_watch_input(console, false);
        console->in_kind = CONSOLE_NONE;
        console_link_input_ended(console, n < 0);
        return;
    }
    console->key_num +=
        console->in_kind == CONSOLE_TERMINAL ? filter_keys(console, end, (size_t)n) : (size_t)n;
    console_watch_input(console, deliver(console));
}

/* The guest may have room again; or a file's next piece is due. */
static void continue_input(void *opaque)
{
    struct console *console = opaque;

    if (console->in_kind == CONSOLE_NONE || !console->started || !deliver(console)) {
        return;
    }
    if (console->in_kind == CONSOLE_FILE) {
        read_input(console, EPOLLIN);
    } else {
        console_watch_input(console, true);
    }
}

static void tell_writable(void *opaque)
{
    struct console *console = opaque;

    console->config.guest.writable(console->config.guest.opaque);
}

void console_input_wanted(struct console *console)
{
    loop_post(console->loop, &console->in_work);
}

static enum console_kind input_kind(int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        return CONSOLE_NONE;
    }
    if (S_ISCHR(st.st_mode)) {
        if (st.st_rdev == makedev(1, 3)) {
            return CONSOLE_NONE; /* /dev/null */
        }
        return isatty(fd) ? CONSOLE_TERMINAL : CONSOLE_STREAM;
    }
    return S_ISREG(st.st_mode) ? CONSOLE_FILE : CONSOLE_STREAM;
}

/* Its kind, and a descriptor of our own where another reader could make ours wait. */
static int open_input(struct console *console)
{
    int fd = console->ends.in_fd;

    console->in_kind = input_kind(fd);
    console->in =
        (struct loop_source){.fd = fd, .events = EPOLLIN, .ready = read_input, .opaque = console};
    if (console->in_kind != CONSOLE_NONE || console->ends.link_fd >= 0 ||
        console->ends.notice_fd >= 0) {
        console->keys = malloc(CONSOLE_KEYS);
        if (!console->keys) {
            return -ENOMEM;
        }
    }
    if (console->in_kind == CONSOLE_TERMINAL) {
        /* A pager may read the same terminal: when it is quicker, a blocking read would wait. */
        console->in.fd = console_reopen(fd, O_RDONLY);
        console->in.fd = console->in.fd < 0 ? fd : console->in.fd;
    }
    return 0;
}

static void close_input(struct console *console)
{
    console_link_finish(console);
    if (console->in.fd >= 0 && console->in.fd != console->ends.in_fd) {
        (void)close(console->in.fd);
    }
    free(console->keys);
    console->keys = NULL;
}

int console_init(struct console *console, struct loop *loop, const struct console_config *config,
                 struct error *err)
{
    int ret;

    memset(console, 0, sizeof(*console));
    console->config = *config;
    console->ends = *config->ends;
    console->loop = loop;
    console->out.fd = -1;
    (void)pthread_mutex_init(&console->lock, NULL);
    console->in_work = (struct loop_work){.run = continue_input, .opaque = console};
    console->writable_work = (struct loop_work){.run = tell_writable, .opaque = console};
    ret = open_input(console);
    if (ret == 0) {
        ret = console_out_init(console);
    }
    if (ret == 0) {
        ret = console_link_init(console);
    }
    if (ret < 0) {
        close_input(console);
        console_out_finish(console);
        (void)pthread_mutex_destroy(&console->lock);
        console->loop = NULL;
        return error_set_errno(err, -ret, "%s", console->config.name);
    }
    return 0;
}

/* In the background nothing is done: reading would stop the process. */
static void take_terminal(struct console *console)
{
    if (console_tty_take(console->in.fd)) {
        console->took_terminal = true;
        console_watch_input(console, read_size(console) > 0);
    }
}

void console_start(struct console *console)
{
    console->started = true;
    console_link_start(console);
    if (console->in_kind == CONSOLE_TERMINAL) {
        take_terminal(console);
    } else {
        console_watch_input(console, true);
    }
}

void console_suspend(struct console *console)
{
    console_watch_input(console, false);
    console_tty_restore();
    (void)raise(SIGSTOP);
    console_continue(console);
}

void console_continue(struct console *console)
{
    if (console->in_kind == CONSOLE_TERMINAL && console->started) {
        take_terminal(console);
    }
}

bool console_has_terminal(const struct console *console)
{
    return console->in_kind == CONSOLE_TERMINAL;
}

/* Returns: true when everything is out, what the serial port still holds included. */
static bool is_flushed(struct console *console)
{
    if (!console_out_drain(console)) {
        return false;
    }
    if (console->serial_waits) {
        console->serial_waits = false;
        tell_writable(console);
        if (!console_out_drain(console)) {
            return false;
        }
    }
    return console_link_is_read(console);
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits until some descriptor takes more. What a pty's reader does is not told by any. */
static void wait_for_readers(struct console *const *consoles, size_t num, int64_t left_ms)
{
    enum { PTY_MS = 5 };
    struct pollfd fds[FLUSH_TOGETHER];
    nfds_t fd_num = 0;
    size_t i;

    for (i = 0; i < num && fd_num < FLUSH_TOGETHER; i++) {
        if (consoles[i]->ends.kind == CONSOLE_BACKEND_PTY) {
            left_ms = left_ms < PTY_MS ? left_ms : PTY_MS;
        }
        if (console_output_pending(consoles[i])) {
            fds[fd_num++] = (struct pollfd){.fd = consoles[i]->out.fd, .events = POLLOUT};
        }
    }
    (void)poll(fds, fd_num, (int)left_ms);
}

static void flush_all(struct console *const *consoles, size_t num)
{
    struct console *waiting[FLUSH_TOGETHER];
    int64_t left_ms = FLUSH_MS, end_ms = 0;
    size_t i, waiting_num;

    while (left_ms > 0) {
        waiting_num = 0;
        for (i = 0; i < num; i++) {
            if (consoles[i] && consoles[i]->loop && !is_flushed(consoles[i]) &&
                waiting_num < FLUSH_TOGETHER) {
                waiting[waiting_num++] = consoles[i];
            }
        }
        if (waiting_num == 0) {
            return;
        }
        end_ms = end_ms == 0 ? now_ms() + FLUSH_MS : end_ms;
        wait_for_readers(waiting, waiting_num, left_ms);
        left_ms = end_ms - now_ms();
    }
}

static void report_losses(const struct console *console)
{
    const char *name = console->config.name;
    bool absent = console->out_kind == CONSOLE_ABSENT;

    if (console->used > 0 && !absent) {
        log_warn("%s takes no more; %zu bytes of the guest's output are lost", name, console->used);
    }
    if (console->dropped > 0) {
        log_warn("%llu bytes of the debug console were dropped: %s was too slow",
                 (unsigned long long)console->dropped, name);
    }
    if (console->unread + (absent ? console->used : 0) > 0) {
        log_warn("%s: %llu bytes of the guest's output were dropped: nobody was there to read them",
                 name, (unsigned long long)console->unread + (absent ? console->used : 0));
    }
    if (console->abandoned > 0) {
        log_warn("%s: %llu bytes of input were dropped: who sent them was followed by another",
                 name, (unsigned long long)console->abandoned);
    }
}

static void finish(struct console *console)
{
    console_watch_input(console, false);
    report_losses(console);
    if (console->took_terminal) {
        console_tty_restore();
    }
    close_input(console);
    console_out_finish(console);
    (void)pthread_mutex_destroy(&console->lock);
    console->loop = NULL;
}

void console_finish_all(struct console *const *consoles, size_t num)
{
    size_t i;

    flush_all(consoles, num);
    for (i = 0; i < num; i++) {
        if (consoles[i] && consoles[i]->loop) {
            finish(consoles[i]);
        }
    }
}

void console_finish(struct console *console)
{
    console_finish_all(&console, 1);
}
