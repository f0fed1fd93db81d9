/*
 * machine_control.c - who holds the machine is a set of bits; the vCPUs and the clock follow its
 * changes between empty and not.
 */
#include "vmm/machine_control.h"

#include <errno.h>

#include "vmm/machine_parts.h"

void machine_tell(struct machine *machine, enum machine_event event, const struct verdict *verdict)
{
    struct machine_observer *observer;

    for (observer = machine->observers; observer; observer = observer->next) {
        observer->event(observer->opaque, event, verdict);
    }
}

void machine_hold(struct machine *machine, enum machine_holder holder)
{
    unsigned before = machine->holders;

    machine->holders |= (unsigned)holder;
    if (before == 0) {
        vcpu_group_pause(&machine->vcpus);
        vclock_stop(&machine->clock);
        kvm_ring_drain(&machine->ring);
        machine_tell(machine, MACHINE_EVENT_STOP, NULL);
    }
}

void machine_release(struct machine *machine, enum machine_holder holder)
{
    unsigned before = machine->holders;

    machine->holders &= ~(unsigned)holder;
    if (before != 0 && machine->holders == 0) {
        machine_tell(machine, MACHINE_EVENT_RESUME, NULL);
        vclock_resume(&machine->clock);
        vcpu_group_unpark(&machine->vcpus);
    }
}

unsigned machine_holders(const struct machine *machine)
{
    return machine->holders;
}

int machine_restart(struct machine *machine)
{
    if (!machine->config.restartable) {
        return -EOPNOTSUPP;
    }
    machine_ask_restart(machine);
    return 0;
}

void machine_quit(struct machine *machine)
{
    struct verdict verdict;

    verdict_make(&verdict, VERDICT_QUIT, "ended by the user");
    machine_end(machine, &verdict);
}

static void hide_breakpoints(const struct machine *machine, bool hidden)
{
    const struct machine_debugger *debugger = machine->debugger;

    if (debugger) {
        debugger->hide(debugger->opaque, hidden);
    }
}

void machine_look_begin(struct machine *machine)
{
    hide_breakpoints(machine, true);
}

void machine_look_end(struct machine *machine)
{
    hide_breakpoints(machine, false);
}

void machine_observe(struct machine *machine, struct machine_observer *observer)
{
    observer->next = machine->observers;
    machine->observers = observer;
}

void machine_unobserve(struct machine *machine, struct machine_observer *observer)
{
    struct machine_observer **link = &machine->observers;

    while (*link && *link != observer) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = observer->next;
    }
}

void machine_tap_irqs(struct machine *machine, struct machine_irq_tap *tap)
{
    tap->next = machine->irq_taps;
    machine->irq_taps = tap;
}

void machine_untap_irqs(struct machine *machine, struct machine_irq_tap *tap)
{
    struct machine_irq_tap **link = &machine->irq_taps;

    while (*link && *link != tap) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = tap->next;
    }
}
