/*
 * elf64.S - plain ELF64 without any boot header, its virtual addresses in the upper half: loaded by
 * physical address, entered in long mode, reachable at its virtual addresses as well.
 */
#define NAME "elf64"
#define LOAD_TEXT(label) leaq label(%rip), %rsi
#include "check.h"
#include "long_mode.h"

    .text
    .code64
    .globl start
start:
    check_long_mode
    step 7
    movq $upper_half, %rax
    jmp *%rax
upper_half:
    leaq start(%rip), %rax
    cmpq $start, %rax
    jne failed
    step 8
    cmpl $1, saved_eax
    jne failed
    movl $2, saved_eax
    movq $saved_eax, %rax /* less the upper half's offset: where it is in RAM */
    andl $0x7fffffff, %eax
    cmpl $2, (%rax)
    jne failed
    step 9
    xorl %eax, %eax
    movq $zeros, %rdi
    movl $ZEROS, %ecx
    repe scasl
    jne failed
    jmp passed
    endings
    uninitialised
