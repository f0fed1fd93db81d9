/*
 * crash_code.h - machine code as text.
 *
 * The disassembler is capstone. Its table of architectures would pull all of them into the program,
 * and a shared library costs every start two thirds of a millisecond; so it is linked from the
 * archive, with x86 alone.
 *
 * Context: one thread at a time. Allocates (capstone's handle). Reads no file, maps no code.
 */
#ifndef ACRE_VMM_CRASH_CODE_H
#define ACRE_VMM_CRASH_CODE_H

#include <stddef.h>
#include <stdint.h>

struct kvm_sregs;

enum { CODE_LEN_MAX = 15, CODE_TEXT_SIZE = 72 };

/* One instruction, or one byte that begins none. */
struct code_line {
    uint64_t addr; /* linear */
    uint8_t bytes[CODE_LEN_MAX];
    unsigned len;
    char text[CODE_TEXT_SIZE]; /* Intel's syntax; "(bad)" */
};

/* How a CPU reads code now: 16, 32 or 64. Source: Intel SDM vol. 3A 3.4.5, 5.2.1. */
unsigned code_bits(const struct kvm_sregs *sregs);

/*
 * @bits   16, 32 or 64
 * @lines  room for `line_max`
 * Returns: how many; fewer than line_max when the bytes end (an instruction that is cut by the end
 * is "(bad)"). Out of memory all are "(bad)".
 */
size_t code_disassemble(unsigned bits, uint64_t addr, const uint8_t *bytes, size_t len,
                        struct code_line *lines, size_t line_max);

#endif
