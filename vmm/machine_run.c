/*
 * machine_run.c - from the first entry to the verdict. Whoever sees the end, a vCPU in a device, a
 * timer, a signal, settles the verdict; that stops the vCPUs and the event loop, and the caller's
 * thread collects what is left.
 */
#include "vmm/machine_control.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/machine_parts.h"
#include "vmm/save_dir.h"
#include "vmm/sandbox.h"

#define TICK_NS UINT64_C(250000000)
#define NS_PER_S UINT64_C(1000000000)

enum { FIRST_TICK_MS = 10 /* by then a guest has shown that it is to stay */ };

void machine_end(struct machine *machine, const struct verdict *verdict)
{
    if (!verdict_settle(&machine->verdict, verdict)) {
        return;
    }
    if (machine->vcpus.vcpus) { /* else the audit spoke while the map was made */
        vcpu_group_stop(&machine->vcpus);
    }
    loop_quit(&machine->loop);
}

void machine_vcpu_ended(void *opaque, const struct verdict *verdict)
{
    struct machine *machine = opaque;
    const struct machine_debugger *debugger = machine->debugger;

    if (!debugger || !debugger->ended(debugger->opaque, verdict)) {
        machine_end(machine, verdict);
    }
}

void machine_vcpu_debugged(void *opaque, struct vcpu *vcpu)
{
    const struct machine_debugger *debugger = ((struct machine *)opaque)->debugger;

    if (debugger) {
        debugger->debugged(debugger->opaque, vcpu);
    }
}

void machine_vcpu_conceal(void *opaque, uint64_t gpa, uint8_t *byte)
{
    const struct machine_debugger *debugger = ((struct machine *)opaque)->debugger;

    if (debugger) {
        debugger->conceal(debugger->opaque, gpa, byte);
    }
}

static void end_with_error(struct machine *machine, const struct error *err)
{
    struct verdict verdict;

    verdict_make(&verdict, VERDICT_FAULT, "%.255s", err->text);
    machine_end(machine, &verdict);
}

/* Devices first: they lower their lines, which the interrupt controllers then forget. */
static int power_on(struct machine *machine, struct error *err)
{
    int result = 0;

    board_reset(machine->board);
    if (machine->irqchip) {
        result = x86_irqchips_write(&machine->kvm, &machine->reset_irqchips);
        if (result < 0) {
            return error_set_errno(err, -result, "resetting the interrupt controllers");
        }
    }
    result = vcpu_group_reset(&machine->vcpus);
    if (result < 0) {
        return error_set_errno(err, -result, "resetting the CPUs");
    }
    return machine_place(machine, err);
}

/*
 * A restart, on the loop's thread: everybody stands still, devices and CPUs go back to power-on
 * state, the images are placed again. RAM outside them keeps what it had, as on a PC.
 */
static void restart(void *opaque)
{
    struct machine *machine = opaque;
    struct error err;

    vcpu_group_pause(&machine->vcpus);
    kvm_ring_drain(&machine->ring);
    machine_look_begin(machine);
    if (power_on(machine, &err) < 0) {
        end_with_error(machine, &err);
    }
    atomic_store(&machine->reset_pending, false);
    machine_tell(machine, MACHINE_EVENT_RESET, NULL);
    machine_look_end(machine);
    vcpu_group_unpark(&machine->vcpus); /* the pause */
    vcpu_group_unpark(&machine->vcpus); /* the hold of who asked */
}

void machine_ask_restart(struct machine *machine)
{
    if (!atomic_exchange(&machine->reset_pending, true)) {
        vcpu_group_hold(&machine->vcpus);
        loop_post(&machine->loop, &machine->reset_work);
    }
}

/* @who  "guest asked for a reset" or the like */
static void reset(struct machine *machine, const char *who)
{
    struct verdict verdict;

    if (!machine->config.reboot) {
        verdict_make(&verdict, VERDICT_RESET, "%s (--reboot restarts it)", who);
        machine_end(machine, &verdict);
    } else {
        machine_ask_restart(machine);
    }
}

