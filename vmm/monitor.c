/*
 * monitor.c - --monitor: the QMP server. One session for each connection; the machine's events go
 * to all that are ready.
 */
#include "vmm/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/machine_control.h"
#include "vmm/monitor_map.h"
#include "vmm/monitor_state.h"
#include "vmm/qmp_session.h"
#include "vmm/server.h"
#include "vmm/service.h"

enum { CLIENT_MAX = 16, OUT_MAX = 32 << 20, FLUSH_MS = 500, TURN_US = 2000 };

/* One client. */
struct client {
    struct qmp_session session;
    struct connection *connection;
    struct client *next;
};

/* The server of one machine; machine->monitor. */
struct monitor {
    struct server server;
    struct machine *machine;
    struct client *clients;
    struct machine_observer observer;
    struct monitor_map map;
    bool resets; /* the restart under way was asked for here */
    bool quits;  /* so was the end */
};

/* ---- clients ---- */

static void send_line(void *opaque, const char *data, size_t len)
{
    struct client *client = opaque;

    connection_send(client->connection, data, len);
}

static int accepted(void *opaque, struct connection *connection)
{
    struct monitor *monitor = opaque;
    struct client *client = calloc(1, sizeof(*client));

    if (!client) {
        return -ENOMEM;
    }
    *client = (struct client){
        .session = {.machine = monitor->machine,
                    .send = send_line,
                    .opaque = client,
                    .answer_max = OUT_MAX},
        .connection = connection,
        .next = monitor->clients,
    };
    connection->user = client;
    monitor->clients = client;
    monitor_map_want(&monitor->map, true);
    qmp_session_start(&client->session);
    return 0;
}

static int64_t now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What takes longer than a turn, or than its client reads, is put off. */
static void received(void *opaque, struct connection *connection, const char *data, size_t len)
{
    struct qmp_session *session = &((struct client *)connection->user)->session;
    int64_t until_us = now_us() + TURN_US;
    size_t used;

    (void)opaque;
    while (len > 0 && !connection->closing && connection_waiting(connection) == 0 &&
           now_us() < until_us) {
        used = qmp_session_receive(session, data, len);
        data += used;
        len -= used;
    }
    connection_keep(connection, data, len);
}

static void closed(void *opaque, struct connection *connection)
{
    struct monitor *monitor = opaque;
    struct client *client = connection->user, **link = &monitor->clients;

    while (*link != client) {
        link = &(*link)->next;
    }
    *link = client->next;
    qmp_session_finish(&client->session);
    free(client);
    monitor_map_want(&monitor->map, monitor->clients != NULL);
}

/* ---- events ---- */

