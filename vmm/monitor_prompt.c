/*
 * monitor_prompt.c - libedit with a reader of our own, which waits for keys and for the monitor at
 * once.
 */
#include "vmm/monitor_prompt.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HISTORY_SIZE = 500 };

struct monitor_prompt {
    struct monitor_client *client;
    const json_t *names;
    EditLine *edit;
    History *history;
    char line[1024];
    char prompt[16]; /* libedit's type wants it writable */
    bool over;       /* the connection is */
};

static struct monitor_prompt *prompt_of(EditLine *edit)
{
    void *prompt = NULL;

    (void)el_get(edit, EL_CLIENTDATA, &prompt);
    return prompt;
}

static char *prompt_text(EditLine *edit)
{
    return prompt_of(edit)->prompt;
}

/* Messages that came by themselves: all there are, but no waiting for the first. */
static void show_events(struct monitor_prompt *prompt)
{
    struct error err;
    json_t *message;

    (void)printf("\r\033[K");
    do {
        message = monitor_client_next(prompt->client, &err);
        if (message) {
            prompt->client->event(prompt->client->opaque, message);
        }
        prompt->over = !message;
        json_decref(message);
    } while (!prompt->over && monitor_client_has_input(prompt->client));
    (void)fflush(stdout);
    (void)el_set(prompt->edit, EL_REFRESH);
}

/* One key. Returns: 1; 0 at the end; -1. */
static int get_key(EditLine *edit, wchar_t *key)
{
    struct monitor_prompt *prompt = prompt_of(edit);
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = prompt->client->fd, .events = POLLIN}};
    unsigned char byte;
    ssize_t n;

    while (!prompt->over) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return -1;
        }
        if (fds[1].revents) {
            show_events(prompt);
        }
        if (fds[0].revents) {
            n = read(STDIN_FILENO, &byte, 1);
            *key = byte;
            return n == 1 ? 1 : 0;
        }
    }
    return 0;
}

/* ---- completion ---- */

/* How far all names that begin with `text` go on alike. @num  how many there are. */
static const char *common_start(const json_t *names, const char *text, size_t len, size_t *common,
                                size_t *num)
{
    const char *first = NULL, *name;
    size_t i, same;

    *num = 0;
    for (i = 0; i < json_array_size(names); i++) {
        name = json_string_value(json_object_get(json_array_get(names, i), "name"));
        if (!name || strncmp(name, text, len) != 0) {
            continue;
        }
        if (!first) {
            first = name;
            *common = strlen(name);
        }
        for (same = 0; same < *common && name[same] == first[same]; same++) {
        }
        *common = same;
        ++*num;
    }
    return first;
}

static void list_names(const json_t *names, const char *text, size_t len)
{
    const char *name;
    size_t i;

    (void)printf("\n");
    for (i = 0; i < json_array_size(names); i++) {
        name = json_string_value(json_object_get(json_array_get(names, i), "name"));
        if (name && strncmp(name, text, len) == 0) {
            (void)printf("  %s\n", name);
        }
    }
    (void)fflush(stdout);
}

static unsigned char complete(EditLine *edit, int key)
{
    struct monitor_prompt *prompt = prompt_of(edit);
    const LineInfo *line = el_line(edit);
    size_t len = (size_t)(line->cursor - line->buffer), common = 0, num;
    const char *name = common_start(prompt->names, line->buffer, len, &common, &num);
    char rest[64];

    (void)key;
    if (!name) {
        return CC_REFRESH_BEEP;
    }
    if (common == len && num > 1) {
        list_names(prompt->names, line->buffer, len);
        return CC_REDISPLAY;
    }
    (void)snprintf(rest, sizeof(rest), "%.*s%s", (int)(common - len), name + len,
                   num == 1 ? " " : "");
    return el_insertstr(edit, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

/* ---- life ---- */

struct monitor_prompt *monitor_prompt_new(struct monitor_client *client, const json_t *names)
{
    struct monitor_prompt *prompt = calloc(1, sizeof(*prompt));
    HistEvent event;

    if (!prompt) {
        return NULL;
    }
    prompt->client = client;
    prompt->names = names;
    (void)snprintf(prompt->prompt, sizeof(prompt->prompt), "(acre) ");
    prompt->edit = el_init("acre", stdin, stdout, stderr);
    prompt->history = history_init();
    if (!prompt->edit || !prompt->history) {
        monitor_prompt_free(prompt);
        return NULL;
    }
    (void)history(prompt->history, &event, H_SETSIZE, HISTORY_SIZE);
    (void)history(prompt->history, &event, H_SETUNIQUE, 1);
    (void)el_set(prompt->edit, EL_CLIENTDATA, prompt);
    (void)el_set(prompt->edit, EL_PROMPT, prompt_text);
    (void)el_set(prompt->edit, EL_EDITOR, "emacs");
    (void)el_set(prompt->edit, EL_HIST, history, prompt->history);
    (void)el_set(prompt->edit, EL_GETCFN, get_key);
    (void)el_set(prompt->edit, EL_ADDFN, "acre-complete", "complete a command", complete);
    (void)el_set(prompt->edit, EL_BIND, "^I", "acre-complete", NULL);
    (void)el_set(prompt->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return prompt;
}

void monitor_prompt_free(struct monitor_prompt *prompt)
{
    if (!prompt) {
        return;
    }
    if (prompt->edit) {
        el_end(prompt->edit);
    }
    if (prompt->history) {
        history_end(prompt->history);
    }
    free(prompt);
}

const char *monitor_prompt_read(struct monitor_prompt *prompt)
{
    const char *line;
    HistEvent event;
    int len = 0;

    line = prompt->over ? NULL : el_gets(prompt->edit, &len);
    if (!line || len <= 0 || prompt->over) {
        return NULL;
    }
    (void)snprintf(prompt->line, sizeof(prompt->line), "%.*s", (int)strcspn(line, "\r\n"), line);
    if (prompt->line[strspn(prompt->line, " \t")] != '\0') {
        (void)history(prompt->history, &event, H_ENTER, prompt->line);
    }
    return prompt->line;
}
