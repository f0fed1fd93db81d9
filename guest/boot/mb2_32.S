/*
 * mb2_32.S - ELF32 with a Multiboot 2 header: EBX points to tags, among them the command line, the
 * loader's name and the memory map, with an end tag last.
 */
#define NAME "mb2_32"
#include "check.h"

#define MB2_MAGIC 0xe85250d6
#define MB2_LOADED 0x36d76289
#define TAG_CMDLINE 1
#define TAG_LOADER 2
#define TAG_MAP 6
#define WANTED (1 << TAG_CMDLINE | 1 << TAG_LOADER | 1 << TAG_MAP)

    .section .boot, "ax"
    .balign 8
header:
    .long MB2_MAGIC, 0, header_end - header, -(MB2_MAGIC + (header_end - header))
    .short 0, 0
    .long 8
header_end:

    .text
    .code32
    .globl start
start:
    check_protected_mode
    step 4
    cmpl $MB2_LOADED, saved_eax
    jne failed
    step 5
    movl saved_ebx, %ebx
    testl $7, %ebx
    jnz failed
    movl (%ebx), %edx
    addl %ebx, %edx /* the end of all tags */
    addl $8, %ebx
    xorl %edi, %edi /* types seen */
next_tag:
    step 6
    cmpl %edx, %ebx
    jae failed
    cmpl $8, 4(%ebx)
    jb failed
    movl (%ebx), %ecx
    testl %ecx, %ecx
    jz last_tag
    btsl %ecx, %edi
    movl 4(%ebx), %eax
    addl $7, %eax
    andl $~7, %eax
    addl %eax, %ebx
    jmp next_tag
last_tag:
    step 7
    andl $WANTED, %edi
    cmpl $WANTED, %edi
    jne failed
    step 8
    addl $8, %ebx
    cmpl %edx, %ebx
    jne failed
    jmp passed
    endings
    uninitialised
