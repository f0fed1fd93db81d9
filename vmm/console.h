/*
 * console.h - the host end of a port of the guest: stdout and stdin, a file, a pseudo-terminal or
 * a socket (console_backend.h).
 *
 * Output keeps its order across both sinks and never blocks the caller: what the descriptor does
 * not take at once waits in a buffer that the event loop drains. When the buffer is full the
 * serial sink takes less and is told later that there is room; the debug sink has no flow control,
 * so its bytes are dropped and counted. A reader that went away (EPIPE) or a closed stdout makes
 * output vanish; the guest goes on.
 *
 * On a pseudo-terminal or a listening socket readers come and go. While nobody is there, the newest
 * 64 KiB of output wait for who comes next, and what they push out is dropped and counted: nobody
 * who stays away can stall the guest. What a reader typed before it left still reaches the guest,
 * as fast as that takes it; should the next reader come before, no more than CONSOLE_KEYS of it.
 *
 * Input comes from a terminal (raw mode, Ctrl-A commands), a pipe or a file, and is read only as
 * fast as the guest takes it; its end ends reading. A terminal is read ahead by some thousand keys,
 * so that Ctrl-A x is seen although the guest takes none. The descriptors' own flags are left
 * alone: they are shared with other processes.
 *
 * Ctrl-A x ends the run, b sends a break, h shows help, Ctrl-A sends Ctrl-A; c is kept for a
 * monitor. Only the user's own terminal has these.
 */
#ifndef ACRE_VMM_CONSOLE_H
#define ACRE_VMM_CONSOLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"
#include "vmm/console_backend.h"
#include "vmm/error.h"
#include "vmm/loop.h"

enum { CONSOLE_BUFFER_SIZE = 64 * 1024, CONSOLE_KEYS = 4096, CONSOLE_TAIL_SIZE = 1024 };

/* Whom the console serves; called on the loop's thread with no lock held. */
struct console_guest {
    /* Takes 0..len bytes of input; takes fewer only if console_input_wanted() follows later. */
    size_t (*receive)(void *opaque, const uint8_t *data, size_t len);
    /* There is room in the serial sink again. */
    void (*writable)(void *opaque);
    void (*send_break)(void *opaque);
    /* The user wants to leave (Ctrl-A x). */
    void (*quit)(void *opaque);
    void *opaque;
};

struct console_config {
    const char *name;                /* in messages; lives as long as the console */
    const struct console_ends *ends; /* copied; whoever opened them closes them, afterwards */
    struct console_guest guest;
};

enum console_kind {
    CONSOLE_NONE,     /* nothing there, or it has ended */
    CONSOLE_ABSENT,   /* nobody there now, but somebody may come (output) */
    CONSOLE_FILE,     /* always ready: a regular file, /dev/null */
    CONSOLE_STREAM,   /* ours alone and non-blocking (output), or a pipe to read */
    CONSOLE_SOCKET,   /* send() without waiting */
    CONSOLE_SHARED,   /* flags shared with others: ask poll(), then write a little */
    CONSOLE_TERMINAL, /* input only */
};

struct console {
    /* private */
    struct console_config config;
    struct loop *loop;
    /* Output. Lock order: a device's lock, then this one; none is taken inside. */
    pthread_mutex_t lock;
    struct console_ends ends;
    struct loop_source out; /* out.fd is ends.out_fd or our own opening of it */
    enum console_kind out_kind;
    bool out_watched, serial_waits;
    uint8_t *buffer; /* ring of CONSOLE_BUFFER_SIZE; NULL until something must wait */
    size_t first, used;
    uint64_t dropped; /* bytes of the debug sink */
    uint64_t unread;  /* bytes pushed out while nobody was there */
    /* The last bytes the guest wrote, wherever they went: a ring. */
    uint8_t tail[CONSOLE_TAIL_SIZE];
    uint64_t tail_num; /* bytes ever */
    uint64_t first_ns; /* CLOCK_MONOTONIC of the first byte; 0: none yet */
    /* Input: the loop's thread alone. */
    struct loop_source in; /* in.fd is ends.in_fd or our own opening of it, or the connection */
    enum console_kind in_kind;
    bool in_watched, started;
    bool took_terminal; /* and has to give it back */
    bool escape;        /* Ctrl-A was the last key */
    uint8_t *keys;      /* CONSOLE_KEYS of room; NULL: no input */
    size_t key_first, key_num;
    struct loop_work in_work, writable_work;
    /* Who is at the other end of a pty or socket: console_link.c, the loop's thread. */
    struct loop_source notice; /* ends.notice_fd: somebody comes */
    bool listening;            /* notice is in the epoll set */
    bool linked;               /* somebody is there; in.fd is watched for their leaving */
    uint64_t abandoned;        /* bytes of input that there was no room to keep */
};

/*
 * Looks at the descriptors. A terminal is not touched before console_start().
 * Returns: 0; -errno.
 */
int console_init(struct console *console, struct loop *loop, const struct console_config *config,
                 struct error *err) __attribute__((warn_unused_result));
/* console_finish_all() of one. Accepts a zeroed console. */
void console_finish(struct console *console);
/*
 * Drains all of them for at most a second together, says what was dropped, gives the terminal back.
 * The reader of a pty that closes loses what it has not read, so that is waited for, too. Accepts
 * NULL and zeroed consoles.
 */
void console_finish_all(struct console *const *consoles, size_t num);

/*
 * Takes the terminal (raw mode, when we are in its foreground) and begins to read. From here
 * on the terminal is restored on every way out, fatal signals included.
 * Context: the loop's thread, before it runs.
 */
void console_start(struct console *console);

/* Where the serial port's and the debug console's bytes go. Context of both: any thread. */
struct byte_sink console_serial_sink(struct console *console);
struct byte_sink console_debug_sink(struct console *console);

/* When the first byte of output came, CLOCK_MONOTONIC; 0: none yet. Context: any thread. */
uint64_t console_first_output_ns(struct console *console);

/* The guest has room for input again. Context: any thread, any device lock. */
void console_input_wanted(struct console *console);

/*
 * The last bytes that the guest wrote, wherever they went; the oldest first.
 * @size  room, CONSOLE_TAIL_SIZE at most is used. Returns: how many. Accepts a zeroed console.
 * Context: nobody writes.
 */
size_t console_tail(const struct console *console, char *text, size_t size);

/* Bytes are waiting for a reader who is there. Context: any thread. */
bool console_output_pending(struct console *console);

/*
 * SIGTSTP: gives the terminal back and stops. SIGCONT: takes it again; also for the first time, if
 * we came from the background. Context: the loop's thread.
 */
void console_suspend(struct console *console);
void console_continue(struct console *console);
/* True when a terminal is in use (those two signals are worth watching). */
bool console_has_terminal(const struct console *console);

#endif
