/* uart-break.c - while a port sends a break, what is written to it is not sent. */
#include "guest/lib/guest.h"

TEST_NOTE("out = ^# before after$\n");

int main(const struct boot_info *boot)
{
    static const char unheard[] = "unheard";

    uint8_t status;

    (void)boot;
    console_printf("# before ");
    console_flush();
    outb(SERIAL_PORT + SERIAL_LCR, SERIAL_LCR_8N1 | 0x40);
    outsb(SERIAL_PORT, unheard, sizeof(unheard) - 1);
    status = inb(SERIAL_PORT + SERIAL_LSR);
    outb(SERIAL_PORT + SERIAL_LCR, SERIAL_LCR_8N1);
    console_printf("after\n");
    report(status & SERIAL_LSR_TEMT, "its time passes all the same");
    return report_finish();
}
