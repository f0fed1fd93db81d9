/*
 * mmio-narrow.c - accesses narrower than a device can do: reads take a part of what it gives;
 * writes are, as it declares, a read and a write, a write with zeros around, or refused.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 4 /* 4 bytes at a time */
#define W TESTDEV_LOG_WRITE

static uint64_t shape(unsigned narrow)
{
    return TESTDEV_SHAPE(1, 8, 4, 4) | TESTDEV_SHAPE_VALID_UNALIGNED |
           (uint64_t)narrow << TESTDEV_SHAPE_NARROW_SHIFT;
}

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bank = testdev_bank(&dev, BANK), raw = testdev_raw(&dev, BANK);

    mmio_write64(raw, 0x8877665544332211);
    testdev_log_clear(&dev);
    report(mmio_read8(bank + 2) == 0x33 && mmio_read16(bank + 6) == 0x8877, "reads give a part");
    report(testdev_called(&dev, 2) && testdev_call_is(&dev, 0, BANK, 4, 0, 0x44332211) &&
               testdev_call_is(&dev, 1, BANK, 4, 4, 0x88776655),
           "of one whole unit each");
    testdev_log_clear(&dev);
    mmio_write8(bank + 1, 0xaa);
    report(mmio_read64(raw) == 0x887766554433aa11, "RMW: a byte is changed");
    report(testdev_called(&dev, 2) && testdev_call_is(&dev, 0, BANK, 4, 0, 0x44332211) &&
               testdev_call_is(&dev, 1, BANK, 4 | W, 0, 0x4433aa11),
           "by a read and a write");
    report(testdev_shape(&dev, BANK, shape(TESTDEV_NARROW_ZERO_EXTEND)), "ZERO_EXTEND");
    testdev_log_clear(&dev);
    mmio_write8(bank, 0xbb);
    report(testdev_called(&dev, 1) && testdev_call_is(&dev, 0, BANK, 4 | W, 0, 0xbb),
           "one write, zeros around the byte");
    report(testdev_shape(&dev, BANK, shape(TESTDEV_NARROW_REJECT)), "REJECT");
    testdev_log_clear(&dev);
    mmio_write8(bank, 0xcc);
    report(testdev_called(&dev, 0) && mmio_read32(raw) == 0xbb, "no call and no change");
    mmio_write32(bank, 0x12345678);
    report(mmio_read32(raw) == 0x12345678, "a whole unit is written");
    return report_finish();
}
