/* pvpanic-crash-loaded.c - a guest that deals with its panic itself is told of, and goes on. */
#include "guest/lib/guest.h"

TEST_NOTE("err = guest panicked, and deals with it itself\n");

#define PVPANIC 0x505

int main(const struct boot_info *boot)
{
    (void)boot;
    report((inb(PVPANIC) & 2) != 0, "it takes a panic that the guest deals with");
    outb(PVPANIC, 2);
    report(true, "the guest goes on");
    return report_finish();
}
