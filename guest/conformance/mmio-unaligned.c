/*
 * mmio-unaligned.c - an unaligned access to a device that wants aligned calls is cut into such
 * ones; to one that does not mind it is one call.
 */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 0
#define SHAPE (TESTDEV_SHAPE(1, 8, 1, 8) | TESTDEV_SHAPE_VALID_UNALIGNED)

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bank = testdev_bank(&dev, BANK), raw = testdev_raw(&dev, BANK), num;
    bool aligned = true;

    mmio_write64(raw, 0x8877665544332211);
    mmio_write64(raw + 8, 0x1817161514131211);
    testdev_log_clear(&dev);
    report(mmio_read32(bank + 3) == 0x77665544, "4 bytes from 3 on");
    report(mmio_read64(bank + 5) == 0x1514131211887766, "8 bytes from 5 on");
    report(mmio_read16(bank + 7) == 0x1188, "2 bytes from 7 on");
    num = testdev_read(&dev, TESTDEV_LOG_COUNT);
    for (uint64_t i = 0; i < num; i++) {
        uint64_t entry = dev.memory + TESTDEV_LOG + i * TESTDEV_LOG_ENTRY_SIZE;

        aligned =
            aligned &&
            mmio_read64(entry + TESTDEV_LOG_OFFSET) % mmio_read64(entry + TESTDEV_LOG_SIZE) == 0;
    }
    report(num > 3 && aligned, "in %lu calls, each aligned", num);
    mmio_write32(bank + 1, 0xddccbbaa);
    report(mmio_read64(raw) == 0x887766ddccbbaa11, "a write changes its bytes alone");
    report(testdev_shape(&dev, BANK, SHAPE | TESTDEV_SHAPE_IMPL_UNALIGNED), "another shape");
    testdev_log_clear(&dev);
    report(mmio_read32(bank + 3) == 0x7766ddcc && testdev_called(&dev, 1) &&
               testdev_call_is(&dev, 0, BANK, 4, 3, 0x7766ddcc),
           "one call where the device does not mind");
    return report_finish();
}