static void watchdog_expired(struct machine *machine, enum device_watchdog_action action)
{
    struct verdict verdict;

    switch (action) {
    case DEVICE_WATCHDOG_RESET:
        reset(machine, "watchdog asked for a reset");
        return;
    case DEVICE_WATCHDOG_NONE:
        log_warn_limited(&machine->guest_log, "watchdog expired");
        return;
    case DEVICE_WATCHDOG_POWEROFF:
        verdict_make(&verdict, VERDICT_POWEROFF, "watchdog powered off");
        break;
    case DEVICE_WATCHDOG_EXIT:
        verdict_make(&verdict, VERDICT_WATCHDOG, "watchdog expired");
        break;
    }
    machine_end(machine, &verdict);
}

static void request(void *opaque, enum device_request what, uint32_t value)
{
    struct machine *machine = opaque;
    struct verdict verdict;

    switch (what) {
    case DEVICE_REQUEST_RESET:
        reset(machine, "guest asked for a reset");
        return;
    case DEVICE_REQUEST_WATCHDOG:
        watchdog_expired(machine, value);
        return;
    case DEVICE_REQUEST_CRASH_LOADED:
        log_warn_limited(&machine->guest_log, "guest panicked, and deals with it itself");
        return;
    case DEVICE_REQUEST_POWEROFF:
        verdict_make(&verdict, VERDICT_POWEROFF, "guest powered off");
        break;
    case DEVICE_REQUEST_EXIT:
        verdict_make(&verdict, VERDICT_EXIT, "guest exited");
        verdict.guest_status = value;
        break;
    case DEVICE_REQUEST_PANIC:
        verdict_make(&verdict, VERDICT_PANIC, "guest panicked");
        break;
    }
    machine_end(machine, &verdict);
}

struct request_line machine_requests(struct machine *machine)
{
    return (struct request_line){.request = request, .opaque = machine};
}

/* Virtual time stands still while acre itself is stopped. */
static void stop_and_continue(struct machine *machine, int signo)
{
    struct console *console = machine_stdio(machine); /* or the signals would not be watched */

    if (signo == SIGTSTP && !(machine->holders & MACHINE_HOLDER_JOB)) {
        machine_hold(machine, MACHINE_HOLDER_JOB);
        console_suspend(console);
    } else if (signo == SIGCONT) {
        console_continue(console); /* also from the background to the foreground */
        machine_release(machine, MACHINE_HOLDER_JOB);
    }
}

static void signalled(void *opaque, int signo)
{
    struct machine *machine = opaque;
    struct verdict verdict;

    if (signo == SIGTSTP || signo == SIGCONT) {
        stop_and_continue(machine, signo);
        return;
    }
    verdict_make(&verdict, VERDICT_SIGNAL, "ended by signal %d (%s)", signo, strsignal(signo));
    verdict.signal = signo;
    machine_end(machine, &verdict);
}

