/*
 * machine_control.h - stopping, continuing and restarting a running machine, and being told of it:
 * what a monitor, a debugger and job control share.
 *
 * A machine runs while nobody holds it. Each holder has one bit, so that a debugger's continue does
 * not let go what the user stopped. While it is held every vCPU stands at the gate with what it
 * served finished, and the virtual clock, --timeout included, stands still.
 *
 * Context: the loop's thread, between the call of config.ready and that of config.finished; no
 * owner's lock is held.
 */
#ifndef ACRE_VMM_MACHINE_CONTROL_H
#define ACRE_VMM_MACHINE_CONTROL_H

#include "vmm/machine.h"

/* Does nothing when this holder holds it already. Waits for the vCPUs (an access at most). */
void machine_hold(struct machine *machine, enum machine_holder holder);
/* Does nothing when this holder does not hold it. */
void machine_release(struct machine *machine, enum machine_holder holder);
/* The holders' bits, 0 when it runs. */
unsigned machine_holders(const struct machine *machine);

/*
 * Restarts the guest as a reset does with --reboot, whether that was given or not; takes effect
 * when the loop is next idle. A machine that is held stays so, at its entry point.
 * Returns: 0; -EOPNOTSUPP the machine was made without config.restartable.
 */
int machine_restart(struct machine *machine) __attribute__((warn_unused_result));

/* Ends the run with VERDICT_QUIT. */
void machine_quit(struct machine *machine);

/*
 * Between these, guest memory is what the guest made it: a debugger's breakpoints are out of it.
 * For who reads memory, or writes the guest's images. Nests. Cost: nothing when there are none;
 * else the vCPUs are paused meanwhile.
 */
void machine_look_begin(struct machine *machine);
void machine_look_end(struct machine *machine);

/*
 * Adds and takes away who is told of events; the storage stays the caller's. Observers may call
 * everything here but machine_observe() and machine_unobserve() from within.
 */
void machine_observe(struct machine *machine, struct machine_observer *observer);
void machine_unobserve(struct machine *machine, struct machine_observer *observer);

/*
 * Adds and takes away who is told of interrupt lines; the storage stays the caller's.
 * Context: as above, and no vCPU runs (before the first, after the last, or paused).
 */
void machine_tap_irqs(struct machine *machine, struct machine_irq_tap *tap);
void machine_untap_irqs(struct machine *machine, struct machine_irq_tap *tap);

#endif
