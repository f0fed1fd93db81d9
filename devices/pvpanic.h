/*
 * pvpanic.h - one port by which a guest says that its kernel panicked, or that it has shut down.
 *
 * Reads give the events it knows, PVPANIC_EVENTS. A byte written raises the request of its lowest
 * bit, each time: bit 0 DEVICE_REQUEST_PANIC, bit 1 DEVICE_REQUEST_CRASH_LOADED, bit 2
 * DEVICE_REQUEST_POWEROFF. Other bits are ignored.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: QEMU's docs/specs/pvpanic.rst, "ISA Interface".
 */
#ifndef ACRE_DEVICES_PVPANIC_H
#define ACRE_DEVICES_PVPANIC_H

#include "devices/device.h"
#include "memory/region.h"

enum {
    PVPANIC_PANICKED = 1 << 0,
    PVPANIC_CRASH_LOADED = 1 << 1,
    PVPANIC_SHUTDOWN = 1 << 2,
    PVPANIC_EVENTS = PVPANIC_PANICKED | PVPANIC_CRASH_LOADED | PVPANIC_SHUTDOWN,
};

struct pvpanic_config {
    struct request_line request;
};

struct pvpanic {
    MemoryRegion mr; /* 1 byte: 0x505 */
    MemoryOwner owner;
    struct pvpanic_config config;
};

/* Returns: 0; -ENOMEM. A failed init leaves nothing to undo. */
int pvpanic_init(struct pvpanic *dev, struct memory_core *core, const struct pvpanic_config *config)
    __attribute__((warn_unused_result));
/* Has no state. */
void pvpanic_reset(struct pvpanic *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void pvpanic_finish(struct pvpanic *dev);

#endif
