/* keyboard-controller.c - the i8042's commands and what they answer; nobody is at the other end. */
#include "guest/lib/guest.h"

TEST_NOTE("");

enum { DATA = 0x60, COMMAND = 0x64, PORT92 = 0x92 };
enum { OBF = 0x01, SYS = 0x04, CD = 0x08, UNLOCKED = 0x10, AUX = 0x20, TIMEOUT = 0x40 };

static uint8_t ask(uint8_t command)
{
    outb(COMMAND, command);
    return inb(COMMAND) & OBF ? inb(DATA) : 0xee;
}

static void tell(uint8_t command, uint8_t value)
{
    outb(COMMAND, command);
    outb(DATA, value);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    report(inb(COMMAND) == UNLOCKED, "the status at first");
    report(ask(0xaa) == 0x55 && inb(COMMAND) == (UNLOCKED | CD | SYS), "the self-test passes");
    report(ask(0xab) == 0 && ask(0xa9) != 0, "a keyboard's interface, no mouse's");
    tell(0x60, 0x30);
    report(ask(0x20) == 0x30 && inb(COMMAND) == (UNLOCKED | CD), "the command byte and its flag");
    tell(0x60, 0x34);
    report(inb(COMMAND) == (UNLOCKED | SYS), "which the status shows");
    outb(COMMAND, 0xae);
    outb(COMMAND, 0xa8);
    report(ask(0x20) == 0x04, "interfaces are enabled in it");
    outb(COMMAND, 0xad);
    outb(COMMAND, 0xa7);
    report(ask(0x20) == 0x34, "and disabled");
    tell(0x7f, 0x5a);
    report(ask(0x3f) == 0x5a && ask(0x20) == 0x34, "its memory");
    tell(0xd2, 0x99);
    report(inb(COMMAND) == (UNLOCKED | SYS | OBF) && inb(DATA) == 0x99, "a byte as the keyboard's");
    outb(DATA, 0xed);
    report(inb(COMMAND) == (UNLOCKED | SYS | OBF | TIMEOUT) && inb(DATA) == 0xfe,
           "a keyboard does not answer");
    tell(0xd4, 0xff);
    report(inb(COMMAND) == (UNLOCKED | SYS | OBF | TIMEOUT | AUX) && inb(DATA) == 0xfe,
           "nor does a mouse");
    tell(0xd1, 0x81); /* bit 0 high: no reset; A20 off */
    report((ask(0xd0) & 2) == 0 && (inb(PORT92) & 2) == 0, "A20 off, seen in port 0x92");
    outb(PORT92, 2);
    report((ask(0xd0) & 2) != 0, "and on, seen in the output port");
    outb(COMMAND, 0xff);
    outb(COMMAND, 0xf1);
    report(ask(0xa4) == 0xf1, "pulses of other bits reset nothing");
    return report_finish();
}
