/*
 * debugcon.h - the debug console at port 0xe9: bytes written go to a sink, reads give 0xe9.
 *
 * There is no flow control: what the sink does not take is dropped and counted. The region is
 * marked for coalescing, so KVM may hold writes back in its ring; whoever owns the ring delivers
 * them in order.
 *
 * Context: every function under the owner's lock (dispatch takes it).
 * Source: Bochs, "port_e9_hack"; guests tell its presence by reading the port's own number.
 */
#ifndef ACRE_DEVICES_DEBUGCON_H
#define ACRE_DEVICES_DEBUGCON_H

#include "devices/device.h"
#include "memory/region.h"

#define DEBUGCON_READBACK 0xe9U

struct debugcon_config {
    struct byte_sink sink;
};

struct debugcon {
    MemoryRegion mr; /* 1 byte: 0xe9 */
    MemoryOwner owner;

    /* private */
    struct byte_sink sink;
    uint64_t dropped;
};

/* Returns: 0; -ENOMEM, or what marking for coalescing said. Nothing to undo then. */
int debugcon_init(struct debugcon *dev, struct memory_core *core,
                  const struct debugcon_config *config) __attribute__((warn_unused_result));
/* It has no state that a guest sees: nothing happens, the count goes on. */
void debugcon_reset(struct debugcon *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void debugcon_finish(struct debugcon *dev);

/* Bytes dropped since init. */
uint64_t debugcon_dropped(const struct debugcon *dev);

#endif
