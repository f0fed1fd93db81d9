/*
 * i8042.h - the PC's keyboard controller without keyboard or mouse, and port 0x92.
 *
 * Guests use it to reset the machine (command 0xfe, output port bit 0, port 0x92 bit 0) and for the
 * A20 gate, which is remembered and changes nothing: address line 20 is always on. Commands that
 * answer on a PC answer here, and a byte sent to the absent devices gets what a controller gives
 * when nobody acknowledges: 0xfe with the time-out bit. So a driver's probe ends at once instead
 * of waiting for its own time-outs. The auxiliary (mouse) interface tests as broken. The
 * controller's memory is 32 bytes, the first of which is the command byte; no password is
 * installed.
 *
 * Port 0x92: a reset when bit 0 goes from 0 to 1, A20 in bit 1, the lock of bit 3 (remembered until
 * a reset, and nothing is locked) and the lights of bits 6 and 7; the rest is 0.
 *
 * Context: every function under the owner's lock (MemoryRegionOps get it from dispatch).
 * Source: IBM PS/2 Hardware Interface Technical Reference (1988), "Keyboard and Auxiliary Device
 * Controller"; port 0x92: the same, "System Control Port A".
 */
#ifndef ACRE_DEVICES_I8042_H
#define ACRE_DEVICES_I8042_H

#include "devices/device.h"
#include "memory/region.h"

#define I8042_RAM_SIZE 32U

struct i8042_config {
    struct irq_line irq;         /* output buffer full: IRQ 1 */
    struct request_line request; /* DEVICE_REQUEST_RESET */
};

struct i8042 {
    MemoryRegion mr_data;    /* 1 byte: 0x60 */
    MemoryRegion mr_command; /* 1 byte: 0x64; status when read */
    MemoryRegion mr_port92;  /* 1 byte: 0x92 */
    MemoryOwner owner;

    /* private */
    struct i8042_config config;
    uint8_t status;
    uint8_t command_byte;
    uint8_t output_port;
    uint8_t output_buffer;
    uint8_t pending; /* command that waits for its byte at 0x60; 0: none */
    uint8_t port92;
    uint8_t ram[I8042_RAM_SIZE]; /* byte 0 is not used: `command_byte` is it */
    bool irq_level;
};

/* Returns: 0; -ENOMEM. A failed init leaves nothing to undo. */
int i8042_init(struct i8042 *kbc, struct memory_core *core, const struct i8042_config *config)
    __attribute__((warn_unused_result));
void i8042_reset(struct i8042 *kbc);
/* Unmounted, nobody inside; storage lives until memory_core_finish(). Accepts a zeroed device. */
void i8042_finish(struct i8042 *kbc);

#endif
