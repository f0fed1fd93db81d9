/*
 * qmp_session.c - a message is checked member by member, then looked up in the table of commands.
 */
#include "vmm/qmp_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine_control.h"
#include "vmm/monitor.h"
#include "vmm/version.h"

/* jansson's and ours, so that a line is one allocation and one send. */
char *qmp_line(const json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    size_t len = text ? strlen(text) : 0;
    char *line = text ? realloc(text, len + 3) : NULL;

    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + len, "\r\n", 3);
    return line;
}

static json_t *error_message(const char *class, const char *text)
{
    return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", text);
}

/* With the id, if there is one. NULL: out of memory. */
static char *line_of(json_t *message, const json_t *id)
{
    bool complete = message && (!id || json_object_set_new(message, "id", json_deep_copy(id)) == 0);

    return complete ? qmp_line(message) : NULL;
}

/* Takes over `message`; NULL: out of memory, of which the client is told as well as can be. */
static void answer(struct qmp_session *session, json_t *message, const json_t *id)
{
    static const char no_memory[] =
        "{\"error\":{\"class\":\"GenericError\",\"desc\":\"out of memory\"}}\r\n";
    char *line = line_of(message, id);

    json_decref(message);
    if (line && session->answer_max > 0 && strlen(line) > session->answer_max) {
        free(line);
        message = error_message("GenericError", "the answer would be too long");
        line = line_of(message, id);
        json_decref(message);
    }
    session->send(session->opaque, line ? line : no_memory,
                  line ? strlen(line) : sizeof(no_memory) - 1);
    free(line);
}

/* A member that no message has; NULL: none. */
static const char *find_unknown(json_t *message)
{
    const char *key;
    json_t *value;

    json_object_foreach(message, key, value)
    {
        if (strcmp(key, "execute") != 0 && strcmp(key, "arguments") != 0 &&
            strcmp(key, "id") != 0) {
            return key;
        }
    }
    return NULL;
}

/* Fills err when the form of a message is wrong. Returns: the command's name, or NULL. */
static const char *command_name(json_t *message, struct error *err)
{
    const json_t *execute = json_object_get(message, "execute");
    const json_t *arguments = json_object_get(message, "arguments");
    const char *unknown = find_unknown(message);

    if (!json_is_object(message)) {
        (void)error_set(err, 0, "QMP input must be a JSON object");
    } else if (unknown) {
        (void)error_set(err, 0, "QMP input member '%.64s' is unexpected", unknown);
    } else if (!execute) {
        (void)error_set(err, 0, "QMP input lacks member 'execute'");
    } else if (!json_is_string(execute)) {
        (void)error_set(err, 0, "QMP input member 'execute' must be a string");
    } else if (arguments && !json_is_object(arguments)) {
        (void)error_set(err, 0, "QMP input member 'arguments' must be an object");
    } else {
        return json_string_value(execute);
    }
    return NULL;
}

/* "enable" may list capabilities to turn on; there are none. */
static json_t *negotiate(struct qmp_session *session, const json_t *arguments)
{
    static const struct qmp_argument wanted[] = {{"enable", JSON_ARRAY, true}};
    struct error err;

    if (session->ready) {
        return error_message("CommandNotFound",
                             "Capabilities negotiation is already complete, command ignored");
    }
    if (qmp_check_arguments(arguments, wanted, 1, &err) < 0) {
        return error_message("GenericError", err.text);
    }
    if (json_array_size(json_object_get(arguments, "enable")) > 0) {
        return error_message("GenericError", "there is no capability to enable");
    }
    session->ready = true;
    return json_pack("{s:{}}", "return");
}

static const struct qmp_command *find_command(const char *name)
{
    const struct qmp_command *command;

    for (command = qmp_commands; command->name; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

/* Returns: the message that answers; NULL: out of memory. */
static json_t *run(struct qmp_session *session, const char *name, const json_t *arguments)
{
    const struct qmp_command *command = find_command(name);
    json_t *result;
    struct error err = {.text = "out of memory"};

    if (strcmp(name, "qmp_capabilities") == 0) {
        return negotiate(session, arguments);
    }
    if (!session->ready) {
        return error_message("CommandNotFound",
                             "Expecting capabilities negotiation with 'qmp_capabilities'");
    }
    if (!command) {
        (void)error_set(&err, 0, "The command %.64s has not been found", name);
        return error_message("CommandNotFound", err.text);
    }
    machine_look_begin(session->machine);
    result = command->run(session->machine, arguments, &err);
    machine_look_end(session->machine);
    return result ? json_pack("{s:o}", "return", result) : error_message("GenericError", err.text);
}

static void serve(struct qmp_session *session, const char *text, size_t len)
{
    const size_t flags = JSON_REJECT_DUPLICATES;
    json_error_t bad;
    json_t *message = json_loadb(text, len, flags, &bad), *none = json_object(), *reply = NULL;
    const json_t *arguments;
    const char *name;
    struct error err;

    if (!message) {
        (void)error_set(&err, 0, "JSON parse error, %.200s", bad.text);
        answer(session, error_message("GenericError", err.text), NULL);
        json_decref(none);
        return;
    }
    name = command_name(message, &err);
    arguments = json_object_get(message, "arguments");
    if (!name) {
        reply = error_message("GenericError", err.text);
    } else if (none) {
        reply = run(session, name, arguments ? arguments : none);
    }
    answer(session, reply, json_object_get(message, "id"));
    json_decref(none);
    json_decref(message);
}

void qmp_session_start(struct qmp_session *session)
{
    answer(session,
           json_pack("{s:{s:{s:{s:i, s:i, s:i}, s:s}, s:[]}}", "QMP", "version", "qemu", "major",
                     ACRE_VERSION_MAJOR, "minor", ACRE_VERSION_MINOR, "micro", ACRE_VERSION_MICRO,
                     "package", ACRE_VERSION, "capabilities"),
           NULL);
}

size_t qmp_session_receive(struct qmp_session *session, const char *data, size_t len)
{
    static const char *const errors[] = {
        [QMP_SCAN_BAD] = "JSON parse error, invalid input (the rest of the line is skipped)",
        [QMP_SCAN_TOO_LONG] = "JSON parse error, a message of more than 1 MiB",
        [QMP_SCAN_TOO_DEEP] = "JSON parse error, more than 1024 levels",
        [QMP_SCAN_NO_MEMORY] = "out of memory",
    };
    size_t used;
    enum qmp_scan_result result = qmp_scan_feed(&session->scan, data, len, &used);

    if (result == QMP_SCAN_MESSAGE) {
        serve(session, session->scan.text, session->scan.len);
    } else if (result != QMP_SCAN_MORE) {
        answer(session, error_message("GenericError", errors[result]), NULL);
    }
    return used;
}

void qmp_session_finish(struct qmp_session *session)
{
    qmp_scan_finish(&session->scan);
}
