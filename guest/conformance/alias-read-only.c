/* alias-read-only.c - a read-only alias of RAM reads what is there and drops every write. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define LOCKED 0xd3202000 /* a page; nobody is before it */
#define ROM_PAGE 0xd3203000

int main(const struct boot_info *boot)
{
    uint32_t value = 0x55;

    (void)boot;
    report(mmio_read64(LOCKED) == 0, "it reads");
    mmio_write8(LOCKED, 1);
    mmio_write64(LOCKED, 0x1111111111111111);
    report(mmio_read64(LOCKED) == 0, "writes are dropped");
    mmio_lock_inc32(LOCKED);
    report(mmio_read32(LOCKED) == 0, "locked ones too");
    __asm__ volatile("xchgl %0, (%1)" : "+r"(value) : "r"((uint64_t)LOCKED) : "memory");
    report(value == 0 && mmio_read32(LOCKED) == 0, "and exchanges");
    mmio_write64(LOCKED - 4, 0x8877665544332211);
    report(mmio_read64(LOCKED - 4) == 0xffffffff, "a write from nothing into it changes nothing");
    report(mmio_read32(ROM_PAGE) == 0x65676170, "a ROM is beside it");
    mmio_write32(ROM_PAGE - 4, 0xffffffff);
    report(mmio_read64(ROM_PAGE - 4) == 0x6567617000000000, "its last bytes, and on into the ROM");
    return report_finish();
}
