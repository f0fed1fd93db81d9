/*
 * memory_device.h - a device of 64 byte-wide registers that writes down every callback.
 *
 * Whatever its byte order, its register bytes are what a guest's buffer must hold: byte n of a read
 * is regs[addr + n]. So a test need not know how an access was split to say what it must give.
 */
#ifndef ACRE_TESTS_MEMORY_DEVICE_H
#define ACRE_TESTS_MEMORY_DEVICE_H

#include "tests/unit/memory_fixture.h"

enum { DEVICE_BYTES = 64 };

struct device {
    uint8_t regs[DEVICE_BYTES];
    MemoryRegionOps ops; /* the test fills in valid and impl */
    MemoryRegion *mr;
    struct trace trace;      /* `r4@8`, `w2@0=1234`, `?w4@1` for accepts: one a line */
    bool silent;             /* writes down nothing */
    bool refuse;             /* what accepts says */
    MemTxResult result;      /* of the _with_attrs callbacks */
    MemTxAttrs attrs;        /* what they got */
    unsigned calls, illegal; /* callbacks; those outside impl or beyond the region */
};

/* Zeroes the device but for its registers, 1, 2, 3, ... */
void device_init(struct device *device, enum device_endian endianness);
void device_init_with_attrs(struct device *device, enum device_endian endianness);
/* Makes the region, at `offset` of the fixture's root. */
void device_place(struct device *device, struct fixture *f, hwaddr offset, uint64_t size);

#endif
