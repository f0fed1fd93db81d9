/*
 * pctestdev-flush.c - the flush port has pages mapped anew: what is in them stays, whoever uses
 * them at that time, and addresses without a page do no harm.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\ncpus = 2\n");

#define FLUSH 0xe4
#define ROUNDS 200

static const uint32_t nowhere[] = {
    0x07fff000, 0x08000000, 0xd0000000, 0xfed00000, 0xfee00000, 0xff000000, 0xfffbc000, 0xffffffff,
};
static volatile uint32_t page[1024] __attribute__((aligned(4096)));
static volatile uint32_t ready, done, interrupts;

static void ap_main(unsigned number)
{
    (void)number;
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    while (!done) {
        __atomic_fetch_add(&page[3], 1, __ATOMIC_SEQ_CST);
        page[4] = page[3];
    }
    __atomic_store_n(&ready, 2, __ATOMIC_SEQ_CST);
}

static void handle(struct interrupt_frame *frame, void *opaque)
{
    (void)frame;
    (void)opaque;
    interrupts++;
}

int main(const struct boot_info *boot)
{
    uint32_t others = 0, mark = 0;
    uint64_t tables;

    (void)boot;
    lapic_enable(false);
    interrupt_set(VECTOR_LAPIC, handle, NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        page[0] = i;
        outl(FLUSH, (uint32_t)(uintptr_t)&page[i]);
        mark += page[0] == i;
        page[1]++;
    }
    report(mark == ROUNDS && page[1] == ROUNDS, "a page, read and written after each flush");
    outl(FLUSH, (uint32_t)(uintptr_t)main);
    outl(FLUSH, (uint32_t)(uintptr_t)&others); /* the stack's */
    __asm__("mov %%cr3, %0" : "=r"(tables));
    outl(FLUSH, (uint32_t)tables);
    lapic_send(0, VECTOR_LAPIC);
    interrupts_window(2);
    report(interrupts == 1, "code, stack and page tables, and an interrupt through them");
    for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        outl(FLUSH, nowhere[i]);
    }
    outb(FLUSH, 0);
    report(mmio_read32(0xd0000000) == 0xffffffff && lapic_id() == 0, "where no page is");
    report(cpu_start(1, ap_main), "the other CPU starts");
    interrupts_until(&ready, 1);
    mark = page[3];
    for (unsigned i = 0; i < ROUNDS || page[3] - mark < ROUNDS; i++) {
        outl(FLUSH, (uint32_t)(uintptr_t)page);
        others += page[4] != 0;
    }
    done = 1;
    interrupts_until(&ready, 2);
    report(ready == 2 && others > 0 && page[3] == page[4], "under a CPU that writes all the time");
    return report_finish();
}
