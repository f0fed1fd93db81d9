/*
 * flat_la57.S - 5-level paging for a monitor to look at, entered in 32-bit mode: an address that 4
 * levels do not have, tried by this program, which then says ready and spins. Ends with status 77
 * where CPUID announces no LA57.
 *
 * 0x0 pages of 2 MiB: themselves, up to 0x3fffff; 0x1000000605000 a page of 4 KiB: 0x300000,
 * read-only; 0xff00000000200000 a page of 2 MiB: 0x200000.
 */
#define NAME "flat_la57"
#include "check.h"

#define CPUID_FEATURES 7
#define CPUID_LA57 0x10000 /* of ECX */
#define CR4_PAE 0x20
#define CR4_LA57 0x1000
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define PML5 0x200000
#define PML4_0 0x201000
#define PDPT_0 0x202000
#define PD_0 0x203000
#define PML4_1 0x204000
#define PDPT_1 0x205000
#define PD_1 0x206000
#define TABLE 0x207000
#define DATA 0x300000
#define P 0x1
#define P_RW 0x3
#define P_RW_PS 0x83
#define STATUS_SKIPPED 77

    .text
    .code32
    .globl _start
_start:
    movl $DATA, %esp
    movl $CPUID_FEATURES, %eax
    xorl %ecx, %ecx
    cpuid
    testl $CPUID_LA57, %ecx
    jz skipped
    movl $PML4_0 + P_RW, PML5
    movl $PML4_1 + P_RW, PML5 + 8 * 1
    movl $PML4_0 + P_RW, PML5 + 8 * 256
    movl $PDPT_0 + P_RW, PML4_0
    movl $PD_0 + P_RW, PDPT_0
    movl $P_RW_PS, PD_0
    movl $0x200000 + P_RW_PS, PD_0 + 8
    movl $PDPT_1 + P_RW, PML4_1
    movl $PD_1 + P_RW, PDPT_1
    movl $TABLE + P_RW, PD_1 + 8 * 3
    movl $DATA + P, TABLE + 8 * 5
    movl %cr4, %eax
    orl $CR4_PAE | CR4_LA57, %eax
    movl %eax, %cr4
    movl $PML5, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG, %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $long_mode
skipped:
    movl $STATUS_SKIPPED, %eax
    outl %eax, $PORT_DEBUG_EXIT
1:
    hlt
    jmp 1b

    .code64
long_mode:
    step 1
    movl $0x12345678, DATA + 0x120
    movabsq $0x1000000605120, %rbx
    cmpl $0x12345678, (%rbx)
    jne failed
    step 2
    movabsq $0xff00000000200000, %rbx
    cmpl $PML4_0 + P_RW + 0x20, (%rbx) /* with the accessed bit */
    jne failed
    LOAD_TEXT(text_ready)
    call print
1:
    jmp 1b
    endings
text_ready:
    .asciz "ready\n"
    .balign 8
gdt:
    .quad 0, 0x00af9b000000ffff
gdt_pointer:
    .word 15
    .long gdt
