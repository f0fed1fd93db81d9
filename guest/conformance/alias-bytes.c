/* alias-bytes.c - an alias by byte borders: ten bytes of a ROM, at an odd address. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define ALIAS 0xe0050005

int main(const struct boot_info *boot)
{
    (void)boot;
    report(mmio_read8(ALIAS) == 3 && mmio_read8(ALIAS + 9) == 12, "its first and last byte");
    report(mmio_read64(ALIAS) == 0x0a09080706050403, "8 bytes at an odd address");
    report(mmio_read64(ALIAS + 2) == 0x0c0b0a0908070605, "its last 8");
    report(mmio_read16(ALIAS - 1) == 0x03ff, "a word across its beginning");
    report(mmio_read32(ALIAS + 7) == 0xff0c0b0a, "a double word across its end");
    return report_finish();
}
