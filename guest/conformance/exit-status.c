/* exit-status.c - the number written to the debug-exit port is the exit status. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nstatus = 42\nerr = status 42\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    report(true, "a guest that ends with status 42");
    (void)report_finish();
    return 42;
}
