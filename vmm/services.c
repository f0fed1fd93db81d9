/*
 * services.c - the table of services, in the order they are opened and started, and the walks
 * over it.
 */
#include "vmm/service.h"

#include <string.h>

static const struct service *const table[] = {
    &debug_service,   &trace_service, /* before those that change the map */
    &watch_service,   &pagemap_service, &save_dir_service,
    &core_service,    &stats_service, /* before those that show it */
    &monitor_service, &gdb_service,
};
enum { SERVICE_NUM = sizeof(table) / sizeof(table[0]) };
_Static_assert((int)SERVICE_NUM <= (int)SERVICE_NUM_MAX, "states has room for all");

int services_open(struct services *services, const struct run_options *options, struct error *err)
{
    unsigned i;
    int ret = 0;

    *services = (struct services){.started = 0};
    for (i = 0; i < SERVICE_NUM && ret == 0; i++) {
        ret = table[i]->open(options, &services->states[i], err);
    }
    if (ret < 0) {
        services_close(services);
    }
    return ret;
}

bool services_restart(const struct services *services)
{
    unsigned i;

    for (i = 0; i < SERVICE_NUM; i++) {
        if (services->states[i] && table[i]->restarts) {
            return true;
        }
    }
    return false;
}

int services_start(struct services *services, struct machine *machine, struct error *err)
{
    int ret = 0;

    while (services->started < SERVICE_NUM && ret == 0) {
        unsigned i = services->started;

        if (services->states[i] && table[i]->start) {
            ret = table[i]->start(services->states[i], machine, err);
        }
        services->started += ret == 0;
    }
    if (ret < 0) {
        services_stop(services);
    }
    return ret;
}

void services_stop(struct services *services)
{
    while (services->started > 0) {
        unsigned i = --services->started;

        if (services->states[i] && table[i]->stop) {
            table[i]->stop(services->states[i]);
        }
    }
}

void services_close(struct services *services)
{
    unsigned i;

    for (i = SERVICE_NUM; i-- > 0;) {
        if (services->states[i]) {
            table[i]->close(services->states[i]);
            services->states[i] = NULL;
        }
    }
}
