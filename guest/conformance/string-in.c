/* string-in.c - rep ins of each width upwards fills what it should and nothing else. */
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
    insb(SCRATCH, buf + 8, 9);
    report(memory_is(buf, GUARD, 8) && memory_is(buf + 8, 0x81, 9) && memory_is(buf + 17, GUARD, 8),
           "9 bytes");
    memset(buf, GUARD, sizeof(buf));
    insw(DEVICE, buf + 8, 3);
    report(memcmp(buf + 8, "\x3c\xc3\x3c\xc3\x3c\xc3", 6) == 0, "3 words, each of the same port");
    report(memory_is(buf, GUARD, 8) && memory_is(buf + 14, GUARD, 8), "and nothing around them");
    memset(buf, GUARD, sizeof(buf));
    insl(SCRATCH, buf + 9, 2);
    report(buf[9] == 0x81 && buf[13] == 0x81, "2 double words, unaligned");
    report(memory_is(buf, GUARD, 9) && memory_is(buf + 17, GUARD, 8), "and nothing around them");
    insb(SCRATCH, buf + 24, 0);
    report(memory_is(buf + 24, GUARD, 8), "a count of 0 does nothing");
    return report_finish();
}
