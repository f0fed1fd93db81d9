/*
 * examine.h - memory as a person asks for it: `x /FMT ADDR` and its text, as QEMU's monitor.
 *
 * FMT is [COUNT][FORMAT][SIZE]: x (hexadecimal), d (signed), u, o (octal), c (characters), i
 * (instructions); b, h, w, g for 1, 2, 4, 8 bytes. Without: 1, x, w.
 *
 * Source: QEMU docs/system/monitor, "x/fmt addr".
 */
#ifndef ACRE_VMM_EXAMINE_H
#define ACRE_VMM_EXAMINE_H

#include "vmm/error.h"
#include "vmm/peek.h"

enum { EXAMINE_COUNT_MAX = 65536 };

struct examine {
    unsigned count;
    char format;         /* x, d, u, o, c, i */
    unsigned size;       /* bytes of an item; 1 for c; i has none */
    const char *address; /* what follows the format: an expression */
    unsigned cpu;
};

/*
 * "[/FMT] ADDRESS [--cpu N]".
 * @text  cut into its words: their ends become NUL.
 * @cpu   the one meant where none is named.
 * Returns: 0; -EINVAL with err filled.
 */
int examine_parse(char *text, unsigned cpu, struct examine *examine, struct error *err)
    __attribute__((warn_unused_result));

/*
 * NUMBER or $REGISTER, with more of them behind + and -, modulo 2^64.
 * @cpu  NULL: there are no registers.
 * Returns: 0; -EINVAL with err filled.
 */
int examine_address(const char *text, const struct kvm_regs *cpu, uint64_t *addr, struct error *err)
    __attribute__((warn_unused_result));

/*
 * A line for 16 bytes (8 of bytes and characters), or for an instruction, up to the first that
 * cannot be read.
 * @bits  16, 32 or 64: how instructions are read.
 */
void examine_print(const struct examine *examine, const struct peek *peek, uint64_t addr,
                   unsigned bits, struct memory_sink *sink);

#endif
