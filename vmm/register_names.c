/* register_names.c - one table: each register's name, and where KVM's structures have it. */
#include "vmm/register_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset; /* in struct kvm_regs, or in struct kvm_sregs */
    bool system;
} registers[] = {
#define GENERAL(name)                                                                              \
    {                                                                                              \
#name, offsetof(struct kvm_regs, name), false                                              \
    }
#define SYSTEM(name, field)                                                                        \
    {                                                                                              \
        name, offsetof(struct kvm_sregs, field), true                                              \
    }
    GENERAL(rax),
    GENERAL(rbx),
    GENERAL(rcx),
    GENERAL(rdx),
    GENERAL(rsi),
    GENERAL(rdi),
    GENERAL(rbp),
    GENERAL(rsp),
    GENERAL(r8),
    GENERAL(r9),
    GENERAL(r10),
    GENERAL(r11),
    GENERAL(r12),
    GENERAL(r13),
    GENERAL(r14),
    GENERAL(r15),
    GENERAL(rip),
    GENERAL(rflags),
    SYSTEM("cr0", cr0),
    SYSTEM("cr2", cr2),
    SYSTEM("cr3", cr3),
    SYSTEM("cr4", cr4),
    SYSTEM("efer", efer),
    SYSTEM("cs_base", cs.base),
    SYSTEM("ds_base", ds.base),
    SYSTEM("ss_base", ss.base),
    SYSTEM("gdt_base", gdt.base),
    SYSTEM("idt_base", idt.base),
#undef GENERAL
#undef SYSTEM
};
_Static_assert(sizeof(registers) / sizeof(registers[0]) == REGISTER_NAMES_NUM, "as promised");

const char *register_name(unsigned i)
{
    return registers[i].name;
}

uint64_t register_value(const struct kvm_regs *regs, const struct kvm_sregs *sregs, unsigned i)
{
    const char *base = registers[i].system ? (const char *)sregs : (const char *)regs;
    uint64_t value;

    memcpy(&value, base + registers[i].offset, sizeof(value));
    return value;
}
