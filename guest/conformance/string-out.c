/* string-out.c - rep outs of each width, up and down: which item comes last, and that all came. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define DEVICE 0x2e8
#define SCRATCH (DEVICE + SERIAL_SCR)

int main(const struct boot_info *boot)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5};
    static const uint16_t words[] = {0x1101, 0x2202, 0x3303};
    static const uint32_t doubles[] = {0x83004401, 0x83005502};

    (void)boot;
    outb(DEVICE + SERIAL_LCR, SERIAL_LCR_DLAB);
    outsb(SCRATCH, bytes, sizeof(bytes));
    report(inb(SCRATCH) == 5, "bytes upwards: the last item stays");
    outsb_down(SCRATCH, bytes + 4, sizeof(bytes));
    report(inb(SCRATCH) == 1, "bytes downwards: the first in memory does");
    outsw(DEVICE, words, 3);
    report(inw(DEVICE) == 0x3303, "words upwards");
    outsw_down(DEVICE, words + 2, 3);
    report(inw(DEVICE) == 0x1101, "words downwards");
    outsl(DEVICE, doubles, 2);
    report(inw(DEVICE) == 0x5502, "double words upwards");
    outsl_down(DEVICE, doubles + 1, 2);
    report(inw(DEVICE) == 0x4401, "double words downwards");
    outsb(SCRATCH, bytes, 1);
    report(inb(SCRATCH) == 1, "one item");
    outsb(SCRATCH, bytes + 1, 0);
    report(inb(SCRATCH) == 1, "none");
    return report_finish();
}
