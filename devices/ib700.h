/*
 * ib700.h - the watchdog of iBASE's IB700 boards, which QEMU has as well.
 *
 * A byte written to mr_start (0x443) starts it, or starts it again: bits 3..0 are the time until it
 * expires, 30 s for 0, two seconds less for each step, and at once for 15. Any byte written to
 * mr_stop (0x441) stops it. When it expires it stops by itself and raises DEVICE_REQUEST_WATCHDOG
 * with the configured action. Both regions have two bytes, the second as the first; reads give all
 * ones. The time is the clock's, so it waits while the VM is stopped.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: iBASE IB700 user's manual, "Watchdog Timer Configuration" (0x441, 0x443 and the table).
 */
#ifndef ACRE_DEVICES_IB700_H
#define ACRE_DEVICES_IB700_H

#include "devices/device.h"
#include "memory/region.h"

#define IB700_NUM_PORTS 2U /* bytes of each region */

struct ib700_config {
    struct device_clock *clock; /* required */
    struct request_line request;
    enum device_watchdog_action action;
};

struct ib700 {
    MemoryRegion mr_stop;  /* IB700_NUM_PORTS bytes: 0x441 */
    MemoryRegion mr_start; /* IB700_NUM_PORTS bytes: 0x443 */
    MemoryOwner owner;

    /* private */
    struct ib700_config config;
    struct device_timer timer;
    bool running;
};

/* Returns: 0; -EINVAL no clock; -ENOMEM. A failed init leaves nothing to undo. */
int ib700_init(struct ib700 *dog, struct memory_core *core, const struct ib700_config *config)
    __attribute__((warn_unused_result));
void ib700_reset(struct ib700 *dog);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void ib700_finish(struct ib700 *dog);

#endif
