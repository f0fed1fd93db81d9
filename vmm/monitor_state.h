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

/* Presses the power button. 0; -ENODEV the board has none, err. */
int monitor_powerdown(struct machine *machine, struct error *err)
    __attribute__((warn_unused_result));
/* The RAM blocks in QEMU's layout. qmp_map.c. */
void monitor_print_blocks(struct machine *machine, struct memory_sink *sink);

#endif
