/*
 * flat_sector.S - a boot sector: 512 bytes that end 55 AA, loaded at 0000:7c00 and entered there
 * with DL = 80h.
 */
#define NAME "flat_sector"
#include "check.h"

    .text
    .code16
    .globl _start
_start:
    step 1
    cmpb $0x80, %dl
    jne failed
    step 2
    movw %cs, %ax
    testw %ax, %ax
    jnz failed
    movw %ds, %ax
    testw %ax, %ax
    jnz failed
    movw %es, %ax
    testw %ax, %ax
    jnz failed
    step 3
    cmpw $0x7c00, %sp
    jne failed
    call 1f
1:
    popw %ax
    cmpw $1b, %ax
    jne failed
    step 4
    smsww %ax
    testw $CR0_PE, %ax
    jnz failed
    step 5
    cmpw $0xaa55, signature
    jne failed
    jmp passed
    endings
    .org 510
signature:
    .byte 0x55, 0xaa
