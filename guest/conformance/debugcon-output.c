/* debugcon-output.c - the debug console takes bytes and strings, in order, and tells that it is
 * there. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\nout = ^one two three$\nout = ^0000111122223333$\n");

#define DEBUGCON 0xe9

int main(const struct boot_info *boot)
{
    static const char text[] = "two three\n", digits[] = "\n3333222211110000";

    (void)boot;
    outb(DEBUGCON, 'o');
    outb(DEBUGCON, 'n');
    outb(DEBUGCON, 'e');
    outb(DEBUGCON, ' ');
    outsb(DEBUGCON, text, sizeof(text) - 1);
    outsb_down(DEBUGCON, digits + sizeof(digits) - 2, sizeof(digits) - 1);
    report(inb(DEBUGCON) == DEBUGCON, "it reads as its own number");
    return report_finish();
}
