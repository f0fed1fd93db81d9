/*
 * mb1_32.S - ELF32 with a Multiboot 1 header without address fields.
 */
#define NAME "mb1_32"
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
