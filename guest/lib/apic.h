/*
 * apic.h - the local APIC in xAPIC mode, the I/O APIC, and further CPUs.
 *
 * Every CPU has its own LAPIC at the same address. Source: Intel SDM vol. 3A ch. 10 (10.5.4.1
 * TSC-deadline) and 8.4; 82093AA I/O APIC
 * data sheet, 3.
 */
#ifndef ACRE_GUEST_LIB_APIC_H
#define ACRE_GUEST_LIB_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Does CPUID announce one, switched on by IA32_APIC_BASE? */
bool lapic_present(void);
uint8_t lapic_version(void);
uint8_t lapic_id(void);
/* Switches this CPU's on. @pic  the PIC's interrupts reach the CPU through it (LINT0) */
void lapic_enable(bool pic);
void lapic_eoi(void);
/* A fixed interrupt to the CPU with that APIC id. @vector  48..62 */
void lapic_send(uint8_t id, unsigned vector);
/* Counts down from `count` at bus clock / 16, once or over and over, then `vector`. */
void lapic_timer_start(unsigned vector, uint32_t count, bool periodic);
/* Returns once a tick that was pending has been served. Context: interrupts off. */
void lapic_timer_stop(unsigned vector);
/* Does CPUID announce the timer's TSC-deadline mode? */
bool lapic_deadline_present(void);
/* One interrupt once the TSC has reached `tsc`. */
void lapic_deadline_start(unsigned vector, uint64_t tsc);

/* A non-maskable interrupt (vector 2) to the CPU with that APIC id. */
void lapic_send_nmi(uint8_t id);
/* The task priority: interrupts of vectors up to priority * 16 + 15 wait. @priority  0..15 */
void lapic_set_priority(unsigned priority);

/* The I/O APIC at its usual place; an interrupt's EOI is the LAPIC's (vectors from 48 on). */
enum ioapic_flags { IOAPIC_LEVEL = 1 << 15, IOAPIC_REMOTE_IRR = 1 << 14, IOAPIC_MASKED = 1 << 16 };
/* Input `pin` (0..23) gives `vector` to the CPU with that APIC id. @flags  LEVEL, MASKED */
void ioapic_route(unsigned pin, unsigned vector, unsigned flags, uint8_t id);
/* The low half of the pin's entry, as it reads. */
uint32_t ioapic_entry(unsigned pin);

/*
 * Starts the CPU with that APIC id by INIT and SIPI; it runs entry(number) with interrupts off and
 * this program's IDT, on a stack of its own of 4 KiB, then halts. `number` counts the started CPUs
 * from 1.
 * @entry  the same for all calls
 * Returns: false when the CPU has not shown up after 2 s, or AP_MAX are running already.
 */
bool cpu_start(uint8_t id, void (*entry)(unsigned number));

#endif
