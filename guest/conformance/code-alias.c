/* code-alias.c - code runs in an alias of RAM, also where two aliases put pages side by side. */
#include "guest/lib/guest.h"

TEST_NOTE("board = code.dtb\n");

#define RAM 0x800000
#define ALIAS 0x10000000
#define SECOND_SHOWN 0x901000 /* at 0xd0200000 */
#define FIRST_SHOWN 0x900000  /* at 0xd0201000 */
#define PAIR_BORDER 0xd0201000

int main(const struct boot_info *boot)
{
    (void)boot;
    code_put_return(RAM + 0x123, 21);
    report(code_call(ALIAS + 0x123) == 21, "written to RAM, run in the alias");
    code_put_return(ALIAS + 0x456, 22);
    report(code_call(RAM + 0x456) == 22, "written to the alias, run in RAM");
    code_put_return(PAIR_BORDER - 3, 23);
    report(code_call(PAIR_BORDER - 3) == 23, "over the border of two aliases");
    report(mmio_read8(SECOND_SHOWN + 0xffd) == 0xb8 && mmio_read8(FIRST_SHOWN + 2) == 0xc3,
           "its halves lie apart in RAM");
    report(mmio_read8(SECOND_SHOWN + 0x1000) == 0, "and not one after the other");
    return report_finish();
}
