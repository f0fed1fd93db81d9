/*
 * console_tty.c - one saved terminal state. tcsetattr() is async-signal-safe, so the handler of a
 * fatal signal may restore it and let the signal take its course.
 */
#include "vmm/console_tty.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

/* The exception to "no state of our own": a signal handler can reach nothing else. */
static struct {
    struct termios termios;
    int fd;
    _Atomic bool taken;
} saved;

/* Without SIGSYS: the sandbox has it, and restores as well. */
static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE, SIGABRT,
                                    SIGTRAP, SIGQUIT, SIGXCPU, SIGXFSZ};

void console_tty_restore(void)
{
    int saved_errno = errno;

    if (atomic_exchange(&saved.taken, false)) {
        (void)tcsetattr(saved.fd, TCSANOW, &saved.termios);
    }
    errno = saved_errno;
}

/* SA_RESETHAND has put the default action back: raising it again ends the process. */
static void restore_and_die(int signo)
{
    console_tty_restore();
    (void)raise(signo);
}

static void install_handlers(void)
{
    const struct sigaction action = {
        .sa_handler = restore_and_die,
        .sa_flags = (int)SA_RESETHAND | SA_NODEFER | SA_ONSTACK, /* a stack may have overflowed */
    };
    size_t i;

    for (i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++) {
        (void)sigaction(fatal_signals[i], &action, NULL);
    }
}

static struct termios raw_of(const struct termios *termios)
{
    struct termios raw = *termios;

    raw.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag &= (tcflag_t) ~(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return raw;
}

/* A terminal that is nobody's (an init without one of its own) has no foreground, nor background.
 */
static bool in_background(int fd)
{
    pid_t foreground = tcgetpgrp(fd);

    return foreground >= 0 && foreground != getpgrp();
}

bool console_tty_take(int fd)
{
    bool again = atomic_load(&saved.taken);
    struct termios termios, raw;

    if ((again && saved.fd != fd) || in_background(fd) || tcgetattr(fd, &termios) < 0) {
        return false;
    }
    if (!again) {
        saved.termios = termios;
        saved.fd = fd;
        install_handlers();
        atomic_store(&saved.taken, true);
    }
    raw = raw_of(&saved.termios);
    if (tcsetattr(fd, TCSANOW, &raw) < 0) {
        atomic_store(&saved.taken, again);
        return false;
    }
    return true;
}
