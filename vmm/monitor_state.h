/*
 * monitor_state.h - what the two kinds of commands do alike.
 *
 * Context: the loop's thread.
 */
#ifndef ACRE_VMM_MONITOR_STATE_H
#define ACRE_VMM_MONITOR_STATE_H

#include "vmm/machine.h"

/* QEMU's word for how the machine is: "running", "paused", "prelaunch", "debug". */
const char *monitor_status(struct machine *machine);
/* Restarts it, and remembers for the event that it was asked for here. 0; -EOPNOTSUPP, err. */
int monitor_reset(struct machine *machine, struct error *err) __attribute__((warn_unused_result));
/* Ends the run; likewise. */
void monitor_quit(struct machine *machine);

#endif
