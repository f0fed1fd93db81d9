/*
 * sandbox_calls.h - the system calls a run may make, as one table with the reason for each entry.
 *
 * The table is read twice: at build time by build/sandbox_filter.c, which lets libseccomp compile
 * it to the program that acre embeds, and at run time to be shown.
 */
#ifndef ACRE_VMM_SANDBOX_CALLS_H
#define ACRE_VMM_SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What argument `arg` must be: (value & mask) == wanted. A zero mask: no condition.
 */
struct sandbox_condition {
    unsigned arg;
    uint64_t mask, wanted;
};

/*
 * An entry without a condition allows the call whatever its arguments; entries of the same call
 * with conditions allow it when one of them holds.
 */
struct sandbox_call {
    int number; /* SYS_... */
    const char *name;
    struct sandbox_condition condition;
    const char *reason;
};

extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_call_num;

/*
 * Stands for this process's id, which the build cannot know, as a value that is none (they are
 * below 2^22). sandbox_filter() puts the id in its place: it is the operand of one instruction.
 */
#define SANDBOX_OWN_PID UINT32_C(0x7f706964)
/* Likewise for the descriptor of --save-dir; without one it stays, and no call has such a one. */
#define SANDBOX_SAVE_DIR UINT32_C(0x7f736176)

#endif
