/*
 * pvh32.S - ELF32 with a PVH note and nothing else: EBX points to the start info, which has a
 * memory map and a command line.
 */
#define NAME "pvh32"
#include "check.h"

#define START_INFO_MAGIC 0x336ec578
#define VERSION 4 /* offsets in the start info */
#define CMDLINE 24
#define MAP 40
#define MAP_NUM 48

    .section .note.xen, "a", %note
    .balign 4
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_start

    .text
    .code32
    .globl start
start: /* the ELF header's own entry, not to be used */
    movl $stack_end, %esp
    step 100
    jmp failed
pvh_start:
    check_protected_mode
    movl saved_ebx, %ebx
    step 4
    cmpl $START_INFO_MAGIC, (%ebx)
    jne failed
    step 5
    cmpl $1, VERSION(%ebx)
    jb failed
    step 6
    cmpl $0, MAP_NUM(%ebx)
    je failed
    movl MAP(%ebx), %esi
    testl %esi, %esi
    jz failed
    step 7
    cmpl $1, 16(%esi) /* the first entry is RAM, from 0 on */
    jne failed
    cmpl $0, (%esi)
    jne failed
    step 8
    cmpl $0, CMDLINE(%ebx)
    je failed
    jmp passed
    endings
    uninitialised
