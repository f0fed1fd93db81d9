/* alias-chain.c - an alias of an alias adds both offsets. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define RAM 0x500000
#define FIRST 0xd0100000
#define SECOND 0xd1000000
#define SIZE 0x100000

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write32(RAM, 0x12345678);
    report(mmio_read32(FIRST) == 0x12345678, "RAM shows in the first alias");
    report(mmio_read32(SECOND) == 0x12345678, "and in the alias of that");
    mmio_write32(SECOND + SIZE - 4, 0x9abcdef0);
    report(mmio_read32(RAM + SIZE - 4) == 0x9abcdef0, "a write through both, at the end");
    report(mmio_read32(FIRST + SIZE - 4) == 0x9abcdef0, "is in the first as well");
    report(mmio_read32(SECOND + SIZE) == 0xffffffff, "the second ends where it is said to");
    return report_finish();
}
