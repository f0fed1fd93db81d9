/* internal-error.c - code where nothing answers cannot be run: status 126, and the run says why. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nstatus = 126\nerr = crashed|internal error|triple fault\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    report(true, "a guest that jumps to where nothing is");
    (void)report_finish();
    console_flush();
    return code_call(0xd0000000);
}
