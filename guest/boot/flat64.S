/*
 * flat64.S - a flat 64-bit binary: at 1 MiB, entered at its first byte in long mode.
 */
#define NAME "flat64"
#include "check.h"
#include "long_mode.h"

    .text
    .code64
    .globl _start
_start:
    check_long_mode
    step 7
    leaq _start(%rip), %rax
    cmpq $0x100000, %rax
    jne failed
    jmp passed
    endings
