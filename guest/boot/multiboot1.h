/*
 * multiboot1.h - a Multiboot 1 header, and the check of what it must lead to: step 4 the magic,
 * 5 the flags, 6 the command line, 7 the memory map, 8 the boot loader's name.
 */
#define MB1_MAGIC 0x1badb002
#define MB1_LOADED 0x2badb002
#define MB1_FLAGS 3 /* page-aligned modules, memory map */
#define INFO_CMDLINE 0x04
#define INFO_MAP 0x40
#define INFO_LOADER 0x200

    .section .boot, "ax"
    .balign 4
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

    .macro check_multiboot1
    step 4
    cmpl $MB1_LOADED, saved_eax
    jne failed
    movl saved_ebx, %ebx
    step 5
    movl (%ebx), %eax
    andl $INFO_CMDLINE | INFO_MAP | INFO_LOADER, %eax
    cmpl $INFO_CMDLINE | INFO_MAP | INFO_LOADER, %eax
    jne failed
    step 6
    movl 16(%ebx), %esi
    cmpb $0, (%esi)
    je failed
    step 7
    cmpl $24, 44(%ebx) /* room for an entry */
    jb failed
    movl 48(%ebx), %esi
    cmpl $20, (%esi)
    jb failed
    cmpl $1, 20(%esi) /* the first is RAM */
    jne failed
    step 8
    movl 64(%ebx), %esi
    cmpb $0, (%esi)
    je failed
    .endm