void monitor_event(struct machine *machine, const char *name, json_t *data)
{
    struct monitor *monitor = machine->monitor;
    struct client *client, *next;
    struct timespec now = {0};
    json_t *event;
    char *line;

    if (!monitor || !monitor->clients) {
        json_decref(data);
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    event = json_pack("{s:s, s:{s:I, s:I}}", "event", name, "timestamp", "seconds",
                      (json_int_t)now.tv_sec, "microseconds", (json_int_t)(now.tv_nsec / 1000));
    if (data) {
        (void)json_object_set_new(event, "data", data);
    }
    line = qmp_line(event);
    json_decref(event);
    for (client = monitor->clients; client && line; client = next) {
        next = client->next; /* one who does not read ends here */
        if (client->session.ready) {
            connection_send(client->connection, line, strlen(line));
        }
    }
    free(line);
}

static const char *shutdown_reason(const struct monitor *monitor, const struct verdict *verdict)
{
    static const char *const reasons[VERDICT_KIND_NUM] = {
        [VERDICT_NONE] = "none",
        [VERDICT_EXIT] = "guest-shutdown",
        [VERDICT_POWEROFF] = "guest-shutdown",
        [VERDICT_QUIT] = "host-ui",
        [VERDICT_RESET] = "guest-reset",
        [VERDICT_IDLE_HANG] = "guest-shutdown",
        [VERDICT_PANIC] = "guest-panic",
        [VERDICT_WATCHDOG] = "guest-reset",
        [VERDICT_TIMEOUT] = "host-error",
        [VERDICT_FAULT] = "host-error",
        [VERDICT_TRIPLE_FAULT] = "guest-reset",
        [VERDICT_INTERNAL_ERROR] = "host-error",
        [VERDICT_ENTRY_FAILURE] = "host-error",
        [VERDICT_SIGNAL] = "host-signal",
    };

    return monitor->quits && verdict->kind == VERDICT_QUIT ? "host-qmp-quit"
                                                           : reasons[verdict->kind];
}

static void tell_end(struct monitor *monitor, const struct verdict *verdict)
{
    const char *reason = shutdown_reason(monitor, verdict);

    if (verdict->kind == VERDICT_PANIC) {
        monitor_event(monitor->machine, "GUEST_PANICKED", json_pack("{s:s}", "action", "poweroff"));
    }
    monitor_event(monitor->machine, "SHUTDOWN",
                  json_pack("{s:b, s:s, s:s, s:s}", "guest", strncmp(reason, "guest", 5) == 0,
                            "reason", reason, "verdict", verdict_kind_name(verdict->kind),
                            "message", verdict->message));
}

static void observed(void *opaque, enum machine_event event, const struct verdict *verdict)
{
    struct monitor *monitor = opaque;
    bool resets = monitor->resets;

    switch (event) {
    case MACHINE_EVENT_STOP:
        monitor_event(monitor->machine, "STOP", NULL);
        break;
    case MACHINE_EVENT_RESUME:
        monitor_event(monitor->machine, "RESUME", NULL);
        break;
    case MACHINE_EVENT_RESET:
        monitor->resets = false;
        monitor_event(monitor->machine, "RESET",
                      json_pack("{s:b, s:s}", "guest", !resets, "reason",
                                resets ? "host-qmp-system-reset" : "guest-reset"));
        break;
    case MACHINE_EVENT_END:
        tell_end(monitor, verdict);
        break;
    }
}

/* ---- what commands do ---- */

const char *monitor_status(struct machine *machine)
{
    unsigned holders = machine_holders(machine);

    if (holders == 0) {
        return "running";
    }
    if (holders & MACHINE_HOLDER_DEBUGGER) {
        return "debug";
    }
    return vcpu_group_exits(&machine->vcpus) == 0 && machine->config.start_held ? "prelaunch"
                                                                                : "paused";
}

int monitor_reset(struct machine *machine, struct error *err)
{
    int ret = machine_restart(machine);

    if (ret == 0 && machine->monitor) {
        machine->monitor->resets = true;
    }
    return ret < 0 ? error_set(err, -ret, "this machine cannot be restarted (--reboot)") : 0;
}

int monitor_powerdown(struct machine *machine, struct error *err)
{
    if (!board_press_power(machine->board)) {
        return error_set(err, ENODEV, "this board has no power button (acre,acpi-pm)");
    }
    monitor_event(machine, "POWERDOWN", NULL);
    return 0;
}

void monitor_quit(struct machine *machine)
{
    if (machine->monitor) {
        machine->monitor->quits = true;
    }
    machine_quit(machine);
}

/* ---- the service ---- */

static int open_monitor(const struct run_options *options, void **state, struct error *err)
{
    struct server_config config = {
        .ops = {.accepted = accepted, .received = received, .closed = closed},
        .client_max = CLIENT_MAX,
        .out_max = OUT_MAX,
    };
    struct monitor *monitor;
    int ret;

    if (!options->monitor) {
        return 0;
    }
    monitor = calloc(1, sizeof(*monitor));
    if (!monitor) {
        return error_set_errno(err, ENOMEM, "--monitor");
    }
    json_object_seed(0); /* opens a file, which the sandbox would not let later */
    config.opaque = monitor;
    ret = server_open(&monitor->server, options->monitor, false, &config, err);
    if (ret < 0) {
        free(monitor);
        error_prefix(err, "--monitor");
        return ret;
    }
    *state = monitor;
    return 0;
}

static int start_monitor(void *state, struct machine *machine, struct error *err)
{
    struct monitor *monitor = state;
    int ret;

    monitor->machine = machine;
    monitor->observer = (struct machine_observer){.event = observed, .opaque = monitor};
    ret = monitor_map_start(&monitor->map, machine);
    if (ret == 0) {
        ret = server_start(&monitor->server, &machine->loop);
    }
    if (ret < 0) {
        monitor_map_stop(&monitor->map);
        return error_set_errno(err, -ret, "--monitor");
    }
    machine->monitor = monitor;
    machine_observe(machine, &monitor->observer);
    return 0;
}

static void stop_monitor(void *state)
{
    struct monitor *monitor = state;

    machine_unobserve(monitor->machine, &monitor->observer);
    server_close(&monitor->server, FLUSH_MS);
    monitor_map_stop(&monitor->map);
    monitor->machine->monitor = NULL;
}

static void close_monitor(void *state)
{
    struct monitor *monitor = state;

    server_close(&monitor->server, 0);
    free(monitor);
}

const struct service monitor_service = {
    .open = open_monitor,
    .start = start_monitor,
    .stop = stop_monitor,
    .close = close_monitor,
    .restarts = true,
};
