/*
 * gdb.c - the service: a server of one connection, which becomes a session when it comes and is let
 * go of when it leaves.
 */
#include "vmm/gdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/log.h"
#include "vmm/monitor.h"
#include "vmm/service.h"

enum { OUT_MAX = 4 << 20, FLUSH_MS = 500, MEANS_TEXT_SIZE = 128 };

static void send_bytes(void *opaque, const char *data, size_t len)
{
    struct gdb *gdb = opaque;

    if (gdb->connection) {
        connection_send(gdb->connection, data, len);
    }
}

/* ---- what the session asks for that is no run control ---- */

/* The client knows that it leaves: the rest is closed()'s. */
static void detach(void *opaque)
{
    struct gdb *gdb = opaque;

    gdb_run_free(gdb);
    if (gdb->connection) {
        connection_close(gdb->connection);
    }
}

static void kill_machine(void *opaque)
{
    struct gdb *gdb = opaque;

    machine_quit(gdb->machine);
}

static void run_monitor(void *opaque, unsigned cpu, const char *line, struct memory_sink *sink)
{
    struct gdb *gdb = opaque;
    struct error err;

    if (hmp_run(gdb->machine, cpu, line, sink, &err) < 0) {
        memory_sink_printf(sink, "%s\n", err.text);
    }
}

static void set_step_irqs(void *opaque, bool blocked)
{
    ((struct gdb *)opaque)->irqs_in_steps = !blocked;
}

struct gdb_target gdb_target(const struct gdb *gdb)
{
    return (struct gdb_target){
        .cpu_num = gdb->machine->vcpus.config.num,
        .arch = gdb->arch,
        .read_registers = gdb_state_read_registers,
        .write_registers = gdb_state_write_registers,
        .read_memory = gdb_state_read_memory,
        .write_memory = gdb_state_write_memory,
        .insert = gdb_watch_insert,
        .remove = gdb_watch_remove,
        .resume = gdb_go_resume,
        .interrupt = gdb_run_interrupt,
        .detach = detach,
        .kill = kill_machine,
        .describe = gdb_state_describe,
        .monitor = run_monitor,
        .set_step_irqs = set_step_irqs,
    };
}

/* ---- the connection ---- */

static void call_mode(void *opaque, struct vcpu *vcpu)
{
    enum { EFER_LMA = 1 << 10 };
    struct kvm_sregs sregs;

    if (vcpu->index == 0 && kvm_get_sregs(vcpu->group->config.kvm, vcpu->fd, &sregs) == 0) {
        *(bool *)opaque = (sregs.efer & EFER_LMA) != 0;
    }
}

/*
 * gdb takes only the architecture of its symbol file, which is as likely as not the guest's image.
 * One of 32 bits may be a wrapping of 64-bit code: the CPU shows that later.
 */
static void choose_arch(struct gdb *gdb)
{
    bool long_mode = false;

    gdb->arch = gdb->wanted_arch == RUN_GDB_I386 ? GDB_ARCH_I386 : GDB_ARCH_X86_64;
    if (gdb->wanted_arch == RUN_GDB_AUTO && load_is_elf32(gdb->machine->image)) {
        vcpu_group_call(&gdb->machine->vcpus, call_mode, &long_mode);
        gdb->arch = long_mode ? GDB_ARCH_X86_64 : GDB_ARCH_I386;
    }
}

static int accepted(void *opaque, struct connection *connection)
{
    struct gdb *gdb = opaque;
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP};
    struct gdb_target target;

    gdb->connection = connection;
    choose_arch(gdb);
    target = gdb_target(gdb);
    gdb->irqs_in_steps = gdb->told_late = false;
    gdb_session_begin(&gdb->session, &target, send_bytes, gdb, &stop);
    gdb_run_stop(gdb, &stop);
    return 0;
}

static void received(void *opaque, struct connection *connection, const char *data, size_t len)
{
    struct gdb *gdb = opaque;

    (void)connection;
    gdb_session_receive(&gdb->session, data, len);
}

