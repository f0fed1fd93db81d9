/*
 * start.S - how a guest program begins: image headers, entries, and the way into long mode.
 *
 * One image, four ways in. PVH and Multiboot enter 32-bit code; a loader of plain ELF64 enters
 * start_elf64 in long mode. The ELF header's e_entry is start_elf64, so the Multiboot headers name
 * their own entry: Multiboot 1 by its address fields, Multiboot 2 by an entry tag, PVH by its note.
 * All of them end in guest_start(kind, info), defined in boot.c.
 *
 * Sources: Multiboot 0.6.96; Multiboot2 2.0; Xen docs/misc/pvh.pandoc; Intel SDM vol. 3A 4.5, 6.14,
 * 9.8.5.
 */
#include "guest/lib/start.h"

#define CR0_PE 0x1
#define CR0_NW_CD 0x60000000
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

#define MB1_FLAGS 0x10003 /* page-aligned modules, memory map, address fields valid */

    .section .boot, "ax"
    .balign 8
mb1_header:
    .long 0x1badb002, MB1_FLAGS, -(0x1badb002 + MB1_FLAGS)
    .long mb1_header, image_first, image_data_end, image_bss_end
    .long start_multiboot

    .balign 8
mb2_header:
    .long 0xe85250d6, 0, mb2_header_end - mb2_header
    .long -(0xe85250d6 + (mb2_header_end - mb2_header))
    .balign 8
    .short 1, 0 /* wanted: command line, modules, memory map */
    .long 20, 1, 3, 6
    .balign 8
    .short 3, 0 /* entry address */
    .long 12, start_multiboot
    .balign 8
    .short 6, 0 /* page-aligned modules */
    .long 8
    .balign 8
    .short 0, 0
    .long 8
mb2_header_end:

    .section .note.xen, "a", @note
    .balign 4
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long start_pvh

    .section .note.acre, "a", @note
    .balign 4
    .long 5, 4, 1 /* this program takes the board's device tree as a module */
    .asciz "acre"
    .balign 4
    .long 0 /* flags: none defined */

    /* From 32-bit protected mode to 64-bit code at \target. Spoils eax, ecx, edx. */
    .macro enter_long_mode target
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG, %eax
    movl %eax, %cr0
    ljmp $SELECTOR_CODE64, $\target
    .endm

    .macro load_data_segments
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    .endm

    .text
    .code32
    .globl start_pvh, start_multiboot, start_elf64
start_pvh:
    movl $BOOT_KIND_PVH, %edi
    jmp 1f
start_multiboot:
    movl %eax, %edi /* the magic tells Multiboot 1 from 2 */
1:
    cli
    cld
    movl %ebx, %esi
    lgdt gdt_pointer
    enter_long_mode start64

    .code64
start_elf64:
    cli
    cld
    movq %rdi, %rsi
    movl $BOOT_KIND_ELF, %edi
    lgdt gdt_pointer
    movl $pml4, %eax
    movq %rax, %cr3
    movl $boot_stack_end, %esp
    pushq $SELECTOR_CODE64
    pushq $start64
    lretq
start64:
    movl $boot_stack_end, %esp
    load_data_segments
    xorl %ebp, %ebp
    call guest_start
1:
    cli
    hlt
    jmp 1b

    /*
     * A further CPU begins here, copied to AP_TRAMPOLINE and started in real mode by SIPI.
     * It takes its number from ap_count, and with it its stack.
     */
    .code16
    .globl ap_trampoline, ap_trampoline_end
ap_trampoline:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AP_TRAMPOLINE + (ap_gdt_pointer - ap_trampoline)
    movl %cr0, %eax
    andl $~CR0_NW_CD, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $SELECTOR_CODE32, $ap_start32
ap_gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
ap_trampoline_end:

    .code32
ap_start32:
    load_data_segments
    enter_long_mode ap_start64

    .code64
ap_start64:
    load_data_segments
    movl $1, %edi
    lock xaddl %edi, ap_count
    movl %edi, %eax
    incl %eax
    shll $AP_STACK_SHIFT, %eax
    leaq ap_stacks(%rax), %rsp
    xorl %ebp, %ebp
    incl %edi /* the first CPU is number 0 */
    call ap_start
1:
    cli
    hlt
    jmp 1b

    /*
     * Interrupt entries, 16 bytes apart, one for each of the VECTORS that the IDT has. All leave
     * the same frame: struct interrupt_frame.
     */
    .balign 16
    .globl isr_entries
isr_entries:
    .set vector, 0
    .rept VECTORS
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
    .else
    pushq $0 /* where the CPU pushes no error code */
    .endif
    pushq $vector
    jmp isr_common
    .set vector, vector + 1
    .endr

isr_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    call interrupt_dispatch
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

    .section .rodata
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* SELECTOR_CODE64 */
    .quad 0x00cf93000000ffff /* SELECTOR_DATA */
    .quad 0x00cf9b000000ffff /* SELECTOR_CODE32 */
gdt_end:
gdt_pointer: /* 10 bytes, of which 32-bit code uses 6 */
    .word gdt_end - gdt - 1
    .quad gdt

    /*
     * 4 GiB mapped one to one by 2 MiB pages. Assembled, not computed: filling it takes 8,000
     * instructions, which is milliseconds on a KVM that emulates each. Writable: the CPU sets
     * accessed and dirty bits.
     */
    .section .data.page_tables, "aw"
    .balign 4096
pml4:
    .quad pdpt + 3 /* present, writable */
    .fill 511, 8, 0
pdpt:
    .quad pd + 0x3, pd + 0x1003, pd + 0x2003, pd + 0x3003
    .fill 508, 8, 0
pd:
    .set page, 0
    .rept 2048
    .quad page + 0x83 /* present, writable, 2 MiB */
    .set page, page + 0x200000
    .endr

    .bss
    .balign 16
    .skip 16384
boot_stack_end:
    .globl ap_stacks, ap_count
ap_stacks:
    .skip AP_MAX << AP_STACK_SHIFT
ap_count:
    .long 0

    .section .note.GNU-stack, "", @progbits
