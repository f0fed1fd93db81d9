/*
 * long_mode.h - steps 1 to 6, the entry state of programs that begin in long mode: paging by tables
 * that map all of RAM, privilege level 0, interrupts off, a stack, segments of a table that is
 * still there, the start info at RDI.
 */
#define MSR_EFER 0xc0000080
#define EFER_LMA 0x400
#define CR4_PAE 0x20
#define START_INFO_MAGIC 0x336ec578
#define FAR_AWAY 0x1f00000 /* RAM that nothing else uses */

    .macro check_long_mode
    cld
    step 1
    movl $MSR_EFER, %ecx
    rdmsr
    testl $EFER_LMA, %eax
    jz failed
    movq %cr4, %rax
    testl $CR4_PAE, %eax
    jz failed
    step 2
    movl %cs, %eax
    testl $3, %eax
    jnz failed
    step 3
    pushfq
    popq %rax
    testl $FLAGS_IF, %eax
    jnz failed
    step 4
    movl %ss, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %cs, %eax
    pushq %rax
    leaq 1f(%rip), %rax
    pushq %rax
    lretq
1:
    step 5
    movl $0x12345678, FAR_AWAY
    cmpl $0x12345678, FAR_AWAY
    jne failed
    step 6
    cmpl $START_INFO_MAGIC, (%rdi)
    jne failed
    .endm
