/*
 * qemu32.S - what a kernel written for QEMU's test set-up does at first (kvm-unit-tests' are such):
 * ELF32 by Multiboot 1, CPUs and memory from fw_cfg, testdev's ports, memory and interrupt lines,
 * and out by isa-debug-exit. Wants two CPUs and 64 MiB.
 */
#define NAME "qemu32"
#include "check.h"
#include "multiboot1.h"

#define FW_CFG_SELECTOR 0x510
#define FW_CFG_DATA 0x511
#define FW_CFG_RAM_SIZE 3
#define FW_CFG_NB_CPUS 5
#define TESTDEV_WORD 0xe0
#define TESTDEV_IRQ 0x2000
#define TESTDEV_MEMORY 0xff000000
#define PIC 0x20
#define LINE 5

    /* The selected item's first four bytes, to eax. */
    .macro read_item key
    movw $FW_CFG_SELECTOR, %dx
    movw $\key, %ax
    outw %ax, %dx
    movw $FW_CFG_DATA, %dx
    movl $4, %ecx
9:
    inb %dx, %al
    rorl $8, %eax
    loop 9b
    .endm

    .text
    .code32
    .globl start
start:
    check_protected_mode
    check_multiboot1
    step 9
    read_item FW_CFG_NB_CPUS
    cmpl $2, %eax
    jne failed
    step 10
    read_item FW_CFG_RAM_SIZE
    cmpl $64 << 20, %eax
    jne failed
    step 11
    movl $0x12345678, %eax
    outl %eax, $TESTDEV_WORD
    inb $TESTDEV_WORD + 1, %al
    cmpb $0x56, %al
    jne failed
    step 12
    movl $0x12345678, TESTDEV_MEMORY + 0xfffc
    cmpw $0x1234, TESTDEV_MEMORY + 0xfffe
    jne failed
    step 13
    movb $0x11, %al
    outb %al, $PIC
    .irp icw, 0x20, 0x04, 0x01
    movb $\icw, %al
    outb %al, $PIC + 1
    .endr
    movw $TESTDEV_IRQ + LINE, %dx
    movb $1, %al
    outb %al, %dx
    movb $0x0a, %al /* OCW3: requests are to be read */
    outb %al, $PIC
    inb $PIC, %al
    testb $1 << LINE, %al
    jz failed
    jmp passed
    endings
    uninitialised
