/* code-rom-overwrites.c - code in ROM that writes over itself goes on unchanged. */
#include "guest/lib/guest.h"

TEST_NOTE("board = rom.dtb\n");

#define ROM 0xe0020000 /* writes 0x55 near its own beginning, returns 7 */

int main(const struct boot_info *boot)
{
    int (*function)(void) = (int (*)(void))(uintptr_t)ROM;
    uint64_t before = mmio_read64(ROM);

    (void)boot;
    report(mmio_read8(ROM) == 0xc6, "the code is there");
    report(function() == 7, "it runs to its end");
    report(mmio_read64(ROM) == before, "its bytes are what they were");
    report(function() == 7, "and runs again");
    return report_finish();
}
