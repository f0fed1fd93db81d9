/*
 * gdb_registers.h - a vCPU's registers as gdb sees them: numbers, sizes, the target description
 * that says so, and the values' way in and out of KVM's structures.
 *
 * The layout is one of two, whatever mode the guest is in: it may change its mode under the
 * debugger, but gdb's idea of the architecture is its symbol file's, and it takes no other. Segment
 * registers show selectors; bases of FS and GS have registers of their own.
 *
 * Source: GDB manual, G.5.16 "i386 Features", G.2 "Target Description Format"; KVM api.rst
 * KVM_GET_REGS, KVM_GET_SREGS, KVM_GET_FPU.
 * Context: any thread; pure.
 */
#ifndef ACRE_VMM_GDB_REGISTERS_H
#define ACRE_VMM_GDB_REGISTERS_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gdb_registers {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_fpu fpu;
    uint64_t kernel_gs_base; /* the MSR that SWAPGS takes from */
};

/* Which of them a write has changed. */
enum {
    GDB_CHANGED_REGS = 1 << 0,
    GDB_CHANGED_SREGS = 1 << 1,
    GDB_CHANGED_FPU = 1 << 2,
    GDB_CHANGED_KERNEL_GS_BASE = 1 << 3,
    GDB_CHANGED_MXCSR = 1 << 4, /* fpu.mxcsr alone */
};

enum { GDB_REGISTER_SIZE_MAX = 16 };

enum gdb_arch {
    GDB_ARCH_X86_64,
    GDB_ARCH_I386, /* the low halves of what it has of them */
};

/* How many there are; they are numbered from 0, and `g` has them in this order. */
unsigned gdb_register_num(enum gdb_arch arch);
/* Bytes, 4 to GDB_REGISTER_SIZE_MAX. @number < gdb_register_num() */
size_t gdb_register_size(enum gdb_arch arch, unsigned number);
const char *gdb_register_name(enum gdb_arch arch, unsigned number);
/* @value  gdb_register_size() bytes, the lowest first. */
void gdb_register_get(enum gdb_arch arch, const struct gdb_registers *registers, unsigned number,
                      void *value);
/* Returns: what changed, one GDB_CHANGED_ bit, or 0: it had that value, or has a fixed one. */
unsigned gdb_register_set(enum gdb_arch arch, struct gdb_registers *registers, unsigned number,
                          const void *value);

/*
 * A piece of the target description ("target.xml") from byte `offset`.
 * Returns: how many bytes were written to `data`, at most `len`; 0 at its end.
 */
size_t gdb_target_xml(enum gdb_arch arch, size_t offset, char *data, size_t len);

#endif
