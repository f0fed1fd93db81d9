/* monitor_client.c - one message after the other from a socket, cut by the server's own scanner. */
#include "vmm/monitor_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/qmp_session.h"

enum { ANSWER_MAX = 64 << 20 /* bytes; more than the server sends */ };

static int connect_to(const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, ret;

    if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path)) {
        return error_set(err, EINVAL, "%s: not a socket's path", path);
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set_errno(err, errno, "socket");
    }
    if (connect(fd, (const void *)&address, sizeof(address)) < 0) {
        ret = error_set_errno(err, errno, "%s", path);
        (void)close(fd);
        return ret;
    }
    return fd;
}

int monitor_client_send(struct monitor_client *client, const char *data, size_t len,
                        struct error *err)
{
    while (len > 0) {
        ssize_t n = send(client->fd, data, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return error_set_errno(err, errno, "monitor");
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Waits for bytes. Returns: 0; -errno. */
static int fill(struct monitor_client *client, struct error *err)
{
    ssize_t n;

    do {
        n = read(client->fd, client->input, sizeof(client->input));
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return n == 0 ? error_set(err, EPIPE, "the machine has ended")
                      : error_set_errno(err, errno, "monitor");
    }
    client->first = 0;
    client->last = (size_t)n;
    return 0;
}

bool monitor_client_has_input(const struct monitor_client *client)
{
    return client->first < client->last;
}

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

json_t *monitor_client_next(struct monitor_client *client, struct error *err)
{
    enum qmp_scan_result result = QMP_SCAN_MORE;
    json_t *message = NULL;
    size_t used;

    while (result == QMP_SCAN_MORE) {
        if (!monitor_client_has_input(client) && fill(client, err) < 0) {
            return NULL;
        }
        result = qmp_scan_feed(&client->scan, client->input + client->first,
                               client->last - client->first, &used);
        client->first += used;
    }
    while (monitor_client_has_input(client) && is_line_end(client->input[client->first])) {
        client->first++; /* the line's end: no message follows it yet */
    }
    if (result == QMP_SCAN_MESSAGE) {
        message = json_loadb(client->scan.text, client->scan.len, 0, NULL);
    }
    if (!message) {
        (void)error_set(err, EPROTO, "what came from the monitor is no QMP");
    }
    return message;
}

/* Takes over a message that answers. */
static json_t *take_answer(json_t *message, bool *refused, struct error *err)
{
    json_t *result = json_incref(json_object_get(message, "return"));
    const char *text =
        json_string_value(json_object_get(json_object_get(message, "error"), "desc"));

    if (!result) {
        *refused = true;
        (void)error_set(err, EINVAL, "%s", text ? text : "the monitor gave no reason");
    }
    json_decref(message);
    return result;
}

json_t *monitor_client_ask(struct monitor_client *client, const json_t *message, struct error *err)
{
    char *line = qmp_line(message);
    int ret = line ? monitor_client_send(client, line, strlen(line), err)
                   : error_set_errno(err, ENOMEM, "monitor");
    json_t *answer;

    free(line);
    while (ret == 0 && (answer = monitor_client_next(client, err)) != NULL) {
        if (!json_object_get(answer, "event")) {
            return answer;
        }
        if (client->event) {
            client->event(client->opaque, answer);
        }
        json_decref(answer);
    }
    return NULL;
}

json_t *monitor_client_run(struct monitor_client *client, const char *command, json_t *arguments,
                           bool *refused, struct error *err)
{
    json_t *message = json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments);
    json_t *answer = monitor_client_ask(client, message, err);

    json_decref(message);
    *refused = false;
    return answer ? take_answer(answer, refused, err) : NULL;
}

int monitor_client_open(struct monitor_client *client, const char *address, struct error *err)
{
    bool refused;
    json_t *message;

    address += strncmp(address, "unix:", 5) == 0 ? 5 : 0;
    client->scan.size_max = ANSWER_MAX;
    client->fd = connect_to(address, err);
    if (client->fd < 0) {
        return client->fd;
    }
    message = monitor_client_next(client, err);
    if (message && !json_object_get(message, "QMP")) {
        json_decref(message);
        message = NULL;
        (void)error_set(err, EPROTO, "no QMP server");
    }
    json_decref(message);
    if (message) {
        message = monitor_client_run(client, "qmp_capabilities", NULL, &refused, err);
        json_decref(message);
    }
    if (!message) {
        monitor_client_close(client);
        error_prefix(err, "%s", address);
        return -EPROTO;
    }
    return 0;
}

void monitor_client_close(struct monitor_client *client)
{
    if (client->fd > 0) {
        (void)close(client->fd);
    }
    qmp_scan_finish(&client->scan);
    client->fd = 0;
}
