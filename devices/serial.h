/*
 * serial.h - a 16550A UART: eight byte-wide registers, 16-byte FIFOs, one interrupt output.
 *
 * Output goes to a byte sink at once, whatever the baud rate says, so that guests are not slowed;
 * when the sink is full the bytes wait in the transmitter and THRE and TEMT stay clear until
 * serial_writable(). Input is taken only as far as there is room (serial_receive() says how far),
 * so none is lost unless the guest itself asks for it (FIFO reset, loopback overrun).
 *
 * Choices where the data sheet leaves one, or where a PC differs:
 *  - OUT2 does not gate the interrupt (a PC's card does, guests without firmware rely on neither).
 *  - Characters to and from the host are 8 bits wide: word length, parity and stop bits set the
 *    character time. (At power-on words have 5 bits, and kernels that print without setting a port
 *    up are many.) In loopback, where the guest hears itself, a word has the bits that LCR says.
 *  - A break sent by the guest (LCR bit 6) is not passed on: the sink has no word for it. What is
 *    written to the transmitter meanwhile is timing only, as on the chip, and not sent.
 *  - In loopback the receiver input is cut off; serial_receive() then takes nothing.
 *  - A divisor of 0 counts as 1. Power-on has a divisor of 1 (115,200 baud from 1.8432 MHz).
 *  - CTS, DSR and DCD are asserted, RI is not.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: National Semiconductor PC16550D data sheet (June 1995), section 8 "Registers",
 * tables II-IV.
 */
#ifndef ACRE_DEVICES_SERIAL_H
#define ACRE_DEVICES_SERIAL_H

#include "devices/device.h"
#include "memory/region.h"

#define SERIAL_FIFO_SIZE 16U
#define SERIAL_CLOCK_HZ 1843200U
#define SERIAL_NUM_PORTS 8U /* bytes of its region */

/* A zeroed irq, sink or hook goes nowhere. */
struct serial_config {
    const char *name; /* of region and owner; lives as long as the device; NULL: "serial" */
    struct irq_line irq;
    struct byte_sink sink;
    struct device_clock *clock; /* required */
    uint32_t clock_hz;          /* input clock; 0: SERIAL_CLOCK_HZ */
    /*
     * There is room again after a serial_receive() that took less than it was offered. Called once
     * for each such refusal; must not call back into the device.
     */
    void (*can_receive)(void *opaque);
    void *opaque;
};

struct serial_char {
    uint8_t data;
    uint8_t errors; /* LSR bits BI, FE, PE that come with it, until it is at the top */
};

struct serial {
    MemoryRegion mr; /* SERIAL_NUM_PORTS bytes, for the board to mount */
    MemoryOwner owner;

    /* private */
    struct serial_config config;
    struct device_timer timeout; /* character time-out; armed only where it could raise the irq */
    uint64_t timeout_armed_ns;   /* its deadline; 0: not armed */
    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    uint8_t msr_delta;  /* low nibble of MSR */
    uint8_t lsr_errors; /* OE, PE, FE, BI: what an LSR read clears */
    uint8_t rbr;        /* read when the receiver is empty: the last character */
    bool thre_pending;  /* the THRE interrupt's latch */
    bool irq_level;
    bool receive_refused; /* owes a can_receive() */
    struct serial_char rx[SERIAL_FIFO_SIZE];
    unsigned rx_first, rx_num;
    uint64_t rx_timeout_ns; /* the time-out is due from here on; counts while rx_num > 0 */
    uint8_t tx[SERIAL_FIFO_SIZE];
    unsigned tx_num;
    uint64_t tx_lost;
};

/*
 * @core    outlives the device.
 * @config  copied.
 * Returns: 0; -EINVAL no clock; -ENOMEM. A failed init leaves nothing to undo.
 */
int serial_init(struct serial *s, struct memory_core *core, const struct serial_config *config)
    __attribute__((warn_unused_result));
/* Power-on state: FIFOs empty and off, interrupts off. Bytes the sink has not taken are gone. */
void serial_reset(struct serial *s);
/*
 * Drops the region's first reference; its storage must live until memory_core_finish(). The region
 * is unmounted and nobody is inside. Accepts a zeroed device.
 */
void serial_finish(struct serial *s);

/*
 * Characters that arrive at the receiver, in order.
 * Returns: how many were taken, 0..len. When fewer than len, can_receive() follows once.
 */
size_t serial_receive(struct serial *s, const uint8_t *data, size_t len);
/* A break arrives: one null character with BI and FE. Overruns when there is no room for it. */
void serial_receive_break(struct serial *s);
/* The sink takes bytes again: call after a write to it that took less than it was offered. */
void serial_writable(struct serial *s);
/* Bytes so far that the guest wrote to a transmitter that had no room (it ignored THRE). */
uint64_t serial_tx_lost(const struct serial *s);

#endif
