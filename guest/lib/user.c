/*
 * user.c - a GDT with segments for level 3 and a TSS. user_run() leaves by IRETQ to a frame of its
 * own making; the handler of #UD makes its frame lead back to where that was.
 */
#include "guest/lib/user.h"

#include "guest/lib/interrupt.h"
#include "guest/lib/start.h"
#include "guest/lib/string.h"

#define USER_DATA (3 * 8 + 3)
#define USER_CODE (4 * 8 + 3)
#define TSS (5 * 8)
#define TSS_RSP0 4

#define PAGE_MASK (~UINT64_C(0xfff))
#define PAGE_USER 4
#define LARGE_PAGES 8 /* of 2 MiB: 16 MiB */
#define VECTOR_UD 6

/* In a page of its own: what shares a page with it could not be watched. */
static union {
    struct {
        uint64_t gdt[7];
        uint8_t tss[0x68];
    } tables;
    uint8_t page[4096];
} user __attribute__((aligned(4096)));

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* Where user_run() goes on: RIP, RSP. */
uint64_t user_back[2];
void user_enter(uint64_t code, uint64_t stack, uint64_t rsi);

__asm__(".globl user_enter\n"
        "user_enter:\n"
        "    pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "    leaq 1f(%rip), %rax\n"
        "    movq %rax, user_back(%rip)\n"
        "    movq %rsp, user_back+8(%rip)\n"
        "    pushq $3*8+3; pushq %rsi; pushq $0x202; pushq $4*8+3; pushq %rdi\n"
        "    movq %rdx, %rsi\n"
        "    iretq\n"
        "1:  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
        "    ret\n");

static void leave(struct interrupt_frame *frame, void *opaque)
{
    (void)opaque;
    frame->rip = user_back[0];
    frame->rsp = user_back[1];
    frame->cs = SELECTOR_CODE64;
    frame->ss = SELECTOR_DATA;
    frame->rflags = 2; /* interrupts off */
}

/* All levels of the first 16 MiB. */
static void open_pages(void)
{
    uint64_t cr3, *table;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    table = (uint64_t *)(uintptr_t)(cr3 & PAGE_MASK);
    for (unsigned level = 4; level > 2; level--) {
        table[0] |= PAGE_USER;
        table = (uint64_t *)(uintptr_t)(table[0] & PAGE_MASK);
    }
    for (unsigned i = 0; i < LARGE_PAGES; i++) {
        table[i] |= PAGE_USER;
    }
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

void user_init(uint64_t rsp0)
{
    uint64_t *gdt = user.tables.gdt, tss = (uint64_t)(uintptr_t)user.tables.tss;
    const struct table_pointer pointer = {.limit = sizeof(user.tables.gdt) - 1,
                                          .base = (uint64_t)(uintptr_t)gdt};

    gdt[SELECTOR_CODE64 / 8] = 0x00af9b000000ffff;
    gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffff;
    gdt[USER_DATA / 8] = 0x00cff3000000ffff;
    gdt[USER_CODE / 8] = 0x00affb000000ffff;
    gdt[TSS / 8] = (sizeof(user.tables.tss) - 1) | (tss & 0xffffff) << 16 | UINT64_C(0x89) << 40;
    memcpy(user.tables.tss + TSS_RSP0, &rsp0, sizeof(rsp0));
    __asm__ volatile("lgdt %0; ltr %w1" : : "m"(pointer), "r"(TSS) : "memory");
    interrupt_set(VECTOR_UD, leave, 0);
    open_pages();
}

void user_run(uint64_t code, uint64_t stack, uint64_t rsi)
{
    user_enter(code, stack, rsi);
}
