/*
 * console.c - setting up and taking down, and the input side. Keys that the guest does not take
 * yet stay in console->keys; meanwhile a pipe or file is not read, and a terminal only while there
 * is room, for the sake of Ctrl-A. Output: console_out.c.
 */
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vmm/console_out.h"
#include "vmm/console_tty.h"
#include "vmm/log.h"

#define CTRL_A 0x01
enum { FLUSH_MS = 1000 };

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

static void watch_input(struct console *console, bool watch)
{
    if (console->in_kind == CONSOLE_NONE || watch == console->in_watched) {
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
        return sizeof(console->keys) - console->key_num;
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

static void read_input(void *opaque, uint32_t events)
{
    struct console *console = opaque;
    size_t size = read_size(console);
    uint8_t *end;
    ssize_t n;

    (void)events;
    if (size == 0) {
        return;
    }
    memmove(console->keys, console->keys + console->key_first, console->key_num);
    console->key_first = 0;
    end = console->keys + console->key_num;
    n = read(console->in.fd, end, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        watch_input(console, false);
        console->in_kind = CONSOLE_NONE;
        return;
    }
    console->key_num +=
        console->in_kind == CONSOLE_TERMINAL ? filter_keys(console, end, (size_t)n) : (size_t)n;
    watch_input(console, deliver(console));
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
        watch_input(console, true);
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

static void close_input(struct console *console)
{
    if (console->in.fd >= 0 && console->in.fd != console->config.in_fd) {
        (void)close(console->in.fd);
    }
}

int console_init(struct console *console, struct loop *loop, const struct console_config *config,
                 struct error *err)
{
    int ret;

    memset(console, 0, sizeof(*console));
    console->config = *config;
    console->loop = loop;
    (void)pthread_mutex_init(&console->lock, NULL);
    console->in_kind = input_kind(config->in_fd);
    console->in = (struct loop_source){
        .fd = config->in_fd, .events = EPOLLIN, .ready = read_input, .opaque = console};
    if (console->in_kind == CONSOLE_TERMINAL) {
        /* A pager may read the same terminal: when it is quicker, a blocking read would wait. */
        console->in.fd = console_reopen(config->in_fd, O_RDONLY);
        console->in.fd = console->in.fd < 0 ? config->in_fd : console->in.fd;
    }
    console->in_work = (struct loop_work){.run = continue_input, .opaque = console};
    console->writable_work = (struct loop_work){.run = tell_writable, .opaque = console};
    ret = console_out_init(console);
    if (ret < 0) {
        close_input(console);
        (void)pthread_mutex_destroy(&console->lock);
        console->loop = NULL;
        return error_set_errno(err, -ret, "stdout");
    }
    return 0;
}

/* In the background nothing is done: reading would stop the process. */
static void take_terminal(struct console *console)
{
    if (console_tty_take(console->in.fd)) {
        console->took_terminal = true;
        watch_input(console, read_size(console) > 0);
    }
}

void console_start(struct console *console)
{
    console->started = true;
    if (console->in_kind == CONSOLE_TERMINAL) {
        take_terminal(console);
    } else {
        watch_input(console, true);
    }
}

void console_suspend(struct console *console)
{
    watch_input(console, false);
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
static bool flush_all(struct console *console)
{
    bool done = console_flush(console, FLUSH_MS);

    if (done && console->serial_waits) {
        console->serial_waits = false;
        tell_writable(console);
        done = console_flush(console, FLUSH_MS);
    }
    return done;
}

void console_finish(struct console *console)
{
    if (!console->loop) {
        return;
    }
    watch_input(console, false);
    if (!flush_all(console)) {
        log_warn("stdout takes no more; %zu bytes of the guest's output are lost", console->used);
    }
    if (console->dropped > 0) {
        log_warn("%llu bytes of the debug console were dropped: stdout was too slow",
                 (unsigned long long)console->dropped);
    }
    if (console->took_terminal) {
        console_tty_restore();
    }
    close_input(console);
    console_out_finish(console);
    (void)pthread_mutex_destroy(&console->lock);
    console->loop = NULL;
}
