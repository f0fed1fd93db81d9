/*
 * trace.h - tracing of a running machine: accesses, exits, interrupts, MSRs, changes of the map and
 * of slots, and start-up, as text, JSON lines or Chrome's format, to files or stderr.
 *
 * Each vCPU writes records into a ring of its own, which the loop's thread empties every 100 ms,
 * when one is half full, and at the end; a full ring drops records and the trace says how many. So
 * a slow disk never holds up a guest. Events of several CPUs come out in order of time.
 * What nobody asked for is not recorded: filters are applied by the producer.
 *
 * Accesses that KVM handles itself or collects (its interrupt controllers, eventfds, coalesced
 * zones) leave no exit and no record.
 */
#ifndef ACRE_VMM_TRACE_H
#define ACRE_VMM_TRACE_H

#include "vmm/machine.h"
#include "vmm/trace_spec.h"

struct trace;

enum { TRACE_OUTPUTS_MAX = 8 };

/*
 * Opens the outputs.
 * @specs  copied, but for the names of files. 0 of them: nothing is traced until
 *         trace_set(), and then to stderr.
 * Returns: 0; -errno, err names the file; -ENOMEM.
 */
int trace_new(const struct trace_spec *specs, size_t num, struct trace **trace, struct error *err)
    __attribute__((warn_unused_result));
/* Writes what is left, and closes. Accepts NULL. */
void trace_free(struct trace *trace);

/*
 * From here on events are recorded. Context: the map stands, nothing runs.
 * Returns: 0; -errno with err filled, nothing is recorded then.
 */
int trace_start(struct trace *trace, struct machine *machine, struct error *err)
    __attribute__((warn_unused_result));
/* Nothing more is recorded; writes what is. Context: nothing runs any more. */
void trace_stop(struct trace *trace);

/*
 * Switches events while the machine runs.
 * @item  an event as in `--trace`. On: one that is not there yet goes to the first output. Off:
 *        with filters, the same rule; without, all rules of that event.
 * Returns: 0; -EINVAL, -ENOENT (off: there is none), -ENOSPC with err filled; -errno of KVM.
 * Context: the loop's thread.
 */
int trace_set(struct trace *trace, const char *item, bool on, struct error *err)
    __attribute__((warn_unused_result));

#endif
