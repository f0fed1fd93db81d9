/*
 * load.h - from a kernel file to guest memory and an entry state.
 *
 * load_open() recognises what the file is (PVH, Multiboot 2, Multiboot 1, plain ELF, flat) and
 * checks all of it before a byte is placed; load_place() writes image, modules, tables and the
 * start info into guest memory through an AddressSpace and says how the first CPU starts. Images
 * stay open by descriptor, so that a restart can place them again.
 *
 * Sources: ELF gABI; Xen docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h; the Multiboot
 * 0.6.96 and Multiboot2 2.0 specifications; Intel SDM vol. 3A ch. 4 (page tables), 9.
 */
#ifndef ACRE_VMM_LOAD_H
#define ACRE_VMM_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/memory.h"
#include "vmm/error.h"

enum boot_kind { /* in the order they are tried */
                 BOOT_AUTO,
                 BOOT_PVH,
                 BOOT_MULTIBOOT2,
                 BOOT_MULTIBOOT1,
                 BOOT_ELF,
                 BOOT_FLAT16,
                 BOOT_FLAT32,
                 BOOT_FLAT64,
};

/* One entry of the memory map a guest sees; E820 types. */
struct boot_map_entry {
    uint64_t first, last; /* guest-physical, inclusive */
    enum { BOOT_MAP_RAM = 1, BOOT_MAP_RESERVED = 2 } type;
};

struct boot_module_file {
    const char *path;
    int fd;              /* open for reading */
    const char *cmdline; /* what the guest is told; for an initrd "" */
};

/* What the user asked for; strings and descriptors stay the caller's and outlive the image. */
struct boot_config {
    const char *path;
    int fd; /* of the kernel, open for reading */
    enum boot_kind kind;
    bool flat_addr_given;
    uint64_t flat_addr;
    const char *append;                     /* NULL: none */
    const struct boot_module_file *modules; /* the initrd, if any, first */
    size_t module_num;
    const struct boot_map_entry *map; /* ascending, disjoint */
    size_t map_num;
    const void *dtb; /* given to guests with acre's ELF note as the last module, "acre,dtb" */
    size_t dtb_size;
};

enum cpu_mode {
    CPU_MODE_REAL,        /* 16-bit */
    CPU_MODE_PROTECTED32, /* flat segments, no paging */
    CPU_MODE_LONG64,      /* paging by boot_entry.cr3, CPL 0 */
};

/* How the first CPU starts. Registers not named are 0; IF=0. */
struct boot_entry {
    enum cpu_mode mode;
    uint64_t rip, rsp, rax, rbx, rdx, rsi, rdi;
    uint64_t cr3; /* LONG64 */
    uint64_t gdt; /* gpa of a GDT laid out by load_place (32 and 64) */
    uint16_t gdt_limit;
    uint16_t cs, ss; /* REAL: CS = DS = ES value, SS; else unused */
    bool dl_boot_drive;
};

struct boot_image; /* private */

/*
 * @config  copied; what it points to is not.
 * @why     caller's buffer for one line: what was chosen and why the others did not fit.
 * Returns: 0; -ENOEXEC not a kernel of the wanted kind; -EINVAL a hostile or truncated header;
 * -errno of a read. err says which file.
 */
int load_open(const struct boot_config *config, struct boot_image **image, char *why,
              size_t why_size, struct error *err) __attribute__((warn_unused_result));
enum boot_kind load_kind(const struct boot_image *image);
/*
 * May be called again after a reset. Nothing placed overlaps the image, a module, page 0 or
 * 0x8000-0x9fff; all of .bss is zeroed.
 * Returns: 0; -ENOSPC no room in the guest's RAM for something; -EFAULT the image does not lie in
 * RAM; -errno of a read. err names the file.
 */
int load_place(struct boot_image *image, AddressSpace *as, struct boot_entry *entry,
               struct error *err) __attribute__((warn_unused_result));
/* Accepts NULL. Closes nothing. */
void load_close(struct boot_image *image);

const char *boot_kind_name(enum boot_kind kind);
/* Returns: 0 or -EINVAL. Names as on the command line: auto pvh multiboot2 multiboot1 elf flat16 ..
 */
int boot_kind_parse(const char *name, enum boot_kind *kind) __attribute__((warn_unused_result));

#endif
