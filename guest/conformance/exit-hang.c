/* exit-hang.c - a CPU that halts with interrupts off, for good, ends the run with status 121. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 121\nout = these are its last words\n");

int main(const struct boot_info *boot)
{
    (void)boot;
    report(true, "a guest that hangs; these are its last words");
    (void)report_finish();
    console_flush();
    guest_hang();
}
