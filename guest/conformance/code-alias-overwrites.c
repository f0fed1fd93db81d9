/*
 * code-alias-overwrites.c - code changed through an alias is what runs next: between two calls, and
 * while it runs, by itself.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = code.dtb\n");

#define RAM 0x800000
#define ALIAS 0x10000000

/*
 * Changes, through the alias, the number that it is about to load. CPUID between: a CPU has to
 * look at code again only then.
 */
static const uint8_t changes_itself[] = {
    0x53,                                                    /*  0: push %rbx */
    0xc7, 0x04, 0x25, 0x15, 0x00, 0x00, 0x00, 0x2c, 0, 0, 0, /* 1: movl $44, ALIAS + 0x15 */
    0x31, 0xc0,                                              /* 12: xor %eax, %eax */
    0x0f, 0xa2,                                              /* 14: cpuid */
    0x90, 0x90, 0x90, 0x90,                                  /* 16: nop */
    0xb8, 0x07, 0x00, 0x00, 0x00,                            /* 20: mov $7, %eax */
    0x5b,                                                    /* 25: pop %rbx */
    0xc3,                                                    /* 26: ret */
};

int main(const struct boot_info *boot)
{
    (void)boot;
    code_put_return(RAM, 31);
    report(code_call(RAM) == 31, "before");
    mmio_write32(ALIAS + CODE_RETURN_VALUE, 32);
    report(code_call(RAM) == 32, "changed through the alias");
    report(code_call(ALIAS) == 32, "and in the alias");
    mmio_write32(RAM + CODE_RETURN_VALUE, 33);
    report(code_call(ALIAS) == 33, "changed in RAM, run in the alias");
    memcpy((void *)RAM, changes_itself, sizeof(changes_itself));
    mmio_write32(RAM + 4, (uint32_t)ALIAS + 0x15);
    report(code_call(RAM) == 44, "code that changes itself through the alias");
    return report_finish();
}
