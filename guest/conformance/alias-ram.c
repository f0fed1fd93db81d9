/* alias-ram.c - an alias shows the same bytes of RAM, both ways, to its ends. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define TARGET 0x400000
#define ALIAS 0xd0000000
#define SIZE 0x200000

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write64(TARGET, 0x1122334455667788);
    report(mmio_read64(ALIAS) == 0x1122334455667788, "what RAM holds shows in the alias");
    mmio_write32(ALIAS + 4, 0xaabbccdd);
    report(mmio_read64(TARGET) == 0xaabbccdd55667788, "what is written to the alias is in RAM");
    mmio_write8(ALIAS + SIZE - 1, 0x5a);
    report(mmio_read8(TARGET + SIZE - 1) == 0x5a, "its last byte");
    mmio_write8(TARGET + SIZE, 0xa5);
    report(mmio_read8(ALIAS + SIZE) == 0xff, "and none behind it");
    report(mmio_read16(ALIAS + SIZE - 1) == 0xff5a, "a word across its end: half of it RAM");
    mmio_lock_inc32(ALIAS);
    report(mmio_read32(TARGET) == 0x55667789, "a locked increment");
    return report_finish();
}
