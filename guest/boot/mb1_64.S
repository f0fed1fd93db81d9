/*
 * mb1_64.S - ELF64 with a Multiboot 1 header without address fields: its entry is 32-bit code all
 * the same, which then goes to long mode by itself.
 */
#define NAME "mb1_64"
#include "check.h"
#include "multiboot1.h"

    .text
    .code32
    .globl start
start:
    check_protected_mode
    check_multiboot1
    jmp passed
    endings
    uninitialised
