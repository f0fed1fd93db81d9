/*
 * profiled.c - accesses of known numbers, each from a function of its own, for the profiler's
 * tests: to a port and a memory address where nobody answers, and to a register of the serial port.
 */
#include "guest/lib/guest.h"

#define PORT_EMPTY 0x4e
#define PORT_READS 812
#define MEMORY_EMPTY 0xd0000000
#define MEMORY_WRITES 37
#define SCRATCH (SERIAL_PORT + SERIAL_SCR)
#define SCRATCH_READS 100
#define ITEMS 16

static __attribute__((noinline)) void probe_super_io(void)
{
    for (unsigned i = 0; i < PORT_READS; i++) {
        (void)inb(PORT_EMPTY);
    }
}

static __attribute__((noinline)) void write_nowhere(void)
{
    for (unsigned i = 0; i < MEMORY_WRITES; i++) {
        mmio_write32(MEMORY_EMPTY, i);
    }
}

static __attribute__((noinline)) void read_scratch(void)
{
    static uint8_t items[ITEMS];

    for (unsigned i = 0; i < SCRATCH_READS; i++) {
        (void)inb(SCRATCH);
    }
    insb(SCRATCH, items, ITEMS);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    probe_super_io();
    write_nowhere();
    read_scratch();
    return GUEST_EXIT_PASS;
}
