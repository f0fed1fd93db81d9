/*
 * boot.h - what the loader told this program, in one form for every boot protocol.
 *
 * A program defines main(), so that a debugger's `break main` stops there; the library calls it on
 * the first CPU in long mode, with 4 GiB mapped one to one, interrupts off, exceptions reported,
 * the console set up.
 *
 * Sources: Xen public/arch-x86/hvm/start_info.h; Multiboot 0.6.96, 3.3; Multiboot2 2.0, 3.6.
 */
#ifndef ACRE_GUEST_LIB_BOOT_H
#define ACRE_GUEST_LIB_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_MAP_MAX 32
#define BOOT_MODULE_MAX 8
#define BOOT_MAP_RAM 1 /* E820 types; others are not to be used as memory */

struct boot_map_entry {
    uint64_t first, last; /* guest-physical, inclusive */
    uint32_t type;
};

struct boot_module {
    const void *data;
    uint64_t size;
    const char *cmdline; /* "" where there is none */
};

struct boot_info {
    const char *protocol; /* "pvh", "multiboot1", "multiboot2", "elf" */
    const char *loader;   /* the boot loader's name; "" where the protocol has none */
    const char *cmdline;  /* "" where there is none */
    struct boot_map_entry map[BOOT_MAP_MAX];
    size_t map_num;
    struct boot_module modules[BOOT_MODULE_MAX]; /* without the device tree */
    size_t module_num;
    const void *dtb; /* the board's device tree; NULL: none given */
    uint64_t dtb_size;
    bool truncated; /* more entries or modules than fit were given */
};

/* The program. Returns: its exit status, 0..119. */
int main(const struct boot_info *boot);

/* Is `word` one of the command line's words? */
bool boot_option(const struct boot_info *boot, const char *word);
/*
 * The number of the word `name=NUMBER` (decimal, or hexadecimal after 0x).
 * Returns: `missing` where there is no such word or it is not a number.
 */
uint64_t boot_option_number(const struct boot_info *boot, const char *name, uint64_t missing);

#endif