static void closed(void *opaque, struct connection *connection)
{
    struct gdb *gdb = opaque;

    (void)connection;
    gdb->connection = NULL;
    if (!gdb->session.over) { /* it just went away */
        gdb->session.over = true;
        gdb_run_free(gdb);
    }
}

/* ---- the machine ---- */

static void event(void *opaque, enum machine_event what, const struct verdict *verdict)
{
    struct gdb *gdb = opaque;

    if (what == MACHINE_EVENT_END) {
        gdb_run_tell_missed(gdb);
        gdb_session_ended(&gdb->session, verdict);
    } else if (what == MACHINE_EVENT_RESET) {
        gdb_go_reset(gdb);
    }
}

void gdb_init(struct gdb *gdb, struct machine *machine)
{
    (void)pthread_mutex_init(&gdb->lock, NULL);
    gdb->machine = machine;
    gdb->session.over = true; /* there is none yet */
    gdb->alone = gdb->over = GDB_CPUS_MAX;
    gdb->tap = (struct vcpu_tap){.served = gdb_run_served, .opaque = gdb};
    gdb->stop_work = (struct loop_work){.run = gdb_run_settle, .opaque = gdb};
    gdb->observer = (struct machine_observer){.event = event, .opaque = gdb};
    machine_observe(machine, &gdb->observer);
    gdb->debugger = (struct machine_debugger){
        .debugged = gdb_run_debugged,
        .ended = gdb_run_ended,
        .conceal = gdb_go_conceal,
        .hide = gdb_go_hide,
        .opaque = gdb,
    };
    machine->debugger = &gdb->debugger;
}

void gdb_finish(struct gdb *gdb)
{
    gdb->session.over = true;
    machine_unobserve(gdb->machine, &gdb->observer);
    gdb->machine->debugger = NULL;
    gdb_watch_remove_all(gdb);
    gdb_patches_clear(&gdb->patches);
    (void)pthread_mutex_destroy(&gdb->lock);
}

static int open_gdb(const struct run_options *options, void **state, struct error *err)
{
    struct server_config config = {
        .ops = {.accepted = accepted, .received = received, .closed = closed},
        .client_max = 1,
        .out_max = OUT_MAX,
    };
    struct gdb *gdb;
    int ret;

    if (!options->gdb) {
        return 0;
    }
    gdb = calloc(1, sizeof(*gdb));
    if (!gdb) {
        return error_set_errno(err, ENOMEM, "--gdb");
    }
    config.opaque = gdb;
    gdb->verbose = options->verbose;
    gdb->start_held = options->start_held;
    gdb->wanted_arch = options->gdb_arch;
    ret = server_open(&gdb->server, options->gdb, true, &config, err);
    if (ret < 0) {
        free(gdb);
        return ret;
    }
    *state = gdb;
    return 0;
}

static int start_gdb(void *state, struct machine *machine, struct error *err)
{
    struct gdb *gdb = state;
    char text[MEANS_TEXT_SIZE];
    int ret = gdb_means_probe(&machine->kvm, &gdb->means, err);

    if (ret < 0) {
        return ret;
    }
    if (gdb->verbose) {
        gdb_means_text(&gdb->means, text, sizeof(text));
        log_note("gdb: %s", text);
    }
    ret = server_start(&gdb->server, &machine->loop);
    if (ret < 0) {
        return error_set_errno(err, -ret, "--gdb");
    }
    gdb_init(gdb, machine);
    return 0;
}

/* The vCPUs have ended: there is nothing left to be let go. */
static void stop_gdb(void *state)
{
    struct gdb *gdb = state;

    gdb_finish(gdb);
    server_close(&gdb->server, FLUSH_MS);
}

static void close_gdb(void *state)
{
    struct gdb *gdb = state;

    server_close(&gdb->server, 0);
    free(gdb);
}

const struct service gdb_service = {
    .open = open_gdb,
    .start = start_gdb,
    .stop = stop_gdb,
    .close = close_gdb,
    .restarts = true,
};
