/* debugexit-read.c - reading a debug-exit port gives 0 and ends nothing; a byte at any of them
 * does. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\nstatus = 7\nout = ^still there$\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    if (inb(0xf4) || inw(0xf4) || inl(0xf4) || inb(0xf7) || inb(0x501) || inw(0x501)) {
        return GUEST_EXIT_FAIL;
    }
    outb(0x500, 3);
    outb(0xf3, 3);
    outb(0x503, 3);
    console_printf("still there\n");
    console_flush();
    outb(0xf7, 7);
    return GUEST_EXIT_FAIL;
}
