/*
 * cmd_monitor.c - `acre monitor`: one command, lines from a file or pipe, or a prompt; commands for
 * people, or QMP's with --json.
 */
#include "vmm/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd_files.h"
#include "vmm/log.h"
#include "vmm/monitor_client.h"
#include "vmm/monitor_prompt.h"
#include "vmm/options.h"

enum { STATUS_REFUSED = 1 };

struct monitor_options {
    bool json, help;
};

struct talk {
    struct monitor_options options;
    struct monitor_client client;
    bool refused; /* some command was */
    bool over;    /* the connection is */
};

static int set_json(void *target, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    ((struct monitor_options *)target)->json = true;
    return 0;
}

static int set_help(void *target, const char *value, struct error *err)
{
    (void)value;
    (void)err;
    ((struct monitor_options *)target)->help = true;
    return 0;
}

static const struct option_spec specs[] = {
    {0, "json", NULL, "QMP: COMMAND is NAME [ARGUMENTS] or a message; JSON back", set_json},
    {'h', "help", NULL, "this text", set_help},
};

enum { SPEC_NUM = sizeof(specs) / sizeof(specs[0]) };

static int print_help(void)
{
    (void)dprintf(
        STDOUT_FILENO,
        "usage: acre monitor [options] SOCKET [COMMAND...]\n"
        "Talks to a machine that runs with --monitor unix:SOCKET. Without COMMAND, takes\n"
        "a command a line from stdin: with editing, history and completion (Tab) on a\n"
        "terminal. `help` lists the commands. Status 1 when one was refused.\n\n");
    return options_print(STDOUT_FILENO, specs, SPEC_NUM);
}

