/*
 * acpi_pm.h - ACPI's fixed registers: power-management events, sleep control, timer; and reset.
 *
 * mr is the block that guests expect at 0x600: PM1a_EVT_BLK (status at 0, enable at 2),
 * PM1a_CNT_BLK (at 4), PM_TMR_BLK (at 8). Accesses of 1, 2 and 4 bytes, at any place; each sees all
 * bytes as of one moment. Bytes 6 and 7 read 0.
 *  - PM1 control: a write with SLP_EN and the SLP_TYP of soft-off raises DEVICE_REQUEST_POWEROFF.
 *    SLP_TYP 0 and 5..7 are soft-off; other sleeps do not exist here and do nothing. SLP_EN and
 *    GBL_RLS read 0; SCI_EN reads 1, since there is no system-management mode that could have the
 *    interrupt instead; BM_RLD and SLP_TYP read as written.
 *  - PM timer: read-only, 3.579545 MHz from 0 at reset, 24 or 32 bits wide. Nothing is ticked.
 *  - PM1 status: TMR_STS is set when the timer's highest bit changes, PWRBTN_STS when the host
 *    presses the power button; writing 1 clears them. Nothing else is ever set: the real-time clock
 *    wakes nobody.
 *  - PM1 enable: TMR_EN, GBL_EN, PWRBTN_EN, SLPBTN_EN, RTC_EN read as written.
 * The SCI line is TMR_STS and TMR_EN, or PWRBTN_STS and PWRBTN_EN. For the timer the host is woken
 * once, then not until it is cleared.
 *
 * mr_reset_control is the chip set's reset control register. Its region is the four bytes from
 * 0xcf8, of which it answers byte accesses to 0xcf9 alone: a PCI scan's 32-bit write to 0xcf8 must
 * not reset the machine. Everything else there reads all ones and ignores writes. Bit 2 going from
 * 0 to 1 raises DEVICE_REQUEST_RESET, whatever kind of reset bits 1 and 3 ask for.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: ACPI Specification 6.5, 4.8.3 "Fixed Hardware Registers" and 4.8.2.1 "PM timer"; Intel
 * ICH10 data sheet 319973, 13.7.5 "RST_CNT" and 13.8.3; SLP_TYP values as on QEMU's PC machines.
 */
#ifndef ACRE_DEVICES_ACPI_PM_H
#define ACRE_DEVICES_ACPI_PM_H

#include "devices/device.h"
#include "memory/region.h"

#define ACPI_PM_SIZE 12U              /* bytes of mr */
#define ACPI_PM_RESET_CONTROL_SIZE 4U /* bytes of mr_reset_control, from 0xcf8 */
#define ACPI_PM_TIMER_HZ 3579545U

struct acpi_pm_config {
    struct irq_line sci;        /* IRQ 9, level-triggered */
    struct device_clock *clock; /* required */
    struct request_line request;
    unsigned timer_bits; /* 24 or 32 */
};

struct acpi_pm {
    MemoryRegion mr;
    MemoryRegion mr_reset_control;
    MemoryOwner owner;

    /* private */
    struct acpi_pm_config config;
    struct device_timer timer;
    uint64_t epoch_ns;   /* the clock's time when the timer was 0 */
    uint64_t seen_ticks; /* carries up to here are in `status` */
    uint16_t status, enable, control;
    uint8_t reset_control;
    bool sci_level;
};

/* Returns: 0; -EINVAL no clock, or timer_bits; -ENOMEM. A failed init leaves nothing to undo. */
int acpi_pm_init(struct acpi_pm *pm, struct memory_core *core, const struct acpi_pm_config *config)
    __attribute__((warn_unused_result));
void acpi_pm_reset(struct acpi_pm *pm);
/* Somebody presses the power button: what comes of it is for the guest to decide. */
void acpi_pm_press_power(struct acpi_pm *pm);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void acpi_pm_finish(struct acpi_pm *pm);

#endif
