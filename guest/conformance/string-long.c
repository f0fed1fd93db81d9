/* string-long.c - rep ins and outs over more than a page, from and to odd addresses, both ways. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\ntimeout = 60\n");

#define DEVICE 0x2e8
#define SCRATCH (DEVICE + SERIAL_SCR)
#define COUNT 5000
#define GUARD 0x77

static uint8_t buf[COUNT + 16] __attribute__((aligned(4096)));

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(DEVICE + SERIAL_LCR, SERIAL_LCR_DLAB);
    outb(SCRATCH, 0x81);
    outw(DEVICE, 0x8282);
    memset(buf, GUARD, sizeof(buf));
    insb(SCRATCH, buf + 7, COUNT);
    report(memory_is(buf, GUARD, 7) && memory_is(buf + 7, 0x81, COUNT) &&
               memory_is(buf + 7 + COUNT, GUARD, 9),
           "%u bytes upwards", COUNT);
    insw_down(DEVICE, buf + 7 + COUNT - 2, COUNT / 2);
    report(memory_is(buf, GUARD, 7) && memory_is(buf + 7, 0x82, COUNT) &&
               memory_is(buf + 7 + COUNT, GUARD, 9),
           "%u words downwards, over page ends", COUNT / 2);
    buf[7] = 0x11;
    buf[6 + COUNT] = 0x22;
    outsb(SCRATCH, buf + 7, COUNT);
    report(inb(SCRATCH) == 0x22, "written upwards: the last byte stays");
    outsb_down(SCRATCH, buf + 6 + COUNT, COUNT);
    report(inb(SCRATCH) == 0x11, "downwards: the first");
    return report_finish();
}
