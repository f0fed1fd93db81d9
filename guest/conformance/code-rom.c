/* code-rom.c - code runs in ROM, at its beginning, across 16-byte blocks, and in its last bytes. */
#include "guest/lib/guest.h"

TEST_NOTE("board = rom.dtb\n");

#define ROM 0xe0010000 /* every 16 bytes: a function that returns 42 */

static int call(uint64_t addr)
{
    int (*function)(void) = (int (*)(void))(uintptr_t)addr;

    return function();
}

int main(const struct boot_info *boot)
{
    (void)boot;
    report(call(ROM) == 42, "at its beginning");
    report(call(ROM + 6) == 42, "from one block into the next");
    report(call(ROM + 0xff0) == 42, "in its last block");
    mmio_write32(ROM + 1, 43);
    report(call(ROM) == 42, "a write to it changes nothing");
    return report_finish();
}
