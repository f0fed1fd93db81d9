/* exit-unhandled.c - an exception that nobody handles is reported by the guest: status 99. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nstatus = 99\nout = unhandled exception 6 error 0x0 rip 0x1\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    report(true, "a guest that executes ud2");
    (void)report_finish();
    __asm__ volatile("ud2");
    return 0;
}
