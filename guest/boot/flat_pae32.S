/*
 * flat_pae32.S - PAE paging for a monitor to look at: its four pointers are at an odd place, and
 * one of them is gone from memory once the CPU has loaded it. Tried by this program, which then
 * says ready and spins in them.
 *
 * 0x00000000 pages of 2 MiB: themselves, up to 0x3fffff; 0x80003000 a page of 4 KiB: 0x300000;
 * 0xc0000000 likewise a page of 2 MiB: 0x400000, whose pointer is 0 in memory.
 */
#define NAME "flat_pae32"
#include "check.h"

#define CR4_PAE 0x20
#define POINTERS 0x200fe0
#define DIRECTORY_0 0x201000
#define DIRECTORY_2 0x202000
#define DIRECTORY_3 0x203000
#define TABLE 0x204000
#define DATA 0x300000
#define P 0x1
#define P_RW 0x3
#define P_RW_PS 0x83

    .text
    .code32
    .globl _start
_start:
    movl $DATA, %esp
    movl $DIRECTORY_0 + P, POINTERS
    movl $DIRECTORY_2 + P, POINTERS + 8 * 2
    movl $DIRECTORY_3 + P, POINTERS + 8 * 3
    movl $P_RW_PS, DIRECTORY_0
    movl $0x200000 + P_RW_PS, DIRECTORY_0 + 8
    movl $TABLE + P_RW, DIRECTORY_2
    movl $0x400000 + P_RW_PS, DIRECTORY_3
    movl $DATA + P_RW, TABLE + 8 * 3
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $POINTERS, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $CR0_PG, %eax
    movl %eax, %cr0
    step 1
    movl $0x12345678, DATA + 0x120
    cmpl $0x12345678, 0x80003120
    jne failed
    step 2
    cmpl $0, 0xc0000120
    jne failed
    movl $0, POINTERS + 8 * 3
    LOAD_TEXT(text_ready)
    call print
1:
    jmp 1b
text_ready:
    .asciz "ready\n"
    endings
