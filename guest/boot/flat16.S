/*
 * flat16.S - a flat 16-bit binary: loaded at 0x10000, entered at 1000:0000 with DS = ES = CS,
 * SS:SP = 0000:7c00, interrupts off.
 */
#define NAME "flat16"
#include "check.h"

    .text
    .code16
    .globl _start
_start:
    step 1
    movw %cs, %ax
    cmpw $0x1000, %ax
    jne failed
    step 2
    movw %ds, %bx
    movw %es, %cx
    cmpw %ax, %bx
    jne failed
    cmpw %ax, %cx
    jne failed
    step 3
    movw %ss, %ax
    testw %ax, %ax
    jnz failed
    cmpw $0x7c00, %sp
    jne failed
    step 4
    call 1f
1:
    popw %ax
    cmpw $1b, %ax
    jne failed
    step 5
    pushfw
    popw %ax
    testw $FLAGS_IF, %ax
    jnz failed
    step 6
    smsww %ax
    testw $CR0_PE, %ax
    jnz failed
    jmp passed
    endings
