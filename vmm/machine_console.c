/*
 * machine_console.c - a console for each serial port, and one for the debug console where it does
 * not share the console's. What the command line says goes before what the board says.
 */
#include "vmm/machine_control.h"

#include <errno.h>
#include <stdio.h>

#include "vmm/machine_parts.h"

static size_t receive(void *opaque, const uint8_t *data, size_t len)
{
    struct machine_console *end = opaque;

    return end->port < BOARD_SERIALS
               ? board_serial_receive(end->machine->board, end->port, data, len)
               : len; /* the debug console has no input */
}

static void writable(void *opaque)
{
    struct machine_console *end = opaque;

    if (end->port < BOARD_SERIALS) {
        board_serial_writable(end->machine->board, end->port);
    }
}

static void send_break(void *opaque)
{
    struct machine_console *end = opaque;

    if (end->port < BOARD_SERIALS) {
        board_serial_break(end->machine->board, end->port);
    }
}

static void quit(void *opaque)
{
    machine_quit(((struct machine_console *)opaque)->machine);
}

static bool exists(const struct machine_console *end)
{
    return end->ends.kind != CONSOLE_BACKEND_UNSET;
}

static int read_word(const char *word, struct console_backend *backend, struct error *err)
{
    return word ? console_backend_parse(word, backend, err) : 0;
}

/* What the command line says, else the board, else what is usual. */
static int choose(const struct machine *machine, unsigned port, struct console_backend *backend,
                  struct error *err)
{
    const struct board *board = machine->board;
    int ret = 0;

    if (port == BOARD_SERIALS) {
        *backend = machine->config.debugcon;
        if (backend->kind == CONSOLE_BACKEND_UNSET) {
            ret = read_word(board_debugcon_backend(board), backend, err);
        }
        return ret;
    }
    *backend = machine->config.serials[port];
    if (backend->kind == CONSOLE_BACKEND_UNSET) {
        ret = read_word(board_serial_backend(board, port), backend, err);
    }
    if (backend->kind == CONSOLE_BACKEND_UNSET) {
        backend->kind =
            port == board_console_port(board) ? CONSOLE_BACKEND_STDIO : CONSOLE_BACKEND_NULL;
    }
    return ret;
}

/* The port that has stdio already; NULL: none. */
static struct machine_console *stdio_of(struct machine *machine)
{
    unsigned i;

    for (i = 0; i <= BOARD_SERIALS; i++) {
        if (machine->consoles[i].ends.kind == CONSOLE_BACKEND_STDIO) {
            return &machine->consoles[i];
        }
    }
    return NULL;
}

static int open_end(struct machine *machine, unsigned port, struct error *err)
{
    struct machine_console *end = &machine->consoles[port];
    struct console_backend backend;
    int ret = choose(machine, port, &backend, err);

    *end = (struct machine_console){.machine = machine, .port = port};
    if (port < BOARD_SERIALS) {
        (void)snprintf(end->name, sizeof(end->name), "serial%u", port);
    } else {
        (void)snprintf(end->name, sizeof(end->name), "debugcon");
    }
    if (ret == 0 && backend.kind == CONSOLE_BACKEND_STDIO && stdio_of(machine)) {
        if (port == BOARD_SERIALS) {
            return 0; /* they share it, in order */
        }
        return error_set(err, EINVAL, "%s: serial%u has stdio already", end->name,
                         stdio_of(machine)->port);
    }
    if (ret == 0 && backend.kind != CONSOLE_BACKEND_UNSET) {
        ret = console_backend_open(&backend, end->name, machine->config.in_fd,
                                   machine->config.out_fd, &end->ends, err);
        if (ret < 0) {
            error_prefix(err, "%s", end->name);
        }
    }
    if (ret == 0 && backend.kind == CONSOLE_BACKEND_STDIO) {
        (void)snprintf(end->name, sizeof(end->name), "stdout");
    }
    return ret;
}

int machine_consoles_open(struct machine *machine, struct error *err)
{
    unsigned i;
    int ret = 0;

    for (i = 0; i <= BOARD_SERIALS && ret == 0; i++) {
        if (i == BOARD_SERIALS || board_has_serial(machine->board, i)) {
            ret = open_end(machine, i, err);
        }
    }
    return ret;
}

int machine_consoles_init(struct machine *machine, struct error *err)
{
    unsigned i;
    int ret = 0;

    for (i = 0; i <= BOARD_SERIALS && ret == 0; i++) {
        struct machine_console *end = &machine->consoles[i];
        const struct console_config config = {
            .name = end->name,
            .ends = &end->ends,
            .guest = {receive, writable, send_break, quit, end},
        };

        if (exists(end)) {
            ret = console_init(&end->console, &machine->loop, &config, err);
        }
    }
    return ret;
}

static void input_wanted(void *opaque, unsigned port)
{
    struct machine *machine = opaque;

    console_input_wanted(&machine->consoles[port].console);
}

void machine_consoles_connect(struct machine *machine, struct board_host *host)
{
    struct machine_console *debugcon = &machine->consoles[BOARD_SERIALS];
    struct machine_console *shared = stdio_of(machine);
    unsigned i, console = board_console_port(machine->board);

    host->input_wanted = input_wanted;
    for (i = 0; i < BOARD_SERIALS; i++) {
        if (exists(&machine->consoles[i])) {
            host->serial_out[i] = console_serial_sink(&machine->consoles[i].console);
        }
    }
    if (machine->config.debugcon.kind == CONSOLE_BACKEND_UNSET &&
        !board_debugcon_backend(machine->board)) {
        shared = console < BOARD_SERIALS ? &machine->consoles[console] : NULL;
    }
    if (exists(debugcon)) {
        host->debug_out = console_debug_sink(&debugcon->console);
    } else if (shared) {
        host->debug_out = console_debug_sink(&shared->console);
    }
}

void machine_consoles_start(struct machine *machine)
{
    unsigned i;

    for (i = 0; i <= BOARD_SERIALS; i++) {
        if (exists(&machine->consoles[i])) {
            console_start(&machine->consoles[i].console);
        }
    }
}

void machine_consoles_finish(struct machine *machine)
{
    struct console *consoles[BOARD_SERIALS + 1];
    unsigned i;

    for (i = 0; i <= BOARD_SERIALS; i++) {
        consoles[i] = &machine->consoles[i].console;
    }
    console_finish_all(consoles, BOARD_SERIALS + 1);
}

void machine_consoles_close(struct machine *machine)
{
    unsigned i;

    for (i = 0; i <= BOARD_SERIALS; i++) {
        console_backend_close(&machine->consoles[i].ends);
    }
}

struct console *machine_stdio(struct machine *machine)
{
    struct machine_console *end = stdio_of(machine);

    return end ? &end->console : NULL;
}

uint64_t machine_first_output_ns(struct machine *machine)
{
    uint64_t first = 0, ns;
    unsigned i;

    for (i = 0; i <= BOARD_SERIALS; i++) {
        ns = exists(&machine->consoles[i]) ? console_first_output_ns(&machine->consoles[i].console)
                                           : 0;
        first = ns != 0 && (first == 0 || ns < first) ? ns : first;
    }
    return first;
}

bool machine_has_terminal(struct machine *machine)
{
    struct console *console = machine_stdio(machine);

    return console && console_has_terminal(console);
}
