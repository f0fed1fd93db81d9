/*
 * bench_pvh.S - the least that both acre and QEMU's microvm boot: a PVH note, and an end with 0.
 */
    .text
    .code32
    .globl start
start:
    xorl %eax, %eax
    outb %al, $0xf4
    hlt

    .section .note.xen, "a", %note
    .balign 4
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long start

    .section .note.GNU-stack, "", %progbits
