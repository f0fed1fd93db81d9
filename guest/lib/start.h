/*
 * start.h - numbers that start.S and the C library share. Included by assembler too.
 */
#ifndef ACRE_GUEST_LIB_START_H
#define ACRE_GUEST_LIB_START_H

#define SELECTOR_CODE64 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE32 0x18

/* What guest_start() gets: the Multiboot magics as they are, two of our own for the others. */
#define BOOT_KIND_MB1 0x2badb002
#define BOOT_KIND_MB2 0x36d76289
#define BOOT_KIND_PVH 1
#define BOOT_KIND_ELF 2

#define VECTORS 64           /* entries of the IDT */
#define AP_TRAMPOLINE 0x8000 /* guest-physical; a SIPI can name pages below 1 MiB only */
#define AP_MAX 15            /* CPUs besides the first */
#define AP_STACK_SHIFT 12    /* log2 of the bytes of each one's stack */

#endif
