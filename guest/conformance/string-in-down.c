/* string-in-down.c - rep ins with the direction flag set fills downwards. */
#include "guest/lib/guest.h"

TEST_NOTE("board = edges.dtb\n");

#define DEVICE 0x2e8
#define SCRATCH (DEVICE + SERIAL_SCR)
#define GUARD 0x77

static uint8_t buf[64];

int main(const struct boot_info *boot)
{
    (void)boot;
    outb(DEVICE + SERIAL_LCR, SERIAL_LCR_DLAB);
    outw(DEVICE, 0xc33c);
    outb(SCRATCH, 0x81);
    memset(buf, GUARD, sizeof(buf));
    insb_down(SCRATCH, buf + 40, 9);
    report(memory_is(buf + 32, 0x81, 9), "9 bytes, the first at the address given");
    report(memory_is(buf, GUARD, 32) && memory_is(buf + 41, GUARD, 8), "nothing around them");
    memset(buf, GUARD, sizeof(buf));
    insw_down(DEVICE, buf + 20, 3);
    report(memcmp(buf + 16, "\x3c\xc3\x3c\xc3\x3c\xc3", 6) == 0,
           "3 words, their bytes in order all the same");
    report(memory_is(buf, GUARD, 16) && memory_is(buf + 22, GUARD, 8), "nothing around them");
    memset(buf, GUARD, sizeof(buf));
    insl_down(SCRATCH - 3, buf + 16, 3);
    report(buf[19] == 0x81 && buf[15] == 0x81 && buf[11] == 0x81, "3 double words");
    report(memory_is(buf, GUARD, 8) && memory_is(buf + 20, GUARD, 8), "nothing around them");
    return report_finish();
}
