/*
 * service.h - what looks at or steers a running machine from outside of it: listings, monitors,
 * debuggers, traces. Each is asked for by an option and is one entry of services.c's table.
 *
 * open() runs with the user's privileges, before the machine is made; start() when its map stands,
 * after privileges were dropped and before system calls are filtered and threads start; stop()
 * when the verdict is known and no vCPU runs; close() after the machine is gone.
 *
 * Context: all on the process's first thread, which is the loop's.
 */
#ifndef ACRE_VMM_SERVICE_H
#define ACRE_VMM_SERVICE_H

#include "vmm/machine.h"
#include "vmm/options.h"

struct service {
    /*
     * Opens what the options name. *state stays NULL when the service was not asked for: none of
     * the others is then called. Returns: 0; -errno with err filled and nothing left open.
     */
    int (*open)(const struct run_options *options, void **state, struct error *err);
    /* Returns: 0; -errno with err filled; stop() is then not called, close() is. May be NULL. */
    int (*start)(void *state, struct machine *machine, struct error *err);
    void (*stop)(void *state); /* may be NULL */
    void (*close)(void *state);
    bool restarts; /* may call machine_restart() */
};

enum { SERVICE_NUM_MAX = 16 };

/* The services of one run. */
struct services {
    void *states[SERVICE_NUM_MAX];
    unsigned started; /* the first so many of the table */
};

/* On failure everything is closed again. */
int services_open(struct services *services, const struct run_options *options, struct error *err)
    __attribute__((warn_unused_result));
/* Some service that was asked for may restart the machine. */
bool services_restart(const struct services *services);
/* On failure those that were started are stopped again. */
int services_start(struct services *services, struct machine *machine, struct error *err)
    __attribute__((warn_unused_result));
/* In reverse order. */
void services_stop(struct services *services);
void services_close(struct services *services);

/* The services, for the table; each from the file named after it. */
extern const struct service debug_service;
extern const struct service gdb_service;
extern const struct service watch_service;
extern const struct service pagemap_service;
extern const struct service trace_service;
extern const struct service save_dir_service;
extern const struct service core_service; /* core_service.c */
extern const struct service stats_service;
extern const struct service monitor_service; /* monitor.c */

#endif
