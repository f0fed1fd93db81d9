/*
 * memory_program.h - random programs of API calls, as bytes.
 *
 * A program is a string of steps of MEMORY_STEP_BYTES bytes: an opcode, two places in a pool of
 * regions, three operands. Every string is a program: what makes no sense is skipped, so that a
 * program can be cut and changed anywhere and still runs. The pool's first region is the root of a
 * first address space and never mounted; the second is the root of a second one and may be mounted.
 *
 * After every outermost commit, abort or refusal all of these must agree: the flat views, what the
 * oracle says, replicas that listeners keep by region_del and region_add alone, views built from
 * scratch over the same roots, lookups, and the bytes that reads return.
 */
#ifndef ACRE_TESTS_MEMORY_PROGRAM_H
#define ACRE_TESTS_MEMORY_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct memory_core;

enum { MEMORY_STEP_BYTES = 6, MEMORY_STEPS_MAX = 400 };

struct memory_program_result {
    bool failed;
    size_t step;                                       /* at which it failed */
    unsigned commits, refusals, vetoes, failed_allocs; /* how often each was seen */
    char what[512];
};

/*
 * Runs a program on regions and spaces of its own.
 * @core  initialised; may be used for many programs, one after the other.
 * Returns: true when everything agreed; on false the core is not to be used any more.
 * Context: a thread registered with memory_thread_register().
 */
bool memory_program_run(struct memory_core *core, const uint8_t *bytes, size_t len,
                        struct memory_program_result *result);
/* The steps in words, then the bytes as a C initialiser. */
void memory_program_print(FILE *out, const uint8_t *bytes, size_t len);

#endif
