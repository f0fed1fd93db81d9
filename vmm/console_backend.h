/*
 * console_backend.h - the host end of a port, in words and as open descriptors.
 *
 *   stdio       standard input and output; on a terminal with Ctrl-A commands
 *   null        nowhere
 *   pty         a new pseudo-terminal, whose name is printed on stderr
 *   file:PATH   output only, into a file that is created or emptied
 *   unix:PATH   a stream socket that somebody else listens on
 *   unix:PATH,server=on[,wait=off]   one that acre listens on, for one client at a time; before the
 *               guest starts it waits for the first unless told not to
 *
 * The words are QEMU's, its short forms (`server`, `nowait`) too; a comma in a socket's path is
 * doubled. Opening needs privileges that a run gives up before its first entry, so it comes first
 * and by itself.
 *
 * Context: any thread; nothing is kept between calls.
 * Source: QEMU's manual, -chardev and -serial; unix(7), pty(7), inotify(7).
 */
#ifndef ACRE_VMM_CONSOLE_BACKEND_H
#define ACRE_VMM_CONSOLE_BACKEND_H

#include <stdbool.h>
#include <sys/un.h>

#include "vmm/error.h"

enum console_backend_kind {
    CONSOLE_BACKEND_UNSET, /* nothing was said */
    CONSOLE_BACKEND_STDIO,
    CONSOLE_BACKEND_NULL,
    CONSOLE_BACKEND_PTY,
    CONSOLE_BACKEND_FILE,
    CONSOLE_BACKEND_CLIENT,
    CONSOLE_BACKEND_SERVER,
};

struct console_backend {
    enum console_backend_kind kind;
    const char *path; /* FILE: within the text that was parsed */
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* CLIENT, SERVER: NUL-terminated */
    bool wait;                                                /* SERVER */
};

/*
 * @text  must live as long as *backend.
 * Returns: 0; -EINVAL, err says what is wrong with it.
 */
int console_backend_parse(const char *text, struct console_backend *backend, struct error *err)
    __attribute__((warn_unused_result));
/* The word for one that names no path of the host; NULL for the others. */
const char *console_backend_word(const struct console_backend *backend);

/* What console.h works with. -1: none. */
struct console_ends {
    enum console_backend_kind kind;
    int in_fd, out_fd; /* STDIO (not owned) and FILE */
    int link_fd;       /* PTY: the master; CLIENT, SERVER: the connection, if there is one */
    int notice_fd;     /* PTY: inotify, says that it was opened; SERVER: the listening socket */
    char where[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* PTY: its name; else "" */
};

/*
 * Opens what *backend says. A SERVER with `wait` blocks until somebody connects, and says so; a
 * socket of that name on which nobody listens any more is replaced.
 * @label  names the port in messages.
 * @in_fd, @out_fd  what STDIO is.
 * Returns: 0; -errno, err has path or kind. On failure nothing is left.
 */
int console_backend_open(const struct console_backend *backend, const char *label, int in_fd,
                         int out_fd, struct console_ends *ends, struct error *err)
    __attribute__((warn_unused_result));
/* Closes what was opened; a SERVER's socket stays in the file system. Accepts zeroed ends. */
void console_backend_close(struct console_ends *ends);

#endif
