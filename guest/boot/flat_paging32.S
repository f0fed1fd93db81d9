/*
 * flat_paging32.S - 32-bit paging for a monitor to look at: pages of 4 MiB and of 4 KiB, tried by
 * this program, which then says ready and spins in them.
 *
 * 0x00000000 a page of 4 MiB: itself; 0x80001000 a page of 4 KiB: 0x300000, for the user;
 * 0xc0000000 a page of 4 MiB: 0x400000, read-only; nothing else.
 */
#define NAME "flat_paging32"
#include "check.h"

#define CR4_PSE 0x10
#define DIRECTORY 0x200000
#define TABLE 0x201000
#define DATA 0x300000
#define P_RW_US 0x7
#define P_PS 0x81
#define P_RW_PS 0x83

    .text
    .code32
    .globl _start
_start:
    movl $DATA, %esp
    movl $P_RW_PS, DIRECTORY
    movl $TABLE + P_RW_US, DIRECTORY + 4 * 0x200
    movl $0x400000 + P_PS, DIRECTORY + 4 * 0x300
    movl $DATA + P_RW_US, TABLE + 4
    movl %cr4, %eax
    orl $CR4_PSE, %eax
    movl %eax, %cr4
    movl $DIRECTORY, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $CR0_PG, %eax
    movl %eax, %cr0
    step 1
    movl $0x12345678, DATA + 0x120
    cmpl $0x12345678, 0x80001120
    jne failed
    step 2
    movl $0x12345678, 0x80001124
    cmpl $0x12345678, DATA + 0x124
    jne failed
    step 3
    cmpl $0, 0xc0000000
    jne failed
    LOAD_TEXT(text_ready)
    call print
1:
    jmp 1b
text_ready:
    .asciz "ready\n"
    endings
