/*
 * time.h - the time stamp counter, the i8254 and the real-time clock.
 *
 * Sources: Intel SDM vol. 2 (CPUID 15H), vol. 3B 18.17; Intel 8254 data sheet; Motorola MC146818A
 * data sheet.
 */
#ifndef ACRE_GUEST_LIB_TIME_H
#define ACRE_GUEST_LIB_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/lib/interrupt.h"

#define PIT_HZ 1193182
#define PIT_IRQ 0

/*
 * The TSC's rate: from CPUID 15H, from the hypervisor's leaf 40000010H, or measured against PIT
 * channel 2; else a guess of 1 GHz. Found once.
 * @source  where it comes from; may be NULL
 */
uint64_t tsc_khz(const char **source);

/* Microseconds since the TSC was that. */
uint64_t us_since(uint64_t tsc);

struct deadline {
    uint64_t tsc;
};
struct deadline deadline_ms(unsigned ms);
bool deadline_passed(const struct deadline *deadline);
void delay_ms(unsigned ms);

bool pit_present(void);
/* Access low byte then high byte, binary. @channel 0..2  @mode 0..5  @count 0: 65536 */
void pit_start(unsigned channel, unsigned mode, uint16_t count);
/* Another count, as pit_start() takes it, for the mode that the channel is in. */
void pit_set_count(unsigned channel, uint16_t count);
/*
 * Channel 0 with its interrupt on. A tick kept from before, and the edge that programming a mode
 * may give by itself, are let in and forgotten first. Needs a PIC. End it by irq_disable(PIT_IRQ).
 * Context: interrupts off.
 */
void pit_ticks_start(unsigned mode, uint16_t count, interrupt_handler *handler, void *opaque);
/* The running count, latched. */
uint16_t pit_count(unsigned channel);
/* The status byte, by read-back: bit 7 OUT, bit 6 null count, 5..0 as programmed. */
uint8_t pit_status(unsigned channel);

bool rtc_present(void);
struct rtc_time {
    unsigned year, month, day, hour, minute, second; /* as people write them */
};
/* Returns: false when the clock was never outside an update within 2 s. */
bool rtc_read(struct rtc_time *time);
/* The clock chip's battery-backed bytes. @index  0x0e..0x7f */
uint8_t cmos_read(uint8_t index);
void cmos_write(uint8_t index, uint8_t value);

#endif
