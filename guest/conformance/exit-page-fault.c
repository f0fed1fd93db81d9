/* exit-page-fault.c - a page fault gives the guest its address and reason. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\n");

#define UNMAPPED UINT64_C(0x10000000000)

static volatile uint64_t addr, error;
static volatile unsigned count;

static void handle(struct interrupt_frame *frame, void *opaque)
{
    addr = read_cr2();
    error = frame->error;
    count++;
    frame->rip = (uintptr_t)opaque;
}

int guest_main(const struct boot_info *boot)
{
    (void)boot;
    __asm__ goto volatile("" :: ::after);
    interrupt_set(14, handle, &&after);
    mmio_write8(UNMAPPED + 5, 1);
    report(false, "the write went through");
after:
    report(count == 1, "one page fault");
    report(addr == UNMAPPED + 5, "at 0x%lx", addr);
    report(error == 2, "a write, to a page that is not there");
    return report_finish();
}
