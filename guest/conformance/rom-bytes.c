/* rom-bytes.c - a ROM of three bytes at the end of a page, with nothing around it. */
#include "guest/lib/guest.h"

TEST_NOTE("board = rom.dtb\n");

#define ROM 0xe0030ffd

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read8(ROM) == 0x21 && mmio_read8(ROM + 2) == 0x23, "its first and last byte");
    report(mmio_read64(ROM) == 0xffffffffff232221, "8 bytes from there: five of nothing");
    report(mmio_read32(ROM - 2) == 0x2221ffff, "a double word across its beginning");
    report(mmio_read16(ROM + 2) == 0xff23, "a word across its end");
    mmio_write32(ROM - 1, 0);
    report(mmio_read32(ROM - 1) == 0x232221ff, "a write to it is dropped");
    return report_finish();
}
