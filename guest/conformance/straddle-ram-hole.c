/* straddle-ram-hole.c - accesses over the end of RAM into nothing: what is RAM is kept. */
#include "guest/lib/guest.h"

TEST_NOTE("board = alias.dtb\n");

#define END 0x1000000
#define VALUE 0x1122334455667788

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned in_ram = 1; in_ram < 8; in_ram++) {
        uint64_t addr = END - in_ram, ones = UINT64_MAX << 8 * in_ram;

        mmio_write64(END - 8, 0);
        mmio_write64(addr, VALUE);
        report(mmio_read64(addr) == ((VALUE & ~ones) | ones),
               "8 bytes, %u of them RAM: those are kept, the rest is ones", in_ram);
    }
    mmio_write64(END - 8, 0);
    mmio_write32(END - 2, 0xaabbccdd);
    report(mmio_read16(END - 2) == 0xccdd && mmio_read32(END - 2) == 0xffffccdd,
           "4 bytes, 2 of them RAM");
    mmio_write16(END - 1, 0x5566);
    report(mmio_read8(END - 1) == 0x66 && mmio_read16(END - 1) == 0xff66, "2 bytes, 1 of them RAM");
    report(mmio_read64(END - 8) == UINT64_C(0x66dd000000000000),
           "what is before them is not touched");
    report(mmio_read8(END) == 0xff, "behind the end: ones");
    return report_finish();
}
