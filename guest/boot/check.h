/*
 * check.h - what the programs that check their entry state share. Assembler, the same source for
 * 16, 32 and 64-bit code.
 *
 * Each check stands behind a `step N` and jumps to `failed` where it does not hold; N is then the
 * exit status. A program defines NAME, a string, and ends with `jmp passed` and `endings`.
 * EBP holds the step, so no check may use it.
 */
#define PORT_SERIAL 0x3f8
#define PORT_SERIAL_LSR 0x3fd
#define LSR_THRE 0x20
#define PORT_DEBUG_EXIT 0xf4

#define CR0_PE 0x1
#define CR0_PG 0x80000000
#define FLAGS_IF 0x200
#define ZEROS 3072 /* 4-byte words of .bss */

#ifndef LOAD_TEXT /* how an address gets into (E/R)SI */
#define LOAD_TEXT(label) movl $label, %esi
#endif

    .macro step number
    movl $\number, %ebp
    .endm

    .macro endings
passed:
    step 0
    LOAD_TEXT(text_passed)
    jmp finish
failed:
    LOAD_TEXT(text_failed)
finish:
    call print
    movl %ebp, %eax
    outl %eax, $PORT_DEBUG_EXIT
1:
    cli
    hlt
    jmp 1b
print:
    movw $PORT_SERIAL_LSR, %dx
    inb %dx, %al
    testb $LSR_THRE, %al
    jz print
    lodsb
    testb %al, %al
    jz 2f
    movw $PORT_SERIAL, %dx
    outb %al, %dx
    jmp print
2:
    ret
text_passed:
    .ascii NAME
    .asciz ": entered as it should be\n"
text_failed:
    .ascii NAME
    .asciz ": FAILED, the exit status tells the step\n"
    .endm

    /*
     * Steps 1 to 3, for 32-bit entries: protected mode without paging, interrupts off, and a .bss
     * of zeros. Sets up a stack; keeps eax and ebx in esp's place: at saved_eax, saved_ebx.
     */
    .macro check_protected_mode
    movl %eax, saved_eax
    movl %ebx, saved_ebx
    movl $stack_end, %esp
    cld
    step 1
    movl %cr0, %eax
    andl $CR0_PG | CR0_PE, %eax
    cmpl $CR0_PE, %eax
    jne failed
    step 2
    pushf
    pop %eax
    testl $FLAGS_IF, %eax
    jnz failed
    step 3
    xorl %eax, %eax
    movl $zeros, %edi
    movl $ZEROS, %ecx
    repe scasl
    jne failed
    .endm


    .macro uninitialised
    .data
saved_eax:
    .long 1
saved_ebx:
    .long 1
    .byte 1 /* so that .bss does not begin where a page does */
    .bss
    .balign 4
zeros:
    .skip 4 * ZEROS
    .balign 16
    .skip 1024
stack_end:
    .endm

    .section .note.GNU-stack, "", %progbits
