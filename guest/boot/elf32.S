/*
 * elf32.S - plain ELF32 without any boot header: entered in protected mode.
 */
#define NAME "elf32"
#include "check.h"

    .text
    .code32
    .globl start
start:
    check_protected_mode
    step 4
    call 1f
1:
    popl %eax
    cmpl $1b, %eax
    jne failed
    jmp passed
    endings
    uninitialised
