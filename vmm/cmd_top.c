/*
 * cmd_top.c - `acre top`: asks a machine's monitor for its profile once a second, and shows what
 * changed; on a screen by ncurses, or once as text.
 */
#include "vmm/commands.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/log.h"
#include "vmm/monitor_client.h"
#include "vmm/options.h"
#include "vmm/top_rows.h"

enum { INTERVAL_MS = 1000, CTRL_C = 3 };

struct top_options {
    const char *socket;
    enum top_sort sort;
    bool once, help;
};

struct top {
    struct top_options options;
    struct monitor_client client;
    enum top_what what;
    json_t *answer, *before; /* the latest, and the one before it; NULL: none yet */
};

static int set_once(void *target, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    ((struct top_options *)target)->once = true;
    return 0;
}

static int set_help(void *target, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    ((struct top_options *)target)->help = true;
    return 0;
}

static int set_sort(void *target, const char *value, struct error *err)
{
    return top_sort_parse(value, &((struct top_options *)target)->sort) == 0
               ? 0
               : error_set(err, EINVAL, "%s: wants rate, exits, time or name", value);
}

static int set_socket(void *target, const char *arg, struct error *err)
{
    struct top_options *options = target;

    if (options->socket && !options->help) {
        return error_set(err, EINVAL, "%s: a second socket (the first is %s)", arg,
                         options->socket);
    }
    options->socket = arg;
    return 0;
}

static const struct option_spec specs[] = {
    {0, "once", NULL, "print all of it once, and end", set_once},
    {0, "sort", "ORDER", "rate (default), exits, time or name", set_sort},
    {'h', "help", NULL, "this text", set_help},
};

enum { SPEC_NUM = sizeof(specs) / sizeof(specs[0]) };

static int print_help(void)
{
    (void)dprintf(STDOUT_FILENO,
                  "usage: acre top [options] SOCKET\n"
                  "Shows what the guest of a run with --monitor unix:SOCKET leaves KVM for, each\n"
                  "second. Keys: r e t n sort by rate, exits, time, name; Tab goes from registers\n"
                  "to instructions to reasons; q ends it.\n\n");
    return options_print(STDOUT_FILENO, specs, SPEC_NUM);
}

/* Returns: 0; -errno, err says why: the machine has ended, say. */
static int ask(struct top *top, struct error *err)
{
    bool refused;
    json_t *answer = monitor_client_run(&top->client, "acre-query-exits", NULL, &refused, err);

    if (!answer) {
        return -EIO;
    }
    json_decref(top->before);
    top->before = top->answer;
    top->answer = answer;
    return 0;
}

/* ---- once ---- */

static int print_once(struct top *top, struct error *err)
{
    char line[TOP_LINE_SIZE];
    struct top_row *rows;
    size_t num, i;
    int what, ret = ask(top, err);

    if (ret < 0) {
        return ret;
    }
    top_summary(top->answer, NULL, line);
    (void)printf("%s\n", line);
    for (what = 0; what < TOP_WHAT_NUM; what++) {
        ret = top_rows_make(top->answer, NULL, (enum top_what)what, top->options.sort, &rows, &num);
        if (ret < 0) {
            return error_set_errno(err, -ret, "%s", top->options.socket);
        }
        top_heading((enum top_what)what, line);
        (void)printf("\n%s\n", line);
        for (i = 0; i < num; i++) {
            top_line(&rows[i], line);
            (void)printf("%s\n", line);
        }
        free(rows);
    }
    return 0;
}

/* ---- on a screen ---- */

static int draw(const struct top *top, struct error *err)
{
    char line[TOP_LINE_SIZE];
    struct top_row *rows;
    size_t num, i;
    int ret = top_rows_make(top->answer, top->before, top->what, top->options.sort, &rows, &num);

    if (ret < 0) {
        return error_set_errno(err, -ret, "%s", top->options.socket);
    }
    (void)erase();
    top_summary(top->answer, top->before, line);
    (void)mvaddnstr(0, 0, line, COLS);
    top_heading(top->what, line);
    (void)attron(A_REVERSE);
    (void)mvaddnstr(2, 0, line, COLS);
    (void)attroff(A_REVERSE);
    for (i = 0; i < num && 3 + (int)i < LINES; i++) {
        top_line(&rows[i], line);
        (void)mvaddnstr(3 + (int)i, 0, line, COLS);
    }
    (void)refresh();
    free(rows);
    return 0;
}

/* Waits for a key, or until it is time to ask again. Returns: false: the user wants to leave. */
static bool obey_key(struct top *top)
{
    switch (getch()) {
    case 'q':
    case 'Q':
    case CTRL_C:
        return false;
    case 'r':
        top->options.sort = TOP_BY_RATE;
        break;
    case 'e':
        top->options.sort = TOP_BY_EXITS;
        break;
    case 't':
        top->options.sort = TOP_BY_TIME;
        break;
    case 'n':
        top->options.sort = TOP_BY_NAME;
        break;
    case '\t':
        top->what = (top->what + 1) % TOP_WHAT_NUM;
        break;
    default: /* time is up, or the window has another size */
        break;
    }
    return true;
}

static int show(struct top *top, struct error *err)
{
    SCREEN *screen = NULL;
    int ret = 0;

    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        screen = newterm(NULL, stdout, stdin); /* initscr() would end the process */
    }
    if (!screen) {
        return error_set(err, ENOTTY, "no terminal that can be drawn on (--once prints)");
    }
    (void)raw();
    (void)noecho();
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    timeout(INTERVAL_MS);
    do {
        ret = ask(top, err);
        if (ret == 0) {
            ret = draw(top, err);
        }
    } while (ret == 0 && obey_key(top));
    (void)endwin();
    delscreen(screen);
    return ret;
}

int cmd_top(int argc, char **argv)
{
    struct top top = {.options = {.sort = TOP_BY_RATE}};
    struct error err;
    int ret = options_parse(specs, SPEC_NUM, argc, argv, &top.options, set_socket, &err);

    if (ret == 0 && top.options.help) {
        return cmd_stdout_status(print_help());
    }
    if (ret == 0 && !top.options.socket) {
        ret = error_set(&err, EINVAL, "no socket given (usage: acre top [options] SOCKET)");
    }
    if (ret == 0) {
        ret = monitor_client_open(&top.client, top.options.socket, &err);
    }
    if (ret == 0) {
        ret = top.options.once ? print_once(&top, &err) : show(&top, &err);
        json_decref(top.answer);
        json_decref(top.before);
        monitor_client_close(&top.client);
    }
    if (ret < 0) {
        log_error("%s", err.text);
        return STATUS_ACRE_FAILED;
    }
    return cmd_stdout_status(fflush(stdout) == 0 ? 0 : -errno);
}
