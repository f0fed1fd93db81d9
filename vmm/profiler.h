/*
 * profiler.h - a run's profile: what its vCPUs came out of the guest for, interrupts, changes of
 * the map, and KVM's own counters. On with --stats, and for the monitor.
 *
 * Each vCPU's exits go into its own struct profile; a report stops the vCPUs for as long as adding
 * these up takes (tens of microseconds for what a kernel touches).
 *
 * Context: the loop's thread, unless it says otherwise.
 */
#ifndef ACRE_VMM_PROFILER_H
#define ACRE_VMM_PROFILER_H

#include "vmm/machine.h"
#include "vmm/profile.h"
#include "vmm/symbols.h"

/* A profile as others read it. */
struct profile_report {
    struct profile *sum; /* of all vCPUs */
    unsigned cpu_num;
    uint64_t *cpu_exits; /* of each */
    uint64_t elapsed_ns; /* since the profile began */
    double ns_per_tick;
    uint64_t irqs[MACHINE_IRQ_NUM]; /* how often each line rose */
    uint64_t commits;               /* changes of the memory map since it stood */
    uint64_t slot_changes, slot_ioctls;
    uint64_t ioctls;               /* all of KVM's but KVM_RUN */
    json_t *kvm;                   /* {"vm": {...}, "cpus": [{...}...]}, as kvm_stats.h has them */
    json_t *time_line;             /* as time_line.h has it */
    const struct symbols *symbols; /* of the kernel; NULL: none; outlives the report */
};

/*
 * Begins to count; machine->profiler is set. Returns: 0; -ENOMEM; -errno of the listener.
 * Context: config.ready of the machine.
 */
int profiler_start(struct machine *machine, struct error *err) __attribute__((warn_unused_result));
/* Ends it. Accepts a machine without one. Context: no vCPU runs. */
void profiler_finish(struct machine *machine);

/*
 * What there is so far. Returns: 0; -ENOENT the run has no profiler; -ENOMEM; err is filled.
 * @report  for profile_report_finish() after a success.
 */
int profiler_report(struct machine *machine, struct profile_report *report, struct error *err)
    __attribute__((warn_unused_result));
/* Accepts a zeroed one. */
void profile_report_finish(struct profile_report *report);

#endif
