/*
 * trace_registers.h - what the data sheets call the registers of the devices, for traces:
 * `serial.IIR` says more than port 0x3fa.
 *
 * Devices are found by their region's name; a number at its end does not count (`serial1` is a
 * `serial`). A register that has two names (by DLAB, say) has both, `RBR/DLL`.
 * Source: as in each device's header.
 */
#ifndef ACRE_VMM_TRACE_REGISTERS_H
#define ACRE_VMM_TRACE_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

struct trace_register {
    uint16_t first, size;     /* bytes of the region; size 0 ends a table */
    const char *read, *write; /* NULL: as it is read */
};

#define TRACE_REGISTERS_END                                                                        \
    {                                                                                              \
        0, 0, NULL, NULL                                                                           \
    }
/* One of eight bytes, from a device's header. */
#define TRACE_REGISTER_8(prefix, name)                                                             \
    {                                                                                              \
        prefix##_##name, 8, #name, NULL                                                            \
    }

extern const struct trace_register trace_registers_testdev[];

/* The table of the region's device, by offset, or NULL. */
const struct trace_register *trace_registers_of(const char *region);
/* The name at an offset, or NULL. @table  may be NULL. Cost: O(registers), a few dozen at most. */
const char *trace_register_name(const struct trace_register *table, uint64_t offset, bool write);
/* Is `name` one of the table's, one half of a `RBR/DLL` included, or "*"? */
bool trace_registers_have(const struct trace_register *table, const char *name);
/* Is `name` (as a user gives it, "*" included) what trace_register_name() calls `reg`? */
bool trace_register_is(const char *reg, const char *name);

/* All names, a line for each device. Returns: 0; -errno of the write that failed. */
int trace_registers_print(int fd);

#endif
