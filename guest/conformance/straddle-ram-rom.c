/*
 * straddle-ram-rom.c - accesses from RAM into a ROM amid it and out again: reads join both, writes
 * change the RAM's part.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = rom.dtb\n");

#define ROM 0x800000 /* one page, bytes 0x30 to 0x37 */
#define PAGE 0x1000

int main(const struct boot_info *boot)
{
    (void)boot;
    mmio_write64(ROM - 8, 0x0807060504030201);
    mmio_write64(ROM + PAGE, 0x1817161514131211);
    report(mmio_read64(ROM - 3) == 0x3433323130080706, "a read into it");
    report(mmio_read32(ROM - 1) == 0x32313008, "4 bytes, one of them RAM");
    report(mmio_read64(ROM + PAGE - 2) == 0x1615141312113736, "a read out of it");
    mmio_write64(ROM - 4, 0xffeeddccbbaa9988);
    report(mmio_read32(ROM - 4) == 0xbbaa9988, "a write into it changes RAM");
    report(mmio_read64(ROM) == 0x3736353433323130, "and not the ROM");
    mmio_write64(ROM + PAGE - 4, 0xffeeddccbbaa9988);
    report(mmio_read32(ROM + PAGE) == 0xffeeddcc && mmio_read32(ROM + PAGE - 4) == 0x37363534,
           "nor does one out of it");
    report(mmio_read32(ROM + PAGE + 4) == 0x18171615, "which ends where it should");
    return report_finish();
}
