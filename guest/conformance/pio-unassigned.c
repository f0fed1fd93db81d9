/* pio-unassigned.c - ports that nothing claims read all ones at each width, and take any write. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\n");

static const uint16_t ports[] = {0x5f0, 0x5f1, 0x5f3, 0xa00, 0x7ffe, 0xfffc};

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        uint16_t port = ports[i];

        outb(port, 0);
        outw(port, 0);
        outl(port, 0);
        report(inb(port) == 0xff, "a byte of port 0x%x", port);
        report(inw(port) == 0xffff, "a word of port 0x%x", port);
        report(inl(port) == 0xffffffff, "a double word of port 0x%x", port);
    }
    report(inb(0xffff) == 0xff, "the last port");
    return report_finish();
}
