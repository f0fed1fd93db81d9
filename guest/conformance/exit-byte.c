/* exit-byte.c - one byte written to the debug-exit port ends the run as well. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nstatus = 7\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    report(true, "a guest that ends by one byte");
    (void)report_finish();
    console_flush();
    outb(0xf4, 7);
    return 3;
}
