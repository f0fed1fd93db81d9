/*
 * watch-tables.c - a guest moves its page tables, its GDT and its IDT into pages whose writes are
 * watched: it runs on as ever, and the watches are told that they end.
 */
#include "guest/lib/guest.h"

TEST_NOTE(
    "options = --watch 0x402ff8:8:w --watch 0x403ff8:8:w --watch 0x404ff8:8:w --watch "
    "0x405ff8:8:w\n"
    "timeout = 60\n"
    "err = ^acre: warning: watch 1: page 0x402000 has a page table of cpu 0 by now, which KVM uses "
    "by itself: it is not watched any more$\n"
    "err = ^acre: warning: watch 2: page 0x403000 has the GDT of cpu 0 by now, \n"
    "err = ^acre: warning: watch 3: page 0x404000 has the IDT of cpu 0 by now, \n"
    "err = ^acre: watch 1: 0x402ff8, 8 bytes, w: [0-9]+ hits, in part not watched to the end$\n"
    "err = ^acre: watch 4: 0x405ff8, 8 bytes, w: 1 hit$\n");

#define PML4 0x402000
#define GDT 0x403000
#define IDT 0x404000
#define OTHER 0x405ff8
#define PAGE_SIZE 4096

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static volatile unsigned ticks;

static void tick(struct interrupt_frame *frame, void *opaque)
{
    (void)frame, (void)opaque;
    ticks++;
}

static void move(struct table_pointer *pointer, uint64_t to)
{
    memcpy((void *)to, (void *)pointer->base, pointer->limit + 1U);
    pointer->base = to;
}

static void move_tables(void)
{
    struct table_pointer gdt, idt;
    uint64_t cr3;

    __asm__ volatile("mov %%cr3, %0; sgdt %1; sidt %2" : "=r"(cr3), "=m"(gdt), "=m"(idt));
    memcpy((void *)PML4, (void *)cr3, PAGE_SIZE);
    move(&gdt, GDT);
    move(&idt, IDT);
    __asm__ volatile("mov %0, %%cr3; lgdt %1; lidt %2"
                     :
                     : "r"((uint64_t)PML4), "m"(gdt), "m"(idt)
                     : "memory");
}

int main(const struct boot_info *boot)
{
    uint64_t ms = boot_option_number(boot, "ms", 1000);
    struct deadline end;

    move_tables();
    report(true, "the tables are elsewhere");
    pit_ticks_start(2, (uint16_t)(PIT_HZ / 1000 * 10), tick, NULL);
    interrupts_on();
    for (end = deadline_ms((unsigned)ms); !deadline_passed(&end);) {
        cpu_pause();
    }
    interrupts_off();
    irq_disable(PIT_IRQ);
    report(ticks > 10, "interrupts: %u", ticks);
    mmio_write64(PML4 + 0xff8, 0);
    mmio_write64(OTHER, 1);
    report(mmio_read64(OTHER) == 1, "another page is watched still");
    return report_finish();
}
