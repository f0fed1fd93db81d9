/*
 * debug_exit.h - a port by which the guest ends the machine with a status of its choice.
 *
 * A write of any size at any offset of its region raises DEVICE_REQUEST_EXIT with the raw value
 * written (the reader of the request decides what exit status that makes). Reads give 0.
 *
 * Context: under the owner's lock (dispatch takes it).
 * Source: the interface of QEMU's isa-debug-exit (iobase, iosize).
 */
#ifndef ACRE_DEVICES_DEBUG_EXIT_H
#define ACRE_DEVICES_DEBUG_EXIT_H

#include "devices/device.h"
#include "memory/region.h"

struct debug_exit_config {
    struct request_line request;
    unsigned iosize; /* bytes of its region: 1, 2 or 4; wider writes are cut to it */
};

struct debug_exit {
    MemoryRegion mr; /* iosize bytes */
    MemoryOwner owner;

    /* private */
    struct request_line request;
};

/* Returns: 0; -EINVAL iosize; -ENOMEM. A failed init leaves nothing to undo. */
int debug_exit_init(struct debug_exit *dev, struct memory_core *core,
                    const struct debug_exit_config *config) __attribute__((warn_unused_result));
/* It has no state: nothing happens. */
void debug_exit_reset(struct debug_exit *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void debug_exit_finish(struct debug_exit *dev);

#endif
