/* mmio-refused.c - what a device does not take, by size or alignment, reads 0 and writes nothing.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0
#define VALUE 0x8877665544332211

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bank = testdev_bank(&dev, BANK), raw = testdev_raw(&dev, BANK);

    mmio_write64(raw, VALUE);
    report(testdev_shape(&dev, BANK, TESTDEV_SHAPE(4, 4, 1, 8)), "4 bytes, aligned, and no others");
    testdev_log_clear(&dev);
    report(mmio_read8(bank) == 0 && mmio_read16(bank) == 0, "too narrow a read");
    mmio_write8(bank, 1);
    mmio_write16(bank, 1);
    report(mmio_read64(raw) == VALUE, "too narrow a write");
    report(mmio_read32(bank + 2) == 0, "an unaligned read");
    mmio_write32(bank + 2, 1);
    report(mmio_read64(raw) == VALUE, "an unaligned write");
    report(testdev_called(&dev, 0), "the device hears of none");
    report(mmio_read32(bank + 4) == 0x88776655, "one that it takes");
    testdev_log_clear(&dev);
    report(mmio_read64(bank) == VALUE && testdev_called(&dev, 2), "8 bytes come as two of 4");
    mmio_write64(bank, 0x1020304050607080);
    report(mmio_read64(raw) == 0x1020304050607080, "and are written so");
    return report_finish();
}
