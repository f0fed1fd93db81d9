/*
 * crash_code.c - capstone decodes instruction by instruction; what it does not know is shown as a
 * byte, and decoding goes on behind it.
 */
#include "vmm/crash_code.h"

#include <capstone/capstone.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

/*
 * capstone's archive refers to two functions of each architecture. Defined here, those of others
 * than x86 keep their members of the archive, several MB and thousands of relocations at every
 * start, out of the program. cs_open() of one of them would fail; nobody calls it.
 */
#define ABSENT(arch)                                                                               \
    cs_err arch##_global_init(void *handle);                                                       \
    cs_err arch##_option(void *handle, cs_opt_type type, size_t value);                            \
    cs_err arch##_global_init(void *handle)                                                        \
    {                                                                                              \
        (void)handle;                                                                              \
        return CS_ERR_ARCH;                                                                        \
    }                                                                                              \
    cs_err arch##_option(void *handle, cs_opt_type type, size_t value)                             \
    {                                                                                              \
        (void)handle, (void)type, (void)value;                                                     \
        return CS_ERR_ARCH;                                                                        \
    }

ABSENT(AArch64)
ABSENT(ARM)
ABSENT(EVM)
ABSENT(M680X)
ABSENT(M68K)
ABSENT(Mips)
ABSENT(PPC)
ABSENT(Sparc)
ABSENT(SystemZ)
ABSENT(TMS320C64x)
ABSENT(XCore)

#define CR0_PE UINT64_C(1)
#define EFER_LMA UINT64_C(0x400)

unsigned code_bits(const struct kvm_sregs *sregs)
{
    if ((sregs->efer & EFER_LMA) && sregs->cs.l) {
        return 64;
    }
    return (sregs->cr0 & CR0_PE) && sregs->cs.db ? 32 : 16;
}

static void take(struct code_line *line, const cs_insn *insn)
{
    line->len = insn->size <= CODE_LEN_MAX ? insn->size : CODE_LEN_MAX;
    memcpy(line->bytes, insn->bytes, line->len);
    (void)snprintf(line->text, sizeof(line->text), "%.31s%s%.39s", insn->mnemonic,
                   insn->op_str[0] != '\0' ? " " : "", insn->op_str);
}

static void take_byte(struct code_line *line, uint8_t byte)
{
    line->len = 1;
    line->bytes[0] = byte;
    (void)snprintf(line->text, sizeof(line->text), "(bad)");
}

size_t code_disassemble(unsigned bits, uint64_t addr, const uint8_t *bytes, size_t len,
                        struct code_line *lines, size_t line_max)
{
    cs_mode mode = bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16;
    size_t num = 0, done = 0;
    cs_insn *insn = NULL;
    csh handle = 0;

    if (cs_open(CS_ARCH_X86, mode, &handle) == CS_ERR_OK) {
        insn = cs_malloc(handle);
    }
    while (num < line_max && done < len) {
        struct code_line *line = &lines[num++];
        const uint8_t *code = bytes + done;
        size_t left = len - done;
        uint64_t at = addr + done;

        *line = (struct code_line){.addr = at};
        if (insn && cs_disasm_iter(handle, &code, &left, &at, insn)) {
            take(line, insn);
        } else {
            take_byte(line, bytes[done]);
        }
        done += line->len > 0 ? line->len : 1;
    }
    if (insn) {
        cs_free(insn, 1);
    }
    if (handle) {
        (void)cs_close(&handle);
    }
    return num;
}
