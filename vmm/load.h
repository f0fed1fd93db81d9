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

/*
 * acre's own ELF note: a PT_NOTE entry with this name (namesz 5) and type and a description of 4
 * bytes, little-endian flags. No flag is defined; a kernel that sets one is refused. Kernels that
 * carry it get boot_config.dtb as their last module.
 */
#define ACRE_NOTE_NAME "acre"
#define ACRE_NOTE_TYPE 1
/* Of the same name: text for `acre test`, see test_guest.h. */
#define ACRE_NOTE_TEST_TYPE 2
#define ACRE_DTB_CMDLINE "acre,dtb"

/*
 * The GDT that load_place lays out for 32- and 64-bit entries, and the selectors of the entry
 * state. CODE is a 32-bit segment for PROTECTED32 and a 64-bit one for LONG64; CODE and DATA have
 * base 0 and limit 4 GiB; TSS is a busy TSS of the mode's width, base 0, limit 0x67.
 */
enum boot_gdt_selector {
    BOOT_GDT_CODE = 0x08,
    BOOT_GDT_DATA = 0x10,
    BOOT_GDT_TSS = 0x18, /* 16 bytes in LONG64 */
};

/* One entry of the memory map a guest sees; E820 types. */
struct boot_map_entry {
    uint64_t first, last; /* guest-physical, inclusive */
    enum boot_map_type { BOOT_MAP_RAM = 1, BOOT_MAP_RESERVED = 2 } type;
};

struct boot_module_file {
    const char *path;
    int fd;              /* open for reading */
    const char *cmdline; /* what the guest is told, word for word; for an initrd "" */
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

/*
 * How the first CPU starts. Registers not named are 0; IF=0.
 *   PVH            PROTECTED32, RBX = hvm_start_info
 *   Multiboot 1    PROTECTED32, RAX = 0x2BADB002, RBX = information structure
 *   Multiboot 2    PROTECTED32, RAX = 0x36d76289, RBX = information structure
 *   ELF32, flat32  PROTECTED32, RBX = RDI = hvm_start_info, a stack
 *   ELF64, flat64  LONG64, RDI = RBX = hvm_start_info, a stack
 *   flat16         REAL, SS:SP = 0:7c00
 * A stack has 16 KiB below RSP and a return address of 0 at RSP, aligned as at the first
 * instruction of a C function. CR0 is PE, or PE and PG in LONG64; NW and CD are clear.
 */
struct boot_entry {
    enum cpu_mode mode;
    uint64_t rip, rsp, rax, rbx, rdx, rsi, rdi;
    uint64_t cr3; /* LONG64 */
    uint64_t gdt; /* gpa of a GDT laid out by load_place (32 and 64) */
    uint16_t gdt_limit;
    uint16_t cs, ss;    /* REAL: CS = DS = ES value, SS; else unused */
    bool dl_boot_drive; /* REAL: a boot sector, DL = 80h (rdx says so, too) */
};

struct boot_image; /* private */

/*
 * Files must be regular ones (open them with O_NONBLOCK, or a FIFO blocks the open itself).
 * @config  copied; what it points to is not.
 * @why     caller's buffer for one line: what was chosen and why the others did not fit. May be
 *          NULL (with size 0), which saves looking at kinds after the chosen one.
 * Returns: 0; -ENOEXEC not a kernel of the wanted kind; -EINVAL a hostile or truncated header, or
 * options that do not go together; -EISDIR; -ENOMEM; -errno of a read. err says which file.
 * Cost: fstat of each file, one pread of up to 32 KiB; a few more where an ELF's headers or notes
 * lie behind that.
 */
int load_open(const struct boot_config *config, struct boot_image **image, char *why,
              size_t why_size, struct error *err) __attribute__((warn_unused_result));
enum boot_kind load_kind(const struct boot_image *image);
/* An ELF file of class 32. */
bool load_is_elf32(const struct boot_image *image);
/*
 * May be called again after a reset. Nothing placed overlaps the image, a module, page 0 or
 * 0x8000-0x9fff; all of .bss is zeroed.
 * Returns: 0; -ENOSPC no room in the guest's RAM for something; -EFAULT the image does not lie in
 * RAM; -EINVAL a file shrank; -ENOMEM; -errno of a read. err names the file.
 * Context: a registered thread (memory_thread_register), no vCPU running.
 * Cost: one pread for each segment and module that the first 32 KiB do not hold, straight into
 * guest memory.
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
