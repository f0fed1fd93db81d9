/* straddle-ports.c - accesses across the ends of devices: into another one, and into nothing. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define FIRST 0x2e8
#define SECOND 0x2f0
#define LAST 0xfff8 /* to port 0xffff */

static void set_dlab(uint16_t port)
{
    outb((uint16_t)(port + SERIAL_LCR), SERIAL_LCR_DLAB);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    set_dlab(SECOND);
    outw(SECOND - 1, 0x2211);
    report(inb(FIRST + SERIAL_SCR) == 0x11, "a word over two devices: the first has its byte");
    report(inb(SECOND) == 0x22, "the second the other");
    report(inw(SECOND - 1) == 0x2211, "and they read as one word");
    outl(SECOND - 1, 0x00445566);
    report(inb(FIRST + SERIAL_SCR) == 0x66 && inw(SECOND) == 0x4455, "a double word");
    report((inl(SECOND - 1) & 0xffffff) == 0x445566, "reads as well");
    outb(SECOND + SERIAL_SCR, 0x77);
    report(inw(SECOND + SERIAL_SCR) == 0xff77, "a word across the end into nothing: ones");
    report(inl(SECOND + SERIAL_SCR) == 0xffffff77, "a double word, too");
    outw(SECOND + SERIAL_SCR, 0x1288);
    report(inb(SECOND + SERIAL_SCR) == 0x88, "a write there keeps its low byte");
    report(inw(FIRST - 1) >> 8 == inb(FIRST), "and a word that begins in nothing");
    outb(LAST + SERIAL_SCR, 0x3c);
    report(inb(0xffff) == 0x3c, "port 0xffff is a port like others");
    report(inw(0xfffe) >> 8 == 0x3c, "and the upper half of the last word");
    return report_finish();
}
