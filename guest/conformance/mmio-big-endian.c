/* mmio-big-endian.c - a big-endian device sees the CPU's bytes swapped once, at each width. */
#include "guest/lib/guest.h"

TEST_NOTE("board = puzzle\n");

#define BANK 1
#define W TESTDEV_LOG_WRITE

int main(const struct boot_info *boot)
{
    struct testdev dev = testdev_open(boot, 0);
    uint64_t bank = testdev_bank(&dev, BANK);

    testdev_log_clear(&dev);
    mmio_write8(bank, 0x5a);
    mmio_write16(bank + 2, 0x1122);
    mmio_write32(bank + 4, 0x11223344);
    mmio_write64(bank + 8, 0x1122334455667788);
    report(testdev_called(&dev, 4), "a call for each");
    report(testdev_call_is(&dev, 0, BANK, 1 | W, 0, 0x5a), "a byte as it is");
    report(testdev_call_is(&dev, 1, BANK, 2 | W, 2, 0x2211), "a word swapped");
    report(testdev_call_is(&dev, 2, BANK, 4 | W, 4, 0x44332211), "a double word");
    report(testdev_call_is(&dev, 3, BANK, 8 | W, 8, 0x8877665544332211), "8 bytes");
    report(mmio_read16(bank + 2) == 0x1122 && mmio_read32(bank + 4) == 0x11223344 &&
               mmio_read64(bank + 8) == 0x1122334455667788,
           "and back");
    report(mmio_read8(bank + 8) == 0x88, "the CPU's lowest byte lies first all the same");
    return report_finish();
}
