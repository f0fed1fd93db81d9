/*
 * monitor_irq.h - the state of KVM's interrupt controllers as numbers and names.
 *
 * Source: Intel 8259A data sheet; Intel 82093AA (I/O APIC) data sheet, 3.2.4; api.rst 4.26
 * KVM_GET_IRQCHIP.
 */
#ifndef ACRE_VMM_MONITOR_IRQ_H
#define ACRE_VMM_MONITOR_IRQ_H

#include "vmm/machine.h"

/* One input of the I/O APIC: a redirection entry, taken apart. */
struct ioapic_pin {
    uint8_t vector, dest;
    const char *delivery_mode; /* "fixed", "lowest", "smi", "nmi", "init", "extint", "reserved" */
    bool logical, pending, low, remote_irr, level, masked;
};

struct ioapic_pin ioapic_pin_decode(uint64_t entry);

/* Context: the loop's thread. Returns: 0; -ENODEV the board has none; -errno; err is filled. */
int monitor_irqchips(struct machine *machine, struct x86_irqchips *state, struct error *err)
    __attribute__((warn_unused_result));

#endif
