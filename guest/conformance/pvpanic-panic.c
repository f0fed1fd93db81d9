/* pvpanic-panic.c - a guest that says it panicked ends with the status of a panic. */
#include "guest/lib/guest.h"

TEST_NOTE("status = 122\n"
          "err = ^acre: guest panicked$\n");

#define PVPANIC 0x505

int main(const struct boot_info *boot)
{
    (void)boot;
    report((inb(PVPANIC) & 1) != 0, "it takes a panic");
    outb(PVPANIC, 0);
    outb(PVPANIC, 0xf8);
    report(true, "other bits are not one");
    report_finish();
    outb(PVPANIC, 1);
    guest_exit(GUEST_EXIT_FAIL);
}
