/* shutdown-acpi.c - SLP_EN with the soft-off type switches off; what only looks like it does not.
 */
#include "guest/lib/guest.h"

TEST_NOTE("options = -v\n"
          "err = ^acre: guest powered off$\n");

#define CONTROL 0x604
enum { SLP_EN = 0x2000, SLP_TYP_SHIFT = 10, SLP_TYP_S3 = 1, SLP_TYP_S5 = 5 };

int main(const struct boot_info *boot)
{
    (void)boot;
    outw(CONTROL, SLP_TYP_S5 << SLP_TYP_SHIFT);
    report(inw(CONTROL) == (SLP_TYP_S5 << SLP_TYP_SHIFT | 1), "the type alone is kept");
    outw(CONTROL, SLP_TYP_S3 << SLP_TYP_SHIFT | SLP_EN);
    report((inw(CONTROL) & SLP_EN) == 0, "SLP_EN reads 0; another sleep does nothing");
    outb(CONTROL, 0x34);
    report(true, "nor does the high byte's value in the low byte");
    report_finish();
    outw(CONTROL, SLP_TYP_S5 << SLP_TYP_SHIFT | SLP_EN);
    delay_ms(1000);
    return GUEST_EXIT_FAIL;
}
