/* debugexit-second.c - the port that QEMU's isa-debug-exit has by default, with QEMU's status. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\noptions = --exit-status qemu\nstatus = 85\nout = ^ends with 42$\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    console_printf("ends with 42\n");
    console_flush();
    outb(0x501, 42);
    return GUEST_EXIT_FAIL;
}
