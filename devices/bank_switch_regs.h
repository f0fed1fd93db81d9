/*
 * bank_switch_regs.h - the bank switch as a guest sees it: numbers only, for C of any world.
 *
 * 256 bytes, in memory or among the ports. Registers are 64 bits wide, little endian, at multiples
 * of 8, and take aligned accesses of 8 bytes or of 4: 4 bytes written at the register set all of it
 * (upper half zero) and have its effect. For a value that needs more, write the upper 32 bits to
 * BANK_SWITCH_HIGH first: the next 4-byte write of a register takes them as its upper half.
 *
 * SELECT names a region; the registers from ENABLED on show and change it. Without BEGIN a change
 * takes place at once. Between BEGIN and COMMIT changes are only noted (at most 64, over any number
 * of regions); COMMIT makes them all, in order, in one transaction, or none. RESULT has the errno
 * of what failed, FAILED which change it was.
 */
#ifndef ACRE_BANK_SWITCH_REGS_H
#define ACRE_BANK_SWITCH_REGS_H

#define BANK_SWITCH_SIZE 0x100

#define BANK_SWITCH_ID 0x00                     /* read-only */
#define BANK_SWITCH_ID_VALUE 0x6b6e616265726361 /* "acrebank" */
#define BANK_SWITCH_REGIONS 0x08                /* read-only: how many there are */
#define BANK_SWITCH_GENERATION                                                                     \
    0x10                         /* read-only: changes and COMMITs that took effect since reset */
#define BANK_SWITCH_RESULT 0x18  /* read-only: of the last command or change; 0, or its errno */
#define BANK_SWITCH_FAILED 0x20  /* read-only: number of the change; -1: none, or COMMIT itself */
#define BANK_SWITCH_PENDING 0x28 /* read-only: changes noted */
#define BANK_SWITCH_COMMAND 0x30
#define BANK_SWITCH_BEGIN 1   /* 114 (EALREADY) when it was given before */
#define BANK_SWITCH_COMMIT 2  /* 22 (EINVAL) without BEGIN */
#define BANK_SWITCH_ABORT 3   /* forget what was noted */
#define BANK_SWITCH_RESTORE 4 /* every region as after reset, at once; ends a BEGIN */
#define BANK_SWITCH_HIGH 0x38
#define BANK_SWITCH_SELECT 0x40 /* 0..REGIONS-1; others: 22, and nothing is selected */
/* What is written beyond 64 changes is answered with 7 (E2BIG), and so is the COMMIT. */
#define BANK_SWITCH_CHANGES_MAX 64

/* Of the region selected. Reads show what is in force; all ones when nothing is selected. */
#define BANK_SWITCH_ENABLED 0x48  /* 0 or 1 */
#define BANK_SWITCH_ADDRESS 0x50  /* in its container */
#define BANK_SWITCH_LENGTH 0x58   /* bytes, 0..MAX: not RAM (22), and no more than it can answer */
#define BANK_SWITCH_PRIORITY 0x60 /* signed, 32 bits */
#define BANK_SWITCH_OFFSET 0x68   /* of an alias, in its target */
#define BANK_SWITCH_READONLY 0x70 /* 0 or 1 */
#define BANK_SWITCH_ROMD 0x78     /* 0 or 1; a ROM device reads as memory */
#define BANK_SWITCH_MAX 0x80      /* read-only: largest LENGTH; all ones: no limit */
#define BANK_SWITCH_NAME 0xc0     /* read-only: the region's name, 32 bytes, zero-filled */
#define BANK_SWITCH_NAME_SIZE 32

#endif
