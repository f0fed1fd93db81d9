/*
 * pty.c - drives a program on a terminal of its own: pty SCRIPT COMMAND [ARGUMENT...]
 *
 * SCRIPT has one step a line, each within its time limit:
 *   wait SECONDS TEXT   until the program has printed TEXT (after what earlier steps matched)
 *   send TEXT           type it; \r, \n, \\, and \xNN as in C
 *   signal NUMBER       send the program a signal
 *   end SECONDS STATUS  the program ends with this exit status (128+n: by signal n)
 *   termios             the terminal's settings are those from before the program started
 * Prints what the program printed, and on stderr which step failed. Exit status: 0 all steps went
 * well, 1 one did not, 2 bad use.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct session {
    int master, slave;
    pid_t pid;
    bool ended;
    int status;
    struct termios before;
    char seen[1 << 20]; /* printed since the last match */
    size_t seen_len;
};

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Starts the program as leader of a session whose terminal is the slave, which stays open here. */
static int start(struct session *s, char **argv)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 80};

    s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->master < 0 || grantpt(s->master) || unlockpt(s->master)) {
        return -errno;
    }
    s->slave = open(ptsname(s->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->slave < 0 || ioctl(s->slave, TIOCSWINSZ, &size) || tcgetattr(s->slave, &s->before)) {
        return -errno;
    }
    s->pid = fork();
    if (s->pid == 0) {
        (void)setsid();
        (void)signal(SIGHUP, SIG_DFL); /* as in a terminal, though we were started by nohup */
        (void)ioctl(s->slave, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++) {
            (void)dup2(s->slave, fd);
        }
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    return s->pid < 0 ? -errno : 0;
}

/* Takes in what the program printed within ms; false when there was nothing. */
static bool pump(struct session *s, int ms)
{
    struct pollfd p = {.fd = s->master, .events = POLLIN};
    size_t room = sizeof(s->seen) - s->seen_len;
    ssize_t n;

    if (room == 0) { /* forget the older half */
        s->seen_len /= 2;
        memmove(s->seen, s->seen + s->seen_len, s->seen_len);
        room = sizeof(s->seen) - s->seen_len;
    }
    if (poll(&p, 1, ms) <= 0) {
        return false;
    }
    n = read(s->master, s->seen + s->seen_len, room);
    if (n <= 0) {
        return false;
    }
    (void)!write(STDOUT_FILENO, s->seen + s->seen_len, (size_t)n);
    s->seen_len += (size_t)n;
    return true;
}

static void reap(struct session *s)
{
    int status;

    if (!s->ended && waitpid(s->pid, &status, WNOHANG) == s->pid) {
        s->ended = true;
        s->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

static bool wait_text(struct session *s, long seconds, const char *text)
{
    int64_t deadline = now_ms() + seconds * 1000;
    size_t len = strlen(text);
    char *hit;

    for (;;) {
        hit = memmem(s->seen, s->seen_len, text, len);
        if (hit) {
            hit += len;
            s->seen_len -= (size_t)(hit - s->seen);
            memmove(s->seen, hit, s->seen_len);
            return true;
        }
        reap(s);
        if (!pump(s, 50) && (s->ended || now_ms() > deadline)) {
            return false;
        }
    }
}

static bool wait_end(struct session *s, long seconds, long status)
{
    int64_t deadline = now_ms() + seconds * 1000;

    while (!s->ended && now_ms() < deadline) {
        (void)pump(s, 20);
        reap(s);
    }
    while (pump(s, 0)) {
    }
    if (!s->ended) {
        (void)fprintf(stderr, "pty: the program still runs\n");
    } else if (s->status != status) {
        (void)fprintf(stderr, "pty: it ended with %d\n", s->status);
    }
    return s->ended && s->status == status;
}

static bool same_termios(const struct session *s)
{
    struct termios now;

    return tcgetattr(s->slave, &now) == 0 && now.c_iflag == s->before.c_iflag &&
           now.c_oflag == s->before.c_oflag && now.c_cflag == s->before.c_cflag &&
           now.c_lflag == s->before.c_lflag &&
           memcmp(now.c_cc, s->before.c_cc, sizeof(now.c_cc)) == 0;
}

/* Types text with its escapes resolved. */
static bool send_text(const struct session *s, const char *text)
{
    while (*text) {
        char c = *text++;

        if (c == '\\' && *text) {
            c = *text++;
            if (c == 'r') {
                c = '\r';
            } else if (c == 'n') {
                c = '\n';
            } else if (c == 'x' && text[0] && text[1]) {
                const char hex[] = {text[0], text[1], 0};

                c = (char)strtol(hex, NULL, 16);
                text += 2;
            }
        }
        if (write(s->master, &c, 1) != 1) {
            return false;
        }
    }
    return true;
}

static bool step(struct session *s, char *line)
{
    char *rest = line + strcspn(line, " ");
    long number;
    char *text;

    if (*rest) {
        *rest++ = '\0';
    }
    number = strtol(rest, &text, 10);
    text += *text == ' ';
    if (strcmp(line, "wait") == 0) {
        return wait_text(s, number, text);
    }
    if (strcmp(line, "send") == 0) {
        return send_text(s, rest);
    }
    if (strcmp(line, "signal") == 0) {
        return kill(s->pid, (int)number) == 0;
    }
    if (strcmp(line, "end") == 0) {
        return wait_end(s, number, strtol(text, NULL, 10));
    }
    if (strcmp(line, "termios") == 0) {
        return same_termios(s);
    }
    (void)fprintf(stderr, "pty: unknown step %s\n", line);
    return false;
}

int main(int argc, char **argv)
{
    static struct session session;
    char *script, *line;
    int rc = 0;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: pty SCRIPT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (start(&session, argv + 2)) {
        perror("pty: cannot start the program on a terminal");
        return 2;
    }
    for (script = argv[1]; rc == 0 && (line = strsep(&script, "\n"));) {
        char copy[256];

        line += strspn(line, " \t");
        (void)snprintf(copy, sizeof(copy), "%s", line);
        if (*line && !step(&session, line)) {
            (void)fprintf(stderr, "pty: failed: %s\n", copy);
            rc = 1;
        }
    }
    reap(&session);
    if (!session.ended) {
        (void)kill(session.pid, SIGKILL);
        (void)waitpid(session.pid, NULL, 0);
    }
    return rc;
}
