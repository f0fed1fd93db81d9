/*
 * shutdown.h - how a guest switches its machine off or resets it: PM1a control and reset control.
 *
 * mr_pm1_control is ACPI's PM1a_CNT_BLK (guests expect it at 0x604): a write with SLP_EN and the
 * SLP_TYP of soft-off raises DEVICE_REQUEST_POWEROFF. SLP_TYP 0 and 5..7 are soft-off; other
 * sleeps do not exist here and do nothing. SLP_EN reads 0, the rest as written.
 *
 * mr_reset_control is the chip set's reset control register. Its region is the four bytes from
 * 0xcf8, of which it answers byte accesses to 0xcf9 alone: a PCI scan's 32-bit write to 0xcf8 must
 * not reset the machine. Everything else there reads all ones and ignores writes. Bit 2 going from
 * 0 to 1 raises DEVICE_REQUEST_RESET, whatever kind of reset bits 1 and 3 ask for.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: ACPI Specification 6.5, 4.8.3.2.1 "PM1 Control Registers"; Intel ICH10 data sheet
 * 319973, 13.7.5 "RST_CNT"; SLP_TYP values as on QEMU's PC machines.
 */
#ifndef ACRE_DEVICES_SHUTDOWN_H
#define ACRE_DEVICES_SHUTDOWN_H

#include "devices/device.h"
#include "memory/region.h"

#define SHUTDOWN_PM1_CONTROL_SIZE 2U   /* bytes of mr_pm1_control */
#define SHUTDOWN_RESET_CONTROL_SIZE 4U /* bytes of mr_reset_control, from 0xcf8 */

struct shutdown_config {
    struct request_line request;
};

struct shutdown {
    MemoryRegion mr_pm1_control;
    MemoryRegion mr_reset_control;
    MemoryOwner owner;

    /* private */
    struct request_line request;
    uint16_t pm1_control;
    uint8_t reset_control;
};

/* Returns: 0; -ENOMEM. A failed init leaves nothing to undo. */
int shutdown_init(struct shutdown *dev, struct memory_core *core,
                  const struct shutdown_config *config) __attribute__((warn_unused_result));
void shutdown_reset(struct shutdown *dev);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void shutdown_finish(struct shutdown *dev);

#endif
