/* guest.S - what guest.h describes. Offsets are those of its structures. */
    .section .rodata
    .code32
    .globl guest_code, guest_code_id, guest_code_end

/* EAX must be one of the values in the mask at \mask, now or when ECX and EBX were read. */
.macro check mask
    or \mask, %ecx
    cmp $31, %eax
    ja 1f
    bt %eax, %ecx
    jc 3f
    mov 0x1000, %edx
    sub %ebx, %edx
    cmp $1, %edx
    jbe 1f
    incl 8(%esi)
    jmp 3f
1:  incl 4(%esi)
    mov %eax, 16(%esi)
    mov %ecx, 20(%esi)
3:
.endm

guest_code:
    mov 0x1000, %ebx
    mov 0x1004, %ecx
    mov (%edi), %eax
    check 0x1004

    mov 0x1000, %ebx
    mov 0x1008, %ecx
    .byte 0xb8 /* mov $0, %eax: each copy of the code has its own number here */
guest_code_id:
    .long 0
    check 0x1008

    incl 24(%esi)
    mov 24(%esi), %eax
    mov 28(%esi), %edx
    mov %eax, (%edx)
    cmp %eax, (%edx)
    je 1f
    incl 12(%esi)
1:  mov 32(%esi), %edx
    mov %eax, (%edx)
    cmp %eax, (%edx)
    je 1f
    incl 12(%esi)

1:  mov 44(%esi), %edx
    test %edx, %edx
    jz 2f
    mov %eax, (%edx)
    add $0x2000, %edx
    cmp 52(%esi), %edx
    jb 1f
    mov 48(%esi), %edx
1:  mov %edx, 44(%esi)

2:  add $0x404, %edi
    cmp 40(%esi), %edi
    jb 1f
    mov 36(%esi), %edi
1:  incl (%esi)
    jmp guest_code
guest_code_end:
    .section .note.GNU-stack, "", @progbits
