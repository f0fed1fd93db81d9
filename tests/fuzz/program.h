/*
 * program.h - a fuzzer's input read as a program of three-byte steps: what to do, and two operands.
 */
#ifndef ACRE_TESTS_FUZZ_PROGRAM_H
#define ACRE_TESTS_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct program {
    const uint8_t *data;
    size_t size;
};

struct program_step {
    uint8_t op, a, b;
};

/* Returns: false at the end of the program. */
static inline bool program_next(struct program *program, struct program_step *step)
{
    if (program->size < 3) {
        return false;
    }
    *step = (struct program_step){program->data[0], program->data[1], program->data[2]};
    program->data += 3;
    program->size -= 3;
    return true;
}

/* A time span from an operand: 0, or 2^e..2^(e+1) ns, e to 31 (four seconds). */
static inline uint64_t program_span_ns(struct program_step step)
{
    return step.a ? (1ULL << (step.a & 31)) + ((uint64_t)step.b << (step.a & 31)) / 256 : 0;
}

#endif