/* nohup's wish: what is ignored would still come through a signalfd. */
static bool is_ignored(int signo)
{
    struct sigaction action;

    return sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int machine_watch_signals(struct machine *machine, struct error *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (!is_ignored(SIGHUP)) {
        (void)sigaddset(&set, SIGHUP);
    }
    (void)sigaddset(&set, SIGQUIT);
    if (machine_has_terminal(machine)) {
        (void)sigaddset(&set, SIGTSTP);
        (void)sigaddset(&set, SIGCONT);
    }
    return loop_signals(&machine->loop, &set, signalled, machine, err);
}

static void tick(void *opaque)
{
    struct machine *machine = opaque;
    struct verdict verdict;

    kvm_ring_drain(&machine->ring);
    if (!machine->has_events) {
        machine->has_events = true;
        machine_make_events(machine);
    } else if (machine->irqchip && !board_watchdog_runs(machine->board) &&
               vcpu_group_is_hung(&machine->vcpus, &verdict)) {
        machine_end(machine, &verdict);
        return;
    }
    vclock_arm(&machine->clock, &machine->tick, vclock_now_ns(&machine->clock) + TICK_NS);
}

static void timed_out(void *opaque)
{
    struct machine *machine = opaque;
    struct verdict verdict;

    verdict_make(&verdict, VERDICT_TIMEOUT, "timed out after %g s",
                 (double)machine->config.timeout_ns / (double)NS_PER_S);
    machine_end(machine, &verdict);
}

static void arm_timers(struct machine *machine)
{
    machine->tick = (struct device_timer){.expired = tick, .opaque = machine};
    machine->settled_work = (struct loop_work){.run = tick, .opaque = machine};
    loop_post_later(&machine->loop, &machine->settled_work, FIRST_TICK_MS);
    if (machine->config.timeout_ns) {
        machine->timeout = (struct device_timer){.expired = timed_out, .opaque = machine};
        vclock_arm(&machine->clock, &machine->timeout,
                   vclock_now_ns(&machine->clock) + machine->config.timeout_ns);
    }
}

/* The filter comes when all threads have started. */
static int start(struct machine *machine, struct error *err)
{
    int result = vcpu_group_start(&machine->vcpus, err);

    if (result == 0 && machine->config.sandbox) {
        result = sandbox_filter(save_dir_fd(machine->save_dir), err);
    }
    return result;
}

/* The CPU that came out of the guest last: of a guest that ended itself, the one that did. */
static struct vcpu *last_vcpu(struct machine *machine)
{
    struct vcpu *last = &machine->vcpus.vcpus[0];
    uint64_t stamp = 0;
    unsigned i;

    for (i = 0; i < machine->vcpus.config.num; i++) {
        struct history *history = &machine->vcpus.vcpus[i].history;

        if (history->num > 0 && history->exits[(history->num - 1) % HISTORY_LEN].stamp >= stamp) {
            stamp = history->exits[(history->num - 1) % HISTORY_LEN].stamp;
            last = &machine->vcpus.vcpus[i];
        }
    }
    return last;
}

/* What a CPU saw of the end is in the verdict; what others saw (a timer, a device) is added. */
static void add_registers(struct machine *machine, struct verdict *verdict)
{
    bool wanted = machine->config.registers ||
                  (!verdict_is_quiet(verdict) && verdict->kind != VERDICT_SIGNAL);

    if (verdict->cpu < 0 && wanted && verdict->kind != VERDICT_FAULT) {
        vcpu_read_state(last_vcpu(machine), verdict);
    }
}

size_t machine_history(struct machine *machine, struct history_line **lines)
{
    struct vcpu_group *group = &machine->vcpus;
    size_t num = 0, i;

    *lines = group->vcpus ? calloc(group->config.num, HISTORY_LEN * sizeof(**lines)) : NULL;
    if (!*lines) {
        return 0;
    }
    for (i = 0; i < group->config.num; i++) {
        num += history_read(&group->vcpus[i].history, (unsigned)i, *lines + num);
    }
    history_sort(*lines, num);
    for (i = 0; i < num; i++) {
        history_locate(*lines + i, board_memory(machine->board), board_io(machine->board));
    }
    return num;
}

void machine_time_line(struct machine *machine, struct time_line *line)
{
    *line = machine->time_line;
    time_line_insert(line, "first output", machine_first_output_ns(machine));
}

void machine_run(struct machine *machine, struct verdict *verdict)
{
    const struct verdict *settled;
    struct error err;
    int result;

    machine->reset_work = (struct loop_work){.run = restart, .opaque = machine};
    result = start(machine, &err);
    if (result == 0) {
        machine_consoles_start(machine);
        arm_timers(machine);
        if (machine->config.start_held) {
            machine_hold(machine, MACHINE_HOLDER_USER);
        }
        time_line_mark(&machine->time_line, "first entry");
        vcpu_group_unpark(&machine->vcpus);
        result = loop_run(&machine->loop);
        if (result < 0) {
            (void)error_set_errno(&err, -result, "event loop");
        }
    }
    if (result < 0) {
        end_with_error(machine, &err);
    }
    vcpu_group_stop(&machine->vcpus);
    vcpu_group_join(&machine->vcpus);
    kvm_ring_drain(&machine->ring);
    machine_look_begin(machine); /* to the end: there will be crash reports and cores */
    time_line_mark(&machine->time_line, "end");
    settled = verdict_settled(&machine->verdict);
    if (settled) {
        *verdict = *settled;
    } else {
        verdict_make(verdict, VERDICT_FAULT, "the event loop ended by itself");
    }
    add_registers(machine, verdict);
    machine_tell(machine, MACHINE_EVENT_END, verdict);
}
