/* pio-widths.c - a byte-wide device takes words and double words as bytes at consecutive ports. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define DEVICE 0x2e8
#define LOW (DEVICE + SERIAL_DATA) /* with DLAB: two bytes that hold what is written */
#define HIGH (DEVICE + SERIAL_IER)
#define LCR (DEVICE + SERIAL_LCR)
#define SCRATCH (DEVICE + SERIAL_SCR)

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(LCR, SERIAL_LCR_DLAB);
    outb(SCRATCH, 0x5a);
    report(inb(SCRATCH) == 0x5a, "a byte is written and read back");
    report(inw(SCRATCH - 1) >> 8 == 0x5a, "it is the high half of the word below");
    report(inl(SCRATCH - 3) >> 24 == 0x5a, "and the top byte of the double word below");
    outw(LOW, 0xc33c);
    report(inb(LOW) == 0x3c && inb(HIGH) == 0xc3, "a word write: the low byte at the lower port");
    report(inw(LOW) == 0xc33c, "and it reads as it was written");
    outl(LOW, 0x83001122);
    report(inw(LOW) == 0x1122 && inb(LCR) == 0x83, "a double word write reaches all four");
    report((inl(LOW) & 0xff00ffff) == 0x83001122, "and reads back");
    outw(LCR - 2, 0x0044);
    report(inb(HIGH) == 0x44, "an unaligned word");
    outl(DEVICE + SERIAL_LSR - 1, 0x99000000);
    report(inb(SCRATCH) == 0x99, "a double word at its aligned upper half");
    return report_finish();
}