/* What a guest named must not draw on the user's terminal. @text  NULL: what was no text. */
static void print_text(const char *text)
{
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;

        (void)putchar((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
    }
}

static void print_json(const json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    if (text) {
        (void)printf("%s\n", text);
    }
    free(text);
}

/* One list of ranges of MEMORY_MAP_CHANGED, a line each. */
static void print_ranges(const json_t *space, const char *list, char mark)
{
    const json_t *ranges = json_object_get(space, list);
    const char *as = json_string_value(json_object_get(space, "address-space"));
    const char *first, *last, *type, *region;
    size_t i;

    for (i = 0; i < json_array_size(ranges); i++) {
        if (json_unpack(json_array_get(ranges, i), "{s:s, s:s, s:s, s:s}", "first", &first, "last",
                        &last, "type", &type, "region", &region) == 0) {
            (void)printf("  %s %c %s-%s %s ", as, mark, first, last, type);
            print_text(region);
            print_text("\n");
        }
    }
}

static void print_map_change(const json_t *data)
{
    const json_t *spaces = json_object_get(data, "spaces");
    size_t i;

    for (i = 0; i < json_array_size(spaces); i++) {
        print_ranges(json_array_get(spaces, i), "removed", '-');
        print_ranges(json_array_get(spaces, i), "added", '+');
        print_ranges(json_array_get(spaces, i), "changed", '~');
    }
    if (json_is_false(json_object_get(data, "complete"))) {
        print_text("  and more\n");
    }
}

static void show_event(void *opaque, const json_t *event)
{
    const struct talk *talk = opaque;
    const json_t *data = json_object_get(event, "data");

    if (talk->options.json) {
        print_json(event, JSON_COMPACT);
    } else {
        print_text("event ");
        print_text(json_string_value(json_object_get(event, "event")));
        print_text(data && !json_object_get(data, "spaces") ? " " : "\n");
        if (json_object_get(data, "spaces")) {
            print_map_change(data);
        } else if (data) {
            print_json(data, JSON_COMPACT);
        }
    }
}

/* "NAME" or "NAME {...}". Takes them apart. Returns: 0; -EINVAL what follows is no JSON. */
static int split_json(const char *line, char *name, size_t size, json_t **arguments,
                      struct error *err)
{
    size_t len = strcspn(line, " \t");
    const char *rest = line + len + strspn(line + len, " \t");
    json_error_t bad;

    (void)snprintf(name, size, "%.*s", (int)len, line);
    *arguments = *rest ? json_loads(rest, JSON_REJECT_DUPLICATES, &bad) : NULL;
    return *rest && !*arguments ? error_set(err, EINVAL, "%s: %s", rest, bad.text) : 0;
}

/* A whole QMP message; so is what is shown, errors included. */
static json_t *run_message(struct talk *talk, const char *line, bool *refused, struct error *err)
{
    json_error_t bad;
    json_t *message = json_loads(line, 0, &bad), *answer;

    *refused = !message;
    if (!message) {
        (void)error_set(err, EINVAL, "%s", bad.text);
        return NULL;
    }
    answer = monitor_client_ask(&talk->client, message, err);
    json_decref(message);
    return answer;
}

static json_t *run_line(struct talk *talk, const char *line, bool *refused, struct error *err)
{
    char name[128];
    json_t *arguments;

    if (!talk->options.json) {
        return monitor_client_run(&talk->client, "human-monitor-command",
                                  json_pack("{s:s}", "command-line", line), refused, err);
    }
    if (line[0] == '{') {
        return run_message(talk, line, refused, err);
    }
    *refused = split_json(line, name, sizeof(name), &arguments, err) < 0;
    return *refused ? NULL : monitor_client_run(&talk->client, name, arguments, refused, err);
}

/* Runs one command and shows what comes of it. */
static void do_line(struct talk *talk, const char *line, size_t json_flags)
{
    struct error err;
    bool refused;
    json_t *result = run_line(talk, line, &refused, &err);

    if (!result) {
        (void)fflush(stdout);
        log_error("%s", err.text);
        talk->refused = true;
        talk->over = !refused;
    } else if (talk->options.json) {
        talk->refused |= json_object_get(result, "error") && line[0] == '{';
        print_json(result, json_flags);
    } else {
        print_text(json_string_value(result));
    }
    json_decref(result);
    (void)fflush(stdout);
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t")] == '\0' || line[strspn(line, " \t")] == '#';
}

/* Lines of a script; empty ones and those that begin with # do nothing. */
static void do_script(struct talk *talk)
{
    char *line = NULL;
    size_t size = 0;

    while (!talk->over && getline(&line, &size, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!is_blank(line)) {
            do_line(talk, line, JSON_COMPACT);
        }
    }
    free(line);
}

static void do_prompt(struct talk *talk)
{
    struct error err;
    bool refused;
    json_t *names = monitor_client_run(
        &talk->client, talk->options.json ? "query-commands" : "acre-query-human-commands", NULL,
        &refused, &err);
    struct monitor_prompt *prompt = monitor_prompt_new(&talk->client, names);
    const char *line;

    while (prompt && !talk->over && (line = monitor_prompt_read(prompt)) != NULL) {
        if (!is_blank(line)) {
            do_line(talk, line, JSON_INDENT(2));
        }
    }
    (void)printf("\n");
    monitor_prompt_free(prompt);
    json_decref(names);
}

/* The words of a command as one line; the caller's to free. NULL: out of memory. */
static char *join(int argc, char **argv)
{
    size_t size = 1, used = 0;
    char *line;
    int i;

    for (i = 0; i < argc; i++) {
        size += strlen(argv[i]) + 1;
    }
    line = malloc(size);
    for (i = 0; line && i < argc; i++) {
        used += (size_t)snprintf(line + used, size - used, "%s%s", i > 0 ? " " : "", argv[i]);
    }
    return line;
}

static int talk_to(struct talk *talk, int argc, char **argv, struct error *err)
{
    char *line = argc > 1 ? join(argc - 1, argv + 1) : NULL;
    int ret;

    if (argc > 1 && !line) {
        return error_set_errno(err, ENOMEM, "%s", argv[1]);
    }
    ret = monitor_client_open(&talk->client, argv[0], err);
    if (ret == 0) {
        if (line) {
            do_line(talk, line, JSON_INDENT(2));
        } else {
            talk->client.event = show_event;
            talk->client.opaque = talk;
            if (isatty(STDIN_FILENO)) {
                do_prompt(talk);
            } else {
                do_script(talk);
            }
        }
        monitor_client_close(&talk->client);
    }
    free(line);
    return ret;
}

int cmd_monitor(int argc, char **argv)
{
    struct talk talk = {.over = false};
    struct error err;
    int options, ret;

    for (options = 0; options < argc && argv[options][0] == '-'; options++) {
    } /* what follows SOCKET is the command's, options included */
    ret = options_parse(specs, SPEC_NUM, options, argv, &talk.options, NULL, &err);
    if (ret == 0 && talk.options.help) {
        return cmd_stdout_status(print_help());
    }
    if (ret == 0 && options == argc) {
        ret = error_set(&err, EINVAL,
                        "no socket given (usage: acre monitor [options] SOCKET [COMMAND...])");
    }
    if (ret == 0) {
        ret = talk_to(&talk, argc - options, argv + options, &err);
    }
    if (ret < 0) {
        log_error("%s", err.text);
        return STATUS_ACRE_FAILED;
    }
    ret = fflush(stdout) == 0 ? 0 : -errno;
    return ret < 0 ? cmd_stdout_status(ret) : talk.refused ? STATUS_REFUSED : 0;
}
