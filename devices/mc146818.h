/*
 * mc146818.h - the PC's real-time clock and CMOS RAM: index at port 0x70, data at 0x71.
 *
 * The time of day is what the config says at power-on plus what the device clock has run since;
 * guests may set it. It is computed when somebody looks: no tick each second. One timer is set,
 * only while an interrupt that the guest enabled is still to come: once it has come, nothing more
 * happens until the guest reads register C, so a guest cannot make the host spin.
 *
 * Ten time registers, A-D, and RAM up to 128 bytes. BCD or binary, 12 or 24 hours (changing the
 * format converts nothing, as on the chip). Alarm with don't-care bytes, periodic and update-ended
 * interrupts. Bit 7 of the seconds is read-only, 0. Bit 7 of the index (NMI mask on a PC) is
 * ignored; the index reads 0xff. DSE is stored and does nothing; time runs only with DV = 010, the
 * PC's 32.768 kHz crystal.
 * RAM as a PC's firmware leaves it: memory sizes, century, checksum; the rest is 0.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: Motorola MC146818A data sheet (1984), tables 3-5 and figures 11-16; RAM: IBM PC AT
 * Technical Reference, "CMOS RAM"; 0x34/0x35 and 0x5b-0x5d as QEMU and SeaBIOS use them.
 */
#ifndef ACRE_DEVICES_MC146818_H
#define ACRE_DEVICES_MC146818_H

#include "devices/device.h"
#include "memory/region.h"

#define MC146818_NUM_PORTS 2U /* bytes of its region */
#define MC146818_RAM_SIZE 128U

struct mc146818_config {
    struct irq_line irq;        /* IRQ 8 */
    struct device_clock *clock; /* required */
    int64_t epoch_seconds;      /* at the clock's 0, since 1970-01-01 00:00:00; 0.. (year 9999) */
    uint64_t ram_low_bytes;     /* RAM from address 0 without its holes, at most 4 GiB */
    uint64_t ram_high_bytes;    /* RAM from 4 GiB */
};

struct mc146818 {
    MemoryRegion mr; /* MC146818_NUM_PORTS bytes: 0x70 */
    MemoryOwner owner;

    /* private */
    struct mc146818_config config;
    struct device_timer timer;
    uint8_t index;
    uint8_t ram[MC146818_RAM_SIZE]; /* the registers are its first 14 */
    uint64_t phase_ns;              /* the clock's time when the divider chain was last at 0 */
    uint64_t seen_ns;               /* everything up to here is in `ram` */
    bool irq_level;
};

/* Returns: 0; -EINVAL no clock, or epoch_seconds out of range; -ENOMEM. Nothing to undo then. */
int mc146818_init(struct mc146818 *rtc, struct memory_core *core,
                  const struct mc146818_config *config) __attribute__((warn_unused_result));
/* The RESET pin: interrupts off and flags cleared; time and RAM stand (there is a battery). */
void mc146818_reset(struct mc146818 *rtc);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void mc146818_finish(struct mc146818 *rtc);

#endif
