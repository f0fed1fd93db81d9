/*
 * core_dump.h - a machine that stands still, written as an ELF core (core_file.h).
 *
 * Context: the loop's thread, no owner's lock held. Takes as long as the disk does.
 */
#ifndef ACRE_VMM_CORE_DUMP_H
#define ACRE_VMM_CORE_DUMP_H

#include "vmm/machine.h"

struct core_dump {
    int fd;           /* open for writing, empty; stays the caller's */
    const char *name; /* for messages */
    hwaddr first, last;
    bool paging; /* memory as a CPU's page tables map it, then by physical address (core_map.h);
                    else, or where no CPU has paging on, by physical address alone */
    int cpu;     /* whose tables, if its paging is on; else the first one's that has; -1: that */
    bool ended;  /* the vCPUs' threads have ended; else the machine is held (machine_control.h) */
};

/* Returns: 0; -errno with err filled: -E2BIG what core_map_paging() says. */
int core_dump_write(struct machine *machine, const struct core_dump *dump, struct error *err)
    __attribute__((warn_unused_result));

#endif
