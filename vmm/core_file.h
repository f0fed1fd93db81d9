/*
 * core_file.h - a guest as an ELF core: what gdb, crash and drgn open.
 *
 * ELF64, ET_CORE, EM_X86_64. Notes: NT_PRSTATUS ("CORE") for each CPU, as Linux lays it out, with
 * CPU n as thread n + 1, and NT_PRFPREG; then for each CPU a note "QEMU" of type 0 with what a
 * process lacks: control registers, descriptor tables, whole segments. Memory lies in the file
 * once, range by range at multiples of 4 KiB, pages of zeros as holes; program headers say where it
 * is seen, several for one piece where a guest maps it several times. p_paddr is guest-physical.
 *
 * Source: System V gABI ch. 4, 5; Linux include/uapi/linux/elfcore.h, sys/procfs.h; QEMU
 * target/i386/arch_dump.c (the note's layout, version 1).
 */
#ifndef ACRE_VMM_CORE_FILE_H
#define ACRE_VMM_CORE_FILE_H

#include "vmm/guest_ram.h"
#include "vmm/sparse_file.h"
#include "vmm/vcpu_snapshot.h"

/* A piece of one range of RAM, and where debuggers shall see it. */
struct core_mapping {
    uint64_t vaddr;
    hwaddr paddr;
    uint64_t size; /* bytes */
};

/* More program headers than this need another form of header. */
enum { CORE_MAPPINGS_MAX = 65000 };

struct core {
    const struct vcpu_snapshot *cpus;
    unsigned cpu_num;
    const struct guest_ram *ram;
    const struct core_mapping *mappings; /* each within one range; the first that fits wins */
    size_t mapping_num;                  /* 0..CORE_MAPPINGS_MAX */
};

/*
 * Writes it all to an empty file.
 * Returns: 0; -ENOMEM; -errno of writing.
 * Cost: the headers are built in memory (56 bytes a mapping, under 2 KiB a CPU), RAM is not copied.
 */
int core_write(const struct core *core, struct sparse_file *file)
    __attribute__((warn_unused_result));

/* One CPU's part of the "QEMU" notes. Native byte order. */
struct core_segment {
    uint32_t selector, limit;
    uint32_t flags; /* as the descriptor's upper word has them: type from bit 8, G in bit 23 */
    uint32_t pad;
    uint64_t base;
};
struct core_cpu_state {
    uint32_t version, size; /* 1, of all of it */
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
    struct core_segment cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt;
    uint64_t cr[5]; /* cr[1] is 0 */
    uint64_t kernel_gs_base;
};
_Static_assert(sizeof(struct core_cpu_state) == 440, "version 1");

#endif
