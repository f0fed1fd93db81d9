/*
 * bank_switch.h - a device that changes the memory map: it enables, moves, resizes, re-prioritises
 * and re-aliases regions that the board names, one at a time or many in one transaction, while the
 * machine runs. bank_switch_regs.h says what the guest sees.
 *
 * A change that is refused (by a setter, by a listener, or because it cannot be) leaves everything
 * as it was and gives its errno. A region cannot be made larger than `max_size`, so that its device
 * never sees an offset that it does not know.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch). Commands
 * commit, with the calling vCPU's thread holding this lock and then the core's.
 */
#ifndef ACRE_DEVICES_BANK_SWITCH_H
#define ACRE_DEVICES_BANK_SWITCH_H

#include "devices/bank_switch_regs.h"
#include "devices/device.h"
#include "memory/memory.h"

enum { BANK_SWITCH_REGIONS_MAX = 32 };

/* How a region stands: what the guest reads, and what reset brings back. */
struct bank_switch_state {
    hwaddr addr; /* in its container */
    uint64_t size;
    uint64_t alias_offset;
    int32_t priority;
    bool enabled, readonly, romd;
};

struct bank_switch_region {
    MemoryRegion *mr;  /* mounted; outlives the device */
    uint64_t max_size; /* bytes; UINT64_MAX: it answers at any offset (aliases, containers) */
    struct bank_switch_state initial; /* as it is mounted */
};

struct bank_switch_change {
    unsigned region;
    hwaddr reg; /* BANK_SWITCH_ENABLED.. */
    uint64_t value;
};

struct bank_switch {
    MemoryRegion mr; /* BANK_SWITCH_SIZE */
    MemoryOwner owner;

    /* private */
    struct memory_core *core;
    struct bank_switch_region regions[BANK_SWITCH_REGIONS_MAX];
    struct bank_switch_state states[BANK_SWITCH_REGIONS_MAX]; /* in force */
    unsigned num;
    unsigned selected; /* num: none */
    uint32_t high;
    bool open; /* between BEGIN and COMMIT */
    bool overflow;
    struct bank_switch_change changes[BANK_SWITCH_CHANGES_MAX];
    unsigned change_num;
    uint64_t generation, result, failed;
};

/* Returns: 0; -ENOMEM. A failed init leaves nothing to undo. */
int bank_switch_init(struct bank_switch *dev, struct memory_core *core)
    __attribute__((warn_unused_result));
/*
 * Names the regions, once they are mounted; before that there are none.
 * @regions  copied. @num  0..BANK_SWITCH_REGIONS_MAX.
 * Returns: 0; -EINVAL too many.
 */
int bank_switch_set_regions(struct bank_switch *dev, const struct bank_switch_region *regions,
                            size_t num) __attribute__((warn_unused_result));
/*
 * Every region as it was at first, but for this: of equal priorities, the one that was moved last
 * stays the newest. When that fails, RESULT says why, and they stay as they are.
 */
void bank_switch_reset(struct bank_switch *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void bank_switch_finish(struct bank_switch *dev);

#endif
