/*
 * bench_exit.S - two instructions that mean the same in 16, 32 and 64-bit mode: a port write to
 * time, and the end. The status is whatever AL was: 0, where registers begin as 0.
 */
    .text
    .globl _start, start
_start:
start:
    outb %al, $0x80
    outb %al, $0xf4
    hlt

    .section .note.GNU-stack, "", %progbits
