/* code-ram.c - code runs wherever RAM is: put there just now, over a page end, in RAM by itself. */
#include "guest/lib/guest.h"

TEST_NOTE("board = code.dtb\n");

#define RAM 0x800000
#define SRAM 0xd0300000
#define PAGE 0x1000

int main(const struct boot_info *boot)
{
    (void)boot;
    code_put_return(RAM, 11);
    report(code_call(RAM) == 11, "written a moment ago");
    code_put_return(RAM, 12);
    report(code_call(RAM) == 12, "written anew");
    for (unsigned i = 1; i < CODE_RETURN_SIZE; i++) {
        code_put_return(RAM + PAGE - i, 20 + i);
        report(code_call(RAM + PAGE - i) == (int)(20 + i), "%u bytes before the end of a page", i);
    }
    code_put_return(SRAM, 13);
    report(code_call(SRAM) == 13, "in a RAM of one page");
    code_put_return(SRAM + PAGE - CODE_RETURN_SIZE, 14);
    report(code_call(SRAM + PAGE - CODE_RETURN_SIZE) == 14, "in its last bytes");
    return report_finish();
}
