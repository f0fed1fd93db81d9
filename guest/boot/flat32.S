/*
 * flat32.S - a flat 32-bit binary: at 1 MiB, entered at its first byte in protected mode without
 * paging, segments flat, interrupts off.
 */
#define NAME "flat32"
#include "check.h"

#define FAR_AWAY 0x1f00000 /* RAM that nothing else uses */

    .text
    .code32
    .globl _start
_start:
    movl $FAR_AWAY, %esp
    cld
    step 1
    movl %cr0, %eax
    andl $CR0_PG | CR0_PE, %eax
    cmpl $CR0_PE, %eax
    jne failed
    step 2
    call 1f
1:
    popl %eax
    cmpl $1b, %eax
    jne failed
    step 3
    pushfl
    popl %eax
    testl $FLAGS_IF, %eax
    jnz failed
    step 4
    movl $0x12345678, %ds:FAR_AWAY
    cmpl $0x12345678, %es:FAR_AWAY
    jne failed
    step 5
    movw %ss, %ax /* the table they came from is still there */
    movw %ax, %ds
    movw %ax, %es
    cmpl $0x12345678, %es:FAR_AWAY
    jne failed
    jmp passed
    endings
