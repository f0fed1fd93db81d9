/*
 * machine_parts.h - what the machine*.c files share. Private to them.
 */
#ifndef ACRE_VMM_MACHINE_PARTS_H
#define ACRE_VMM_MACHINE_PARTS_H

#include "vmm/machine.h"

/* Places the images and sets the first CPU's registers. Also after a reset. */
int machine_place(struct machine *machine, struct error *err) __attribute__((warn_unused_result));

/* Restarts the guest from the loop; once, however often it is asked. Any thread. */
void machine_ask_restart(struct machine *machine);
/* Calls the observers. */
void machine_tell(struct machine *machine, enum machine_event event, const struct verdict *verdict);

/*
 * Hands eventfds and coalesced zones to KVM. They spare exits and change nothing else: dispatch
 * serves both as well. But with an irqchip each zone costs KVM milliseconds when the VM ends, so
 * only a guest that lives for a while gets them. Context: the loop's thread.
 */
void machine_make_events(struct machine *machine);

/* How the memory core and the slots reach the machine: a change that breaks the map ends the run.
 */
struct memory_core_config machine_core_config(struct machine *machine);
struct kvm_slots_config machine_slots_config(struct machine *machine);

/* How devices, console and vCPUs reach the running machine. */
struct request_line machine_requests(struct machine *machine);
/*
 * The host ends of the ports: opened before privileges go, consoles made of them once there is a
 * loop, connected to the board by `host`. machine_console.c.
 */
int machine_consoles_open(struct machine *machine, struct error *err)
    __attribute__((warn_unused_result));
int machine_consoles_init(struct machine *machine, struct error *err)
    __attribute__((warn_unused_result));
void machine_consoles_connect(struct machine *machine, struct board_host *host);
void machine_consoles_start(struct machine *machine);
/* Flushes and ends them; what was opened stays open. Accepts what was never made. */
void machine_consoles_finish(struct machine *machine);
void machine_consoles_close(struct machine *machine);
/* The one that has stdio; NULL: none. */
struct console *machine_stdio(struct machine *machine);
/* Of all of them, as console_first_output_ns(). */
uint64_t machine_first_output_ns(struct machine *machine);
/* Is that a terminal? Not any more, once it has hung up. */
bool machine_has_terminal(struct machine *machine);
/* Signals arrive through the loop; to call before any thread starts. */
int machine_watch_signals(struct machine *machine, struct error *err)
    __attribute__((warn_unused_result));
void machine_vcpu_ended(void *opaque, const struct verdict *verdict);
void machine_vcpu_debugged(void *opaque, struct vcpu *vcpu);
void machine_vcpu_conceal(void *opaque, uint64_t gpa, uint8_t *byte);

#endif
