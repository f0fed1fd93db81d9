/* reset-state.c - after a reset the PC's devices are as at power-on, but the clock's memory stays.
 */
#include "guest/lib/guest.h"
#include "guest/lib/hpet.h"

TEST_NOTE("options = --reboot\n");

#define BEEN_HERE 0x52

static void leave_things_behind(void)
{
    cmos_write(BEEN_HERE, 0xa5);
    hpet_start(0, HPET_PERIODIC | HPET_LEVEL, 100, HPET_LEGACY);
    outw(0x602, 0x0721);
    outb(0x604, 0x02);
    outb(0x92, 0xc2);
    outb(0x64, 0x60); /* the keyboard controller's command byte */
    outb(0x60, 0x01);
    outb(0x443, 13); /* the watchdog: 4 s */
    outb(0x61, 3);
    delay_ms(2);
    outb(0xcf9, 0x06);
    delay_ms(1000);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    if (cmos_read(BEEN_HERE) != 0xa5) {
        leave_things_behind();
        return GUEST_EXIT_FAIL;
    }
    report(hpet_read(HPET_CONFIG) == 0, "HPET: off");
    report(hpet_read(HPET_COUNTER) == 0, "its counter is 0");
    report(hpet_read(HPET_STATUS) == 0, "nothing is pending");
    report((hpet_read(0x100) & 0xffff) == 0x30, "a timer is as at power-on");
    report(inl(0x600) == 0, "ACPI: no event, none enabled");
    report(inw(0x604) == 1, "its control is as at power-on");
    report(inl(0x608) < 3 * 3579545, "its timer started again");
    report(inb(0xcf9) == 0, "reset control: 0");
    report((inb(0x92) & 0xc1) == 0, "port 0x92: no reset, no light");
    report((inb(0x61) & 0x0f) == 0, "port 0x61: no speaker, no gate");
    outb(0x64, 0x20);
    report(inb(0x60) == 0x30, "keyboard controller: both interfaces off");
    return report_finish();
}
